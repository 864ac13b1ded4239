"""Stores: where a state is kept."""
