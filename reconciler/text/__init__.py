"""Text for people. Pure; imports nothing else of the package."""
