"""YAML text to values with their positions, and values to YAML text."""
