"""Find out what became of a create whose reply is not on record.

There is no idempotency key, so the answer is in the listing: an unclaimed message above the
boundary that says what was sent. That none is there counts only when it stays so for the settling
time, as an accepted write may show late.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import msgspec
from msgspec import Struct

from reconciler.canonical import canonical_date
from reconciler.concurrency import concurrently
from reconciler.errors import NotFound
from reconciler.model import Address, RemoteMessage, ResourceType, parent_of, type_of
from reconciler.plan.diff import MESSAGE, Paths, live_values, managed_part
from reconciler.plan.match import MATCH, live_match_text, settle
from reconciler.refresh import tail
from reconciler.state.model import Binding, Bound, Closed, Intent, Record, State

if TYPE_CHECKING:
    from reconciler.twilio.client import Twilio

_FIRST_PAUSE: Final = 0.25
_LONGEST_PAUSE: Final = 2.0
_REQUEST_LIFE: Final = 60.0
"""Seconds after which no request of ours can still be under way to the server."""


class Settled(Struct, frozen=True):
    """What became of one intent: *binding* if it happened; *unknown* if that cannot be told."""

    intent: Intent
    binding: Binding | None = None
    unknown: bool = False

    @property
    def record(self) -> Record | None:
        """Return what to write down, or None while it is unknown."""
        if self.unknown:
            return None
        if self.binding is not None:
            return Bound(self.intent.address, self.binding)
        return Closed(self.intent.address)


class Settling(Struct, frozen=True):
    """How long an empty listing is not believed: *seconds*, told by *clock*, spent by *sleep*."""

    seconds: float
    clock: Callable[[], float]
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep
    now: Callable[[], datetime] = lambda: datetime.now(UTC)


def open_intents(state: State) -> list[Intent]:
    """Return every create whose outcome is open, also those known only from the snapshot's `in_flight`."""
    found = dict(state.intents)
    for flight in state.in_flight.values():
        for address, match in flight.creates.items():
            found.setdefault(
                address,
                Intent(
                    address=address,
                    service_sid=flight.service_sid,
                    conversation_sid=flight.conversation_sid,
                    boundary=flight.boundary,
                    match=match,
                    webhooks=flight.webhooks,
                    opened_at=flight.opened_at,
                ),
            )
    return list(found.values())


async def settle_all(client: Twilio, state: State, settling: Settling) -> list[Settled]:
    """Look up every open intent of *state*, parents before what is in them; *state* is not changed.

    An intent inside a parent that was itself still to be created learns that parent's sid first.
    """
    settled: list[Settled] = []
    groups: dict[Address, list[Intent]] = {}
    for intent in sorted(open_intents(state), key=lambda intent: intent.address.count("/")):
        if type_of(intent.address) is ResourceType.MESSAGE:
            groups.setdefault(parent_of(intent.address), []).append(intent)
        else:
            placed = _place(intent, state, settled)
            settled.append(await settle_parent(client, placed, settling))
    found = await concurrently(
        settle_messages(client, state, [_place(intent, state, settled) for intent in group], settling)
        for group in groups.values()
    )
    return settled + [one for group in found for one in group]


def _place(intent: Intent, state: State, settled: Iterable[Settled]) -> Intent:
    """Fill in the sids of parents that were not known when the intent was written."""
    sids = {one.intent.address: one.binding.sid for one in settled if one.binding is not None}
    service, _, rest = intent.address.partition("/")
    if not rest:
        return intent

    def sid_of(address: Address) -> str:
        binding = state.bindings.get(address)
        return sids.get(address) or (binding.sid if binding is not None else "")

    return msgspec.structs.replace(
        intent,
        service_sid=intent.service_sid or sid_of(service),
        conversation_sid=intent.conversation_sid or sid_of(parent_of(intent.address)) if "/" in rest else "",
    )


