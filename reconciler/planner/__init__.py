"""The planner: makes a plan of what is desired, remote and remembered. Pure."""
