"""Settle the creates of messages in one conversation whose replies are not on record."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from reconciler.applier.polling import Answer, Pause, SettleWindow, poll, sleep
from reconciler.model import RemoteMessage
from reconciler.refresh.reading import tail
from reconciler.resources.match import Likeness, likeness
from reconciler.resources.message import live_values
from reconciler.resources.schema import Digest
from reconciler.resources.settlement import Candidate, Create, Settlement, settle
from reconciler.state.digests import is_hard, scheme_of
from reconciler.state.remembered import Intent

if TYPE_CHECKING:
    from reconciler.twilio.client import Twilio

_UPLOADED: Final = "uploaded"
"""The media sid in the likeness of a message whose file is not uploaded yet."""
_DATE: Final = "date_created"


class Found(Struct, frozen=True):
    """The outcome of the create of one message: *live* is the message if it happened.

    *unknown* is the reason why the outcome is not known. *gone* is true if the conversation does not exist
    any more.
    """

    intent: Intent
    live: RemoteMessage | None = None
    unknown: str = ""
    gone: bool = False


def announced_likeness(digest: Digest, send: dict[str, str]) -> Likeness:
    """Return the likeness by which a create is recognised, computed before its file is uploaded."""
    media_sid = _UPLOADED if "media" in send else send.get("media_sid", "")
    return likeness({**send, "media_sid": media_sid}, digest)


def date_digest(digest: Digest, send: dict[str, str]) -> str:
    """Return the digest of the date that a create sets, or an empty text if it sets none."""
    return digest(_DATE, send[_DATE]) if _DATE in send else ""


async def find_messages(
    client: Twilio,
    digest: Digest,
    intents: Sequence[Intent],
    claimed: Collection[str],
    settle_window: SettleWindow,
    pause: Pause = sleep,
) -> list[Found]:
    """Settle *intents* of one conversation; none of their creates may be in flight any more.

    *claimed* are the sids of its messages that are bound or superseded, so that no intent can have made them.
    """
    if not intents[0].conversation_sid:
        return [Found(intent) for intent in intents]  # the conversation was not created
    where = (intents[0].service_sid, intents[0].conversation_sid)
    boundary = min(intent.boundary for intent in intents)
    if unreadable := next(
        (one for one in map(_hard_texts, intents) if not all(map(digest.knows, one))), None
    ):
        why = f"it was recorded with the encryption key {scheme_of(unreadable[0])[-8:]}, which is not given"
        return [Found(intent, unknown=why) for intent in intents]
    hard = {scheme_of(text): text for intent in intents for text in _hard_texts(intent)}
    newer: list[RemoteMessage] = []
    settlement = Settlement({}, {}, {})

    async def look() -> bool:
        nonlocal newer, settlement
        newer = [live async for live in tail(client, *where, boundary, expected=2 * len(intents))]
        candidates = [_candidate(digest, live) for live in newer]
        plain = {
            digest.like(text, seen): seen
            for text in hard.values()
            for candidate in candidates
            for seen in (*candidate.matches, *candidate.tolerant, candidate.author)
        }
        settlement = settle([_create(intent, plain) for intent in intents], candidates, claimed)
        return len(settlement.exact) == len(intents)

    answer = await poll(look, settle_window, pause)
    if answer is Answer.GONE:
        return [Found(intent, gone=True) for intent in intents]
    found = settlement.exact if answer is Answer.UNKNOWN else settlement.found
    taken = {live.sid for live in settlement.found.values()}.union(claimed)
    unclaimed = [live for live in newer if live.sid not in taken]
    return [
        Found(intent, live)
        if (live := found.get(intent.address)) is not None
        else Found(intent, unknown=_doubt(intent, answer, settlement, unclaimed))
        for intent in intents
    ]


def _doubt(intent: Intent, answer: Answer, settlement: Settlement, unclaimed: Sequence[RemoteMessage]) -> str:
    """Return why the outcome of a create that was not found is unknown; empty if it did not happen."""
    if answer is Answer.UNKNOWN:
        return "its conversation could not be read"
    if intent.address in settlement.doubts:
        return settlement.doubts[intent.address]
    if intent.webhooks and any(live.index > intent.boundary for live in unclaimed):
        return f"webhooks were on, and messages above index {intent.boundary} may be it, rewritten"
    return ""


def _hard_texts(intent: Intent) -> list[str]:
    return [text for text in (intent.match, intent.tolerant, intent.author) if is_hard(text)]


def _create(intent: Intent, plain: Mapping[str, str]) -> Create:
    """Return the create of *intent*; *plain* has the digests of what was seen, by hard ones like its own."""
    match, tolerant, author = (plain.get(one, one) for one in (intent.match, intent.tolerant, intent.author))
    return Create(intent.address, intent.boundary, match, tolerant, author, intent.date)


def _candidate(digest: Digest, live: RemoteMessage) -> Candidate:
    values = live_values(live)
    alike = [likeness(values, digest)]
    if live.media:  # the intent may have been written before its file had a sid
        alike.append(likeness({**values, "media_sid": _UPLOADED}, digest))
    return Candidate(
        live,
        matches=tuple(one.match for one in alike),
        tolerant=tuple(one.tolerant for one in alike),
        author=alike[0].author,
        date=digest(_DATE, values[_DATE]),
    )
