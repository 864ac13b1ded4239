"""Recognise a live message that a create would have produced.

The API has no idempotency key, so a message whose reply was lost, or whose binding was, can only be
known by what it says. Pairing is in index order with manifest order, each message used once.
"""

from __future__ import annotations

import json
from collections.abc import Container, Iterable, Mapping
from typing import Final

from msgspec import Struct

from reconciler.model import Address, Message, RemoteMessage
from reconciler.planner.diff import desired_values, live_values

MATCH: Final = "match"
"""The field name under which match texts are digested."""

_OPTIONAL: Final = frozenset({"date_created", "date_updated", "media", "media_sid"})
"""Fields that count for adoption only where they are declared."""
_Shape = frozenset[str]
_Likeness = tuple[str, ...]


def match_text(fields: Mapping[str, str]) -> str:
    """Return what identifies a message among those a create could have made.

    It covers what a reply can show and nothing a server may set by itself: author, attributes,
    content_sid, and where there is none, as it renders both, body and media sid; never dates, subject or
    variables.
    """
    content = fields.get("content_sid", "")
    return json.dumps(
        [
            fields.get("author") or "system",
            "" if content else fields.get("body", ""),
            fields.get("attributes") or "{}",
            content,
            "" if content else fields.get("media_sid", ""),
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
    """Return which unclaimed live message equals what each create would produce.

    Dates count only where they are declared, and media are compared by what is declared of them, so
    the candidates are indexed once for each set of such fields.
    """
    ordered = sorted(unclaimed, key=lambda live: live.index, reverse=True)
    indexes: dict[_Shape, dict[_Likeness, list[RemoteMessage]]] = {}
    used: set[str] = set()
    pairs: dict[Address, RemoteMessage] = {}
    for item in wanted:
        shape, likeness = _of_message(item.message)
        if shape not in indexes:
            indexes[shape] = {}
            for live in ordered:
                indexes[shape].setdefault(_of_live(live, shape), []).append(live)
        candidates = indexes[shape].get(likeness, [])
        while candidates:
            live = candidates.pop()
            if live.sid not in used:
                used.add(live.sid)
                pairs[item.address] = live
                break
    return pairs


class Create(Struct, frozen=True):
    """A create that was sent: what it makes has this match *digest* and an index above *boundary*."""

    address: Address
    digest: str
    boundary: int


def settle(
    creates: Iterable[Create], listed: Iterable[tuple[Iterable[str], RemoteMessage]], claimed: Container[str]
) -> dict[Address, RemoteMessage]:
    """Return which of the *creates* did happen, given in the order in which they were sent.

    *listed* are messages, in any order, each with the match digests that it answers to. Those whose
    sid is *claimed* do not count; the lowest index is taken first, each message once.
    """
    free: dict[str, list[RemoteMessage]] = {}
    for digests, live in sorted(listed, key=lambda item: item[1].index, reverse=True):
        if live.sid not in claimed:
            for digest in digests:
                free.setdefault(digest, []).append(live)
    found: dict[Address, RemoteMessage] = {}
    used: set[str] = set()
    for create in sorted(creates, key=lambda create: create.boundary):
        candidates = free.get(create.digest, [])
        while candidates and create.address not in found:
            live = candidates.pop()
            if live.index > create.boundary and live.sid not in used:
                found[create.address] = live
                used.add(live.sid)
    return found


def _of_message(message: Message) -> tuple[_Shape, _Likeness]:
    fields = desired_values(message)
    shape = _OPTIONAL.intersection(fields)
    if message.after is not None:  # without the state nobody knows which date a timeline came to
        shape -= {"date_created"}
    likeness = [
        match_text({**fields, "media_sid": ""}),
        *(fields[name] for name in sorted(shape - {"media"})),
    ]
    if message.file is not None:
        file = message.file
        likeness += [file.filename, file.content_type, str(file.size)]
    return shape, tuple(likeness)


def _of_live(live: RemoteMessage, shape: _Shape) -> _Likeness:
    fields = live_values(live)
    media_sid = fields.pop("media_sid", "")
    likeness = [match_text(fields)]
    fields["media_sid"] = media_sid
    likeness += [fields[name] for name in sorted(shape - {"media"})]
    if "media" in shape and live.media:
        first = live.media[0]
        likeness += [first.filename or "", first.content_type or "", str(first.size)]
    elif media_sid and not live.content_sid and "media_sid" not in shape:
        likeness.append(media_sid)  # a create without media does not make this
    return tuple(likeness)
