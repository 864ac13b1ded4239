"""Find out what became of a create whose reply is not on record.

There is no idempotency key, so the answer is in the listing: an unclaimed message above the
boundary that says what was sent. That none is there counts only when it stays so for the settling
time, as an accepted write may show late.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Final

import msgspec
from msgspec import Struct

from reconciler.canonical import canonical_date
from reconciler.concurrency import concurrently
from reconciler.errors import NotFound
from reconciler.model import Address, RemoteMessage, ResourceType, parent_of, type_of
from reconciler.planner.diff import MESSAGE, Digest, live_values, managed_part
from reconciler.planner.match import MATCH, Create, Likeness, likeness, live_match_text, match_text, settle
from reconciler.refresh import tail
from reconciler.state.model import Binding, Bound, Closed, Intent, Record, State

if TYPE_CHECKING:
    from reconciler.twilio.client import Twilio

_FIRST_PAUSE: Final = 0.25
_REQUEST_LIFE: Final = 600.0
"""Seconds after which no request of an earlier run can still be under way to the server."""
_UPLOADED: Final = "uploaded"
"""Stands for the media sid of a file while it is not uploaded yet."""

Pause = Callable[[float], Awaitable[object]]
"""Waits that many seconds, or less where waiting has become pointless."""
Patience = Callable[[], float]
"""Returns for how many seconds a listing without the message is not believed; asked after the first."""


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


class Found(Struct, frozen=True):
    """What became of the create of one message: *live* if it happened; *unknown* if that cannot be told."""

    intent: Intent
    live: RemoteMessage | None = None
    unknown: bool = False


def announced_likeness(digest: Digest, send: dict[str, str]) -> Likeness:
    """Return by what a create is recognised before it is sent, when the sid of its file is not known."""
    media_sid = _UPLOADED if "media" in send else send.get("media_sid", "")
    return likeness({**send, "media_sid": media_sid}, digest)


def open_intents(state: State) -> list[Intent]:
    """Return every create whose outcome is open, also those known only from the snapshot's `in_flight`."""
    found = dict(state.intents)
    for flight in state.in_flight.values():
        if flight.parent is not None:
            found.setdefault(flight.parent.address, flight.parent)
        for address, match in flight.creates.items():
            tolerant, author = flight.tolerant.get(address, ("", ""))
            found.setdefault(
                address,
                Intent(
                    address=address,
                    service_sid=flight.service_sid,
                    conversation_sid=flight.conversation_sid,
                    boundary=flight.boundary,
                    match=match,
                    tolerant=tolerant,
                    author=author,
                    webhooks=flight.webhooks,
                    opened_at=flight.opened_at,
                ),
            )
    return list(found.values())


async def settle_all(client: Twilio, state: State, seconds: float) -> list[Settled]:
    """Look up every open intent of *state*, parents before what is in them; *state* is not changed.

    An intent inside a parent that was itself still to be created learns that parent's sid first.
    """
    groups: dict[ResourceType, list[Intent]] = {}
    for intent in open_intents(state):
        groups.setdefault(type_of(intent.address), []).append(intent)
    settled: list[Settled] = []
    for kind in (ResourceType.SERVICE, ResourceType.CONVERSATION):
        placed = _place(groups.get(kind, []), state, settled)
        settled += await concurrently(
            settle_parent(client, intent, partial(_patience, client, [intent], seconds)) for intent in placed
        )
    rooms: dict[Address, list[Intent]] = {}
    for intent in _place(groups.get(ResourceType.MESSAGE, []), state, settled):
        rooms.setdefault(parent_of(intent.address), []).append(intent)
    claimed = claims(state) if rooms else {}
    found = await concurrently(
        find_messages(
            client,
            state.digest,
            room,
            claimed.get(room[0].conversation_sid, frozenset()),
            partial(_patience, client, room, seconds),
        )
        for room in rooms.values()
    )
    for one in (one for room in found for one in room):
        binding = message_binding(state, one.intent, one.live) if one.live is not None else None
        settled.append(Settled(one.intent, binding, one.unknown))
    return settled


def claims(state: State) -> dict[str, set[str]]:
    """Return, by conversation sid, the sids of messages that stand for something already."""
    claimed: dict[str, set[str]] = {}
    for binding in state.bindings.values():
        if binding.conversation_sid:
            claimed.setdefault(binding.conversation_sid, set()).update((binding.sid, *binding.superseded))
    return claimed


async def find_messages(
    client: Twilio,
    digest: Digest,
    intents: Sequence[Intent],
    claimed: Collection[str],
    patience: Patience,
    pause: Pause = asyncio.sleep,
) -> list[Found]:
    """Settle *intents* of one conversation, none of whose creates may be in flight any more.

    *claimed* are the sids of its messages that stand for something else.
    """
    if not intents[0].conversation_sid:
        return [Found(intent) for intent in intents]  # the conversation came to nothing
    where = (intents[0].service_sid, intents[0].conversation_sid)
    boundary = min(intent.boundary for intent in intents)
    creates = [Create(intent.address, intent.match, intent.boundary) for intent in intents]
    newer: list[RemoteMessage] = []
    found: dict[Address, RemoteMessage] = {}

    async def look() -> bool:
        nonlocal newer, found
        newer = [live async for live in tail(client, *where, boundary, expected=2 * len(creates))]
        found = settle(creates, ((_digests(digest, live), live) for live in newer), claimed)
        return len(found) == len(creates)

    try:
        await _look_again(look, patience, pause)
    except NotFound:
        return [Found(intent) for intent in intents]
    taken = {live.sid for live in found.values()}.union(claimed)
    return [
        Found(
            intent,
            found.get(intent.address),
            unknown=intent.webhooks
            and intent.address not in found
            and any(live.index > intent.boundary and live.sid not in taken for live in newer),
        )
        for intent in intents
    ]


