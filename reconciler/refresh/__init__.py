"""Read what a plan needs from the API, and no more."""
