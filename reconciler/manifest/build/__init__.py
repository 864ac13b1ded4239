"""Checked mappings to desired services, conversations, participants and messages."""