async def settle_parent(
    client: Twilio, intent: Intent, patience: Patience, pause: Pause = asyncio.sleep
) -> Settled:
    """Settle the create of a service (by what was there before) or a conversation (by its unique name)."""
    binding: Binding | None = None

    async def look() -> bool:
        nonlocal binding
        if type_of(intent.address) is ResourceType.SERVICE:
            binding = await _new_service(client, intent)
        else:
            binding = await _new_conversation(client, intent)
        return binding is not None

    if type_of(intent.address) is ResourceType.SERVICE or intent.service_sid:
        await _look_again(look, patience, pause)
    return Settled(intent, binding)


def message_binding(state: State, intent: Intent, live: RemoteMessage) -> Binding:
    """Return the binding of a message that was created, or turned out to be, for *intent*.

    What the address stood for before in this conversation is superseded by it.
    """
    before = state.bindings.get(intent.address)
    superseded: tuple[str, ...] = ()
    if before is not None and before.conversation_sid == intent.conversation_sid and before.sid != live.sid:
        superseded = (*before.superseded, before.sid)
    values = live_values(live)
    observed = {}
    for name, sent in intent.sent.items():
        if name not in MESSAGE.unseen:
            seen = managed_part(name, values.get(name, MESSAGE.defaults.get(name, "")), intent.ignored)
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
        sensitive=intent.sensitive,
        ignored=intent.ignored,
    )


async def _look_again(look: Callable[[], Awaitable[bool]], patience: Patience, pause: Pause) -> None:
    """Call *look* until it is satisfied, or was not by a look that began after the time of *patience*."""
    clock = asyncio.get_running_loop().time
    begun = clock()
    satisfied = await look()
    until = begun + patience()
    step = _FIRST_PAUSE
    while not satisfied and begun < until:
        await pause(max(min(step, until - clock()), 0))
        step *= 2
        begun = clock()
        satisfied = await look()


def _digests(digest: Digest, live: RemoteMessage) -> list[str]:
    """Return the match digests of a message, one more if it may be of a file whose sid was not known."""
    digests = [digest(MATCH, live_match_text(live))]
    if live.media:
        digests.append(digest(MATCH, match_text({**live_values(live), "media_sid": _UPLOADED})))
    return digests


def _place(intents: Iterable[Intent], state: State, settled: Iterable[Settled]) -> list[Intent]:
    """Fill in the sids of parents that were not known when an intent was written."""
    sids = {one.intent.address: one.binding.sid for one in settled if one.binding is not None}

    def sid_of(address: Address) -> str:
        binding = state.bindings.get(address)
        return sids.get(address) or (binding.sid if binding is not None else "")

    placed = []
    for intent in intents:
        parent = parent_of(intent.address)
        if type_of(intent.address) is ResourceType.CONVERSATION and not intent.service_sid:
            intent = msgspec.structs.replace(intent, service_sid=sid_of(parent))  # noqa: PLW2901
        elif type_of(intent.address) is ResourceType.MESSAGE and not intent.conversation_sid:
            intent = msgspec.structs.replace(  # noqa: PLW2901
                intent, service_sid=sid_of(parent_of(parent)), conversation_sid=sid_of(parent)
            )
        placed.append(intent)
    return placed


async def _new_service(client: Twilio, intent: Intent) -> Binding | None:
    """Find a service of that name that was not there before; of several, none is known to be ours."""
    new = [
        service.sid
        async for page in client.service_pages()
        for service in page
        if service.friendly_name == intent.name and service.sid not in intent.known
    ]
    return Binding(sid=new[0], sent=intent.sent, created=len(new) == 1) if new else None


async def _new_conversation(client: Twilio, intent: Intent) -> Binding | None:
    """Find it by its unique name; it is ours only if it is not older than the intent."""
    try:
        live = await client.fetch_conversation(intent.service_sid, intent.name)
    except NotFound:
        return None
    ours = (canonical_date(live.date_created) or "") >= intent.opened_at
    return Binding(
        sid=live.sid,
        service_sid=intent.service_sid,
        sent=intent.sent,
        created=ours,
        sensitive=intent.sensitive,
    )


def _patience(client: Twilio, intents: Iterable[Intent], seconds: float) -> float:
    """Return for how many seconds an empty listing is not to be believed, looking at it in a later run.

    A request of an earlier run may have been sent any time up to its end, so only an intent that is
    much older than the settling time is believed at once.
    """
    newest = max(intent.opened_at for intent in intents)
    if not newest:
        return seconds
    age = (datetime.fromisoformat(client.now()) - datetime.fromisoformat(newest)).total_seconds()
    return 0 if age > seconds + _REQUEST_LIFE else seconds
