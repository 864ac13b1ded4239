"""Open creates: what the state knows of creates whose outcome is not on record."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import msgspec

from reconciler.state.model import State
from reconciler.state.remembered import InFlight, Intent

if TYPE_CHECKING:
    pass


def open_intents(state: State) -> list[Intent]:
    """Return every create whose outcome is open, also those known only from the snapshot's `in_flight`."""
    found = dict(state.intents)
    for flight in state.in_flight.values():
        for intent in _announced(flight):
            found.setdefault(intent.address, intent)
    return list(found.values())


def _announced(flight: InFlight) -> Iterable[Intent]:
    if flight.parent is not None:
        yield flight.parent
    place = Intent(
        "",
        service_sid=flight.service_sid,
        conversation_sid=flight.conversation_sid,
        boundary=flight.boundary,
        opened_at=flight.opened_at,
        clock_at=flight.clock_at,
    )
    for address, match in flight.participants.items():
        yield msgspec.structs.replace(place, address=address, match=match)
    for address, match in flight.creates.items():
        tolerant, author = flight.tolerant.get(address, ("", ""))
        yield msgspec.structs.replace(
            place,
            address=address,
            match=match,
            tolerant=tolerant,
            author=author,
            date=flight.dates.get(address, ""),
            webhooks=flight.webhooks,
            in_order=not flight.unordered,
        )


def claims(state: State) -> dict[str, set[str]]:
    """Return, by conversation sid, the sids of messages that are bound or superseded."""
    claimed: dict[str, set[str]] = {}
    for binding in state.bindings.values():
        if binding.conversation_sid:
            claimed.setdefault(binding.conversation_sid, set()).update((binding.sid, *binding.superseded))
    return claimed


def fold_in_flight(state: State) -> None:
    """Turn `in_flight` into intents, so that every open create is in one place."""
    state.intents = {intent.address: intent for intent in open_intents(state)}
    state.in_flight.clear()