async def settle_messages(
    client: Twilio, state: State, intents: Iterable[Intent], settling: Settling
) -> list[Settled]:
    """Settle intents of one conversation, none of whose creates may be in flight any more."""
    open_ones = list(intents)
    if not open_ones[0].conversation_sid:
        return [Settled(intent) for intent in open_ones]
    where = (open_ones[0].service_sid, open_ones[0].conversation_sid)
    boundary = min(intent.boundary for intent in open_ones)
    claimed = {sid for item in state.bindings.values() for sid in (item.sid, *item.superseded)}
    until = settling.clock() + _remaining(open_ones, settling)
    pause = _FIRST_PAUSE
    while True:
        try:
            newer = [live async for live in tail(client, *where, boundary)]
        except NotFound:
            return [Settled(intent) for intent in open_ones]
        found = settle(
            [(intent.address, intent.match) for intent in open_ones],
            [(state.digest(MATCH, live_match_text(live)), live) for live in newer],
            boundary,
            claimed,
        )
        left = until - settling.clock()
        if len(found) == len(open_ones) or left <= 0:
            break
        await settling.sleep(min(pause, left))
        pause = min(pause * 2, _LONGEST_PAUSE)
    taken = claimed | {live.sid for live in found.values()}
    strangers = any(live.sid not in taken for live in newer)
    return [_settled(state, intent, found.get(intent.address), strangers=strangers) for intent in open_ones]


async def settle_parent(client: Twilio, intent: Intent, settling: Settling) -> Settled:
    """Settle the create of a service (by what was there before) or a conversation (by its unique name)."""
    kind = type_of(intent.address)
    if kind is ResourceType.CONVERSATION and not intent.service_sid:
        return Settled(intent)  # its service came to nothing
    until = settling.clock() + _remaining([intent], settling)
    pause = _FIRST_PAUSE
    while True:
        binding = (
            await _new_service(client, intent)
            if kind is ResourceType.SERVICE
            else await _new_conversation(client, intent)
        )
        left = until - settling.clock()
        if binding is not None or left <= 0:
            return Settled(intent, binding)
        await settling.sleep(min(pause, left))
        pause = min(pause * 2, _LONGEST_PAUSE)


def message_binding(state: State, intent: Intent, live: RemoteMessage, ignored: Paths = ()) -> Binding:
    """Return the binding of a message that was created, or turned out to be, for *intent*.

    What the address stood for before is superseded by it.
    """
    before = state.bindings.get(intent.address)
    superseded = () if before is None or before.sid == live.sid else (*before.superseded, before.sid)
    values = live_values(live)
    observed = {}
    for name, sent in intent.sent.items():
        if name not in MESSAGE.unseen:
            seen = managed_part(name, values.get(name, MESSAGE.defaults.get(name, "")), ignored)
            if (digest := state.digest(name, seen)) != sent:
                observed[name] = digest
    return Binding(
        sid=live.sid,
        service_sid=intent.service_sid,
        conversation_sid=intent.conversation_sid,
        index=live.index,
        sent=intent.sent,
        observed=observed,
        superseded=superseded,
        imported=not intent.sent,
    )


def _settled(state: State, intent: Intent, live: RemoteMessage | None, *, strangers: bool) -> Settled:
    if live is not None:
        return Settled(intent, message_binding(state, intent, live))
    return Settled(intent, unknown=intent.webhooks and strangers)


async def _new_service(client: Twilio, intent: Intent) -> Binding | None:
    new = [
        service.sid
        async for page in client.service_pages()
        for service in page
        if service.friendly_name == intent.name and service.sid not in intent.known
    ]
    return Binding(sid=new[0], sent=intent.sent, created=True) if new else None


async def _new_conversation(client: Twilio, intent: Intent) -> Binding | None:
    """Find it by its unique name; it is ours only if it is not older than the intent."""
    try:
        live = await client.fetch_conversation(intent.service_sid, intent.name)
    except NotFound:
        return None
    ours = (canonical_date(live.date_created) or "") >= intent.opened_at
    return Binding(sid=live.sid, service_sid=intent.service_sid, sent=intent.sent, created=ours)


def _remaining(intents: list[Intent], settling: Settling) -> float:
    """Return for how many seconds an empty listing is not to be believed yet.

    A request of an earlier run may have been sent any time up to its end, so only an intent that is
    much older than the settling time is believed at once.
    """
    newest = max(intent.opened_at for intent in intents)
    if newest:
        age = (settling.now() - datetime.fromisoformat(newest)).total_seconds()
        if age > settling.seconds + _REQUEST_LIFE:
            return 0
    return settling.seconds
