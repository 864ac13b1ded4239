"""Settle every create of earlier runs whose reply is not on record.

The API has no idempotency key, so the listing decides. A message is ours if it is above the boundary,
unclaimed, and equal to what was sent. An absence counts only after the settle window, as an accepted write
may show late. A look that fails decides nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from operator import attrgetter
from typing import TYPE_CHECKING

import msgspec

from reconciler.applier.polling import Clock, SettleWindow, settle_window_of
from reconciler.applier.settle_messages import Found, find_messages
from reconciler.applier.settle_parents import Settled, settle_parent, settle_participant
from reconciler.model import Address, RemoteMessage, ResourceType, parent_of, type_of
from reconciler.resources.binding import created_message
from reconciler.runtime.concurrency import concurrently
from reconciler.state.intents import claims, open_intents
from reconciler.state.model import State
from reconciler.state.remembered import Intent

if TYPE_CHECKING:
    from reconciler.twilio.client import Twilio


_PARENTS = (ResourceType.SERVICE, ResourceType.CONVERSATION)


async def settle_all(client: Twilio, state: State, seconds: float, now: Clock) -> list[Settled]:
    """Return the outcome of every open intent of *state*, which is not changed.

    Parents are settled before what is in them. An intent inside a parent that was still to be created takes
    that parent's sid, or is unknown if the parent is. *seconds* is the settle window, *now* our own clock.
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
    by_conversation: dict[Address, list[Intent]] = {}
    for intent in placed(ResourceType.MESSAGE):
        by_conversation.setdefault(parent_of(intent.address), []).append(intent)
    claimed = claims(state) if by_conversation else {}
    found = await concurrently(
        find_messages(
            client,
            state.digest,
            group,
            claimed.get(group[0].conversation_sid, frozenset()),
            settle_window(*group),
        )
        for group in by_conversation.values()
    )
    for one in (one for group in found for one in _in_order(group)):
        binding = (
            created_message(state, one.intent, one.live, replied=False) if one.live is not None else None
        )
        settled.append(Settled(one.intent, binding, one.unknown))
    return settled


def _in_order(found: list[Found]) -> list[Found]:
    """Return *found* without the messages that stand below one that was announced, and so posted, before.

    That matters where many creates are open: those of a window, or all of a run whose journal is lost. Others
    may have posted the same text first. Which message such a create made, if any, cannot be told. Messages
    that are equal in text and date are interchangeable: they go to their creates in the order of their
    indexes.
    """
    highest, judged = -1, []
    for one in _exchanged(found):
        if one.live is not None and one.intent.in_order:
            if one.live.index < highest:
                judged.append(
                    Found(one.intent, unknown=f"{one.live.sid} stands before what was posted first")
                )
                continue
            highest = one.live.index
        judged.append(one)
    return judged


def _exchanged(found: list[Found]) -> list[Found]:
    """Return *found* with the equal messages of equal creates in the order of their indexes."""
    equal: dict[tuple[str, ...], list[RemoteMessage]] = {}
    for one in found:
        if one.live is not None and one.intent.in_order:
            equal.setdefault(_likeness(one.intent, one.live), []).append(one.live)
    for lives in equal.values():
        lives.sort(key=attrgetter("index"), reverse=True)
    return [
        Found(one.intent, equal[_likeness(one.intent, one.live)].pop())
        if one.live is not None and one.intent.in_order
        else one
        for one in found
    ]


def _likeness(intent: Intent, live: RemoteMessage) -> tuple[str, ...]:
    return intent.match, live.body or "", live.date_created or ""


def _place(
    intents: Iterable[Intent], state: State, settled: Iterable[Settled]
) -> tuple[list[Intent], list[Settled]]:
    """Complete *intents* with the sids of parents that were not known when they were written.

    Return them, and as settled those whose parents are unknown.
    """
    sids = {one.intent.address: one.binding.sid if one.binding is not None else "" for one in settled}
    unknown = {one.intent.address for one in settled if one.unknown}

    def sid_of(address: Address) -> str:
        if address in sids:  # a parent that was not created holds nothing, whatever it was to replace
            return sids[address]
        binding = state.bindings.get(address)
        return binding.sid if binding is not None else ""

    placed: list[Intent] = []
    undecided: list[Settled] = []
    for intent in intents:
        parent, kind = parent_of(intent.address), type_of(intent.address)
        sid_in_intent = intent.service_sid if kind is ResourceType.CONVERSATION else intent.conversation_sid
        if not sid_in_intent and parent in unknown:
            undecided.append(Settled(intent, unknown=f"whether `{parent}` was created cannot be told either"))
        elif kind is ResourceType.SERVICE:
            placed.append(intent)
        elif kind is ResourceType.CONVERSATION:
            placed.append(msgspec.structs.replace(intent, service_sid=sid_in_intent or sid_of(parent)))
        else:
            service_sid = intent.service_sid or sid_of(parent_of(parent))
            sid = sid_in_intent or sid_of(parent)
            placed.append(msgspec.structs.replace(intent, service_sid=service_sid, conversation_sid=sid))
    return placed, undecided
