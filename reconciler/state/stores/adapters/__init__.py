"""Adapters: the requests of one kind of store, without a decision."""
