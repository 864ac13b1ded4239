"""Bindings by what they stand for."""

from __future__ import annotations

from reconciler.state.index import index_bindings
from reconciler.state.model import State
from reconciler.state.remembered import Binding


def test_bindings_are_grouped_by_what_their_addresses_name() -> None:
    """Messages and participants come by conversation, in whatever order the state has them."""
    addresses = ["s/c/b", "s/d/a", "s/c/participants/bob", "s", "s/c/a", "s/c", "s/c/participants/eve"]
    state = State("0" * 32, "AC1", "emulator:1", bindings={one: Binding(one) for one in addresses})

    groups = index_bindings(state)

    assert list(groups.services) == ["s"]
    assert list(groups.conversations) == ["s/c"]
    assert {name: list(one) for name, one in groups.messages.items()} == {
        "s/c": ["s/c/b", "s/c/a"],
        "s/d": ["s/d/a"],
    }
    assert {name: list(one) for name, one in groups.participants.items()} == {
        "s/c": ["s/c/participants/bob", "s/c/participants/eve"]
    }
