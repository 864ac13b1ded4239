"""The planner: desired, remote and state in, a plan out. Pure."""
