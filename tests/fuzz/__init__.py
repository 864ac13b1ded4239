"""Damaged inputs: whatever they hold, what comes of them is a value or an error with a sentence."""
