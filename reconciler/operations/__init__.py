"""What the commands do: one operation, one file; no flags and no output."""
