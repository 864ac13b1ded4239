"""Read YAML into values with positions, write values as YAML, and format YAML."""
