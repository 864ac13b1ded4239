"""Find out what became of every create of earlier runs whose reply is not on record.

There is no idempotency key, so the answer is in the listing: an unclaimed message above the
boundary that says what was sent. That none is there counts only when it stays so for the settle
window, as an accepted write may show late; and a look that fails decides nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING

import msgspec

from reconciler.applier.polling import Clock, SettleWindow, settle_window_of
from reconciler.applier.settle_messages import find_messages, message_binding
from reconciler.applier.settle_parents import Settled, settle_parent, settle_participant
from reconciler.model import Address, ResourceType, parent_of, type_of
from reconciler.runtime.concurrency import concurrently
from reconciler.state.intents import claims, open_intents
from reconciler.state.model import Intent, State

if TYPE_CHECKING:
    from reconciler.twilio.client import Twilio


_PARENTS = (ResourceType.SERVICE, ResourceType.CONVERSATION)


async def settle_all(client: Twilio, state: State, seconds: float, now: Clock) -> list[Settled]:
    """Look up every open intent of *state*, parents before what is in them; *state* is not changed.

    An intent inside a parent that was itself still to be created learns that parent's sid first, and is
    as unknown as that parent. *seconds* is the settle window, *now* our own clock.
    """
    groups: dict[ResourceType, list[Intent]] = {}
    for intent in open_intents(state):
        groups.setdefault(type_of(intent.address), []).append(intent)
    settled: list[Settled] = []

    def placed(kind: ResourceType) -> list[Intent]:
        known, unknown = _place(groups.get(kind, []), state, settled)
        settled.extend(unknown)
        return known

    def settle_window(*intents: Intent) -> SettleWindow:
        return partial(settle_window_of, client=client, intents=intents, seconds=seconds, now=now)

    for kind in _PARENTS:
        settled += await concurrently(
            [settle_parent(client, intent, settle_window(intent)) for intent in placed(kind)]
        )
    settled += await concurrently(
        [
            settle_participant(client, state, intent, settle_window(intent))
            for intent in placed(ResourceType.PARTICIPANT)
        ]
    )
    rooms: dict[Address, list[Intent]] = {}
    for intent in placed(ResourceType.MESSAGE):
        rooms.setdefault(parent_of(intent.address), []).append(intent)
    claimed = claims(state) if rooms else {}
    found = await concurrently(
        find_messages(
            client,
            state.digest,
            room,
            claimed.get(room[0].conversation_sid, frozenset()),
            settle_window(*room),
        )
        for room in rooms.values()
    )
    for one in (one for room in found for one in room):
        binding = (
            message_binding(state, one.intent, one.live, replied=False) if one.live is not None else None
        )
        settled.append(Settled(one.intent, binding, one.unknown))
    return settled


def _place(
    intents: Iterable[Intent], state: State, settled: Iterable[Settled]
) -> tuple[list[Intent], list[Settled]]:
    """Fill in the sids of parents that were not known when an intent was written.

    Returned beside them are the intents whose parents are unknown.
    """
    sids = {one.intent.address: one.binding.sid if one.binding is not None else "" for one in settled}
    unknown = {one.intent.address for one in settled if one.unknown}

    def sid_of(address: Address) -> str:
        if address in sids:  # a parent that came to nothing leaves nothing in what it was to replace
            return sids[address]
        binding = state.bindings.get(address)
        return binding.sid if binding is not None else ""

    placed: list[Intent] = []
    lost: list[Settled] = []
    for intent in intents:
        parent, kind = parent_of(intent.address), type_of(intent.address)
        told = intent.service_sid if kind is ResourceType.CONVERSATION else intent.conversation_sid
        if not told and parent in unknown:
            lost.append(Settled(intent, unknown=f"whether `{parent}` was created cannot be told either"))
        elif kind is ResourceType.SERVICE:
            placed.append(intent)
        elif kind is ResourceType.CONVERSATION:
            placed.append(msgspec.structs.replace(intent, service_sid=told or sid_of(parent)))
        else:
            service_sid = intent.service_sid or sid_of(parent_of(parent))
            sid = told or sid_of(parent)
            placed.append(msgspec.structs.replace(intent, service_sid=service_sid, conversation_sid=sid))
    return placed, lost
