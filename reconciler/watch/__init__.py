"""Reconcile again and again: when a round is due, what it does, and what it tells the outside."""
