"""The bindings of a state, indexed by type and conversation in one pass."""

from __future__ import annotations

from msgspec import Struct

from reconciler.model import Address, ResourceType, parent_of, type_of
from reconciler.state.model import State
from reconciler.state.remembered import Binding

Bindings = dict[Address, Binding]


class BindingIndex(Struct, frozen=True):
    """The bindings of a state by type of resource."""

    services: Bindings = {}
    """By address."""
    conversations: Bindings = {}
    """By address."""
    messages: dict[Address, Bindings] = {}
    """By the address of their conversation, then by address."""
    participants: dict[Address, Bindings] = {}
    """By the address of their conversation, then by address."""


def index_bindings(state: State) -> BindingIndex:
    """Return the bindings of *state* in groups, each in the order of the state."""
    groups = BindingIndex()
    messages = groups.messages
    for address, binding in state.bindings.items():
        conversation, _, _ = address.rpartition("/")
        if conversation in messages:  # a message, as most are
            messages[conversation][address] = binding
            continue
        kind = type_of(address)
        if kind is ResourceType.MESSAGE:
            messages[conversation] = {address: binding}
        elif kind is ResourceType.CONVERSATION:
            groups.conversations[address] = binding
        elif kind is ResourceType.SERVICE:
            groups.services[address] = binding
        else:
            groups.participants.setdefault(parent_of(address), {})[address] = binding
    return groups
