"""Where a state is kept."""
