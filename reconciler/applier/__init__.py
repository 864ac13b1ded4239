"""The applier: carry a plan out exactly once."""
