"""The plan as a value: actions, options, the saved plan, and the outcome of an apply. Pure."""
