"""Recognise a live message that a create would have produced.

The API has no idempotency key, so a message whose reply was lost, or whose binding was, can only be
known by what it says. Pairing is in index order with manifest order, each message used once.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping

from msgspec import Struct

from reconciler.canonical import canonical_json
from reconciler.model import Address, Message, RemoteMessage
from reconciler.plan.diff import desired_values, live_values

MATCH = "match"
"""The field name under which match texts are digested."""


def match_text(fields: Mapping[str, str]) -> str:
    """Return what identifies a message among those a create could have made.

    It covers what a reply can show and nothing a server may set by itself: author, body (not
    under `content_sid`, where the server renders it), attributes, content_sid and media sid; never
    dates, subject or variables.
    """
    content = fields.get("content_sid", "")
    return canonical_json(
        [
            fields.get("author") or "system",
            "" if content else fields.get("body", ""),
            fields.get("attributes") or "{}",
            content,
            fields.get("media_sid", ""),
        ]
    )


def live_match_text(live: RemoteMessage) -> str:
    """Return the match text of a live message."""
    return match_text(live_values(live))


class Wanted(Struct, frozen=True):
    """A message that a create would make, as far as adoption can recognise it."""

    address: Address
    message: Message


def pair(wanted: Iterable[Wanted], unclaimed: Iterable[RemoteMessage]) -> dict[Address, RemoteMessage]:
    """Return which unclaimed live message equals what each create would produce."""
    candidates: dict[str, list[RemoteMessage]] = {}
    for live in sorted(unclaimed, key=lambda live: live.index):
        candidates.setdefault(_text_of_live(live), []).append(live)
    pairs: dict[Address, RemoteMessage] = {}
    for item in wanted:
        same = candidates.get(_text_of_message(item.message), [])
        for at, live in enumerate(same):
            if _fits(item.message, live):
                pairs[item.address] = same.pop(at)
                break
    return pairs


def settle(
    creates: Iterable[tuple[Address, str]],
    listed: Iterable[tuple[str, RemoteMessage]],
    boundary: int,
    claimed: Container[str],
) -> dict[Address, RemoteMessage]:
    """Return which of the *creates* (address, match digest) did happen.

    *listed* are (match digest, message) in any order. A message counts if its index is above the
    *boundary* and its sid is not claimed; the lowest index is taken first, each message once.
    """
    free: dict[str, list[RemoteMessage]] = {}
    for digest, live in sorted(listed, key=lambda item: item[1].index, reverse=True):
        if live.index > boundary and live.sid not in claimed:
            free.setdefault(digest, []).append(live)
    found: dict[Address, RemoteMessage] = {}
    for address, digest in creates:
        if free.get(digest):
            found[address] = free[digest].pop()
    return found


def _text_of_live(live: RemoteMessage) -> str:
    return match_text({**live_values(live), "media_sid": ""})


def _text_of_message(message: Message) -> str:
    return match_text({**desired_values(message), "media_sid": ""})


def _fits(message: Message, live: RemoteMessage) -> bool:
    """Compare what a match text leaves out: the date if declared, and the media by what a reply shows."""
    if message.date_created is not None and message.date_created != live_values(live)["date_created"]:
        return False
    media = live.media[0] if live.media else None
    if message.media_sid is not None:
        return media is not None and media.sid == message.media_sid
    if message.file is not None:
        file = message.file
        return media is not None and (media.filename, media.content_type, media.size) == (
            file.filename,
            file.content_type,
            file.size,
        )
    return media is None
