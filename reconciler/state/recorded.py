"""What a state has of single conversations and services, as digests that any change of it changes."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import blake2b
from typing import Any

import msgspec

from reconciler.model import Address, conversation_of
from reconciler.state.model import State

_encode = msgspec.json.Encoder(order="deterministic").encode


def recorded(state: State, addresses: Iterable[Address]) -> dict[Address, str]:
    """Return, by the conversation or service of each of *addresses*, the digest of what *state* has of it.

    It covers bindings and open creates, and nothing of the service around a conversation.
    """
    found: dict[Address, list[Any]] = {place: [] for place in map(conversation_of, addresses)}
    for address, binding in state.bindings.items():
        if (place := conversation_of(address)) in found:
            found[place].append((address, binding))
    for kept in found.values():
        kept.sort(key=lambda one: one[0])
    for address, intent in state.intents.items():
        if (place := conversation_of(address)) in found:
            found[place].append((address, intent))
    for place, kept in found.items():
        kept.append(state.in_flight.get(place))
    return {place: blake2b(_encode(kept), digest_size=16).hexdigest() for place, kept in found.items()}
