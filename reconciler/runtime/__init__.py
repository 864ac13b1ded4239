"""Files, signals and concurrency; it knows nothing of messages."""
