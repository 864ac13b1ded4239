"""The settings file: what it may hold, how it is read, and what it says for one environment."""
