"""The state: what the tool remembers, and how it survives a crash."""
