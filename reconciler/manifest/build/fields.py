"""Check the values of single fields, and return their canonical texts. A wrong value raises Refusal.

The limits are those of Twilio's reference.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any, Final

from reconciler.manifest.diagnostics.findings import Refusal
from reconciler.model import MESSAGE_FIELDS
from reconciler.model.canonical import canonical_instant, canonical_json, duration_seconds

KB: Final = 1024
MB: Final = 1024 * KB
"""Bytes."""


_LONGEST_CHARACTER: Final = 4
"""Bytes of a character in UTF-8 at most: a text of few characters need not be encoded to be measured."""


CHAT_BODY_BYTES: Final = 32 * KB
DELIVERED_BODY_CHARACTERS: Final = 1_600
"""Length of a body in a conversation of chat users only, and in one with other participants."""


AUTHOR_CHARACTERS: Final = 256
"""Length of an author, as of an identity."""


LONGEST_TIMER: Final = "P36500D"
"""A century: dates end at the year 9999."""


ATTRIBUTES_BYTES: Final = 4 * KB
CONVERSATION_ATTRIBUTES_BYTES: Final = 16 * KB
"""Size of attributes as JSON: of messages and participants, and of conversations."""


VARIABLES_CHARACTERS: Final = 27_800
"""Length of all variables of a content template as JSON; about this much, by Twilio's page of errors."""


_UTC_SECONDS: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", re.ASCII)


# A text, which `re` compiles when it is used first: most manifests have the form above.
_INSTANT: Final = (
    r"(?a)\d{4}-\d\d-\d\d(?P<time>[Tt ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?"
    r"(?P<offset>[Zz]|[-+]\d\d(?::?\d\d)?)?)?"
)


def chat_body(value: str) -> str:
    """Return the body *value* of a message in a conversation of chat users only."""
    if len(value) * _LONGEST_CHARACTER > CHAT_BODY_BYTES and (size := len(value.encode())) > CHAT_BODY_BYTES:
        raise Refusal(
            f"has {size:,} bytes; the limit is {CHAT_BODY_BYTES:,}", "split it into several messages"
        )
    return value


def delivered_body(value: str) -> str:
    """Return the body *value* of a message that participants outside the chat receive."""
    if len(value) > DELIVERED_BODY_CHARACTERS:
        raise Refusal(
            f"has {len(value):,} characters; the limit is {DELIVERED_BODY_CHARACTERS:,} in a "
            "conversation with participants outside the chat",
            "split it into several messages",
        )
    return value


def author(value: str) -> str:
    """Return the author *value* of a message."""
    if len(value) > AUTHOR_CHARACTERS:
        raise Refusal(f"has {len(value):,} characters; the limit is {AUTHOR_CHARACTERS}", "shorten it")
    return value


def attributes(value: Any, limit: int = ATTRIBUTES_BYTES) -> str:
    """Return the canonical JSON of *value*, which may have at most *limit* bytes."""
    json = canonical_json(value)
    if len(json) * _LONGEST_CHARACTER > limit and (size := len(json.encode())) > limit:
        raise Refusal(f"have {size:,} bytes as JSON; the limit is {limit:,}", "keep large data elsewhere")
    return json


def content_variables(value: dict[str, str]) -> str:
    """Return the canonical JSON of the variables of a content template."""
    json = canonical_json(value)
    if len(json) > VARIABLES_CHARACTERS:
        raise Refusal(
            f"have {len(json):,} characters as JSON; the limit is {VARIABLES_CHARACTERS:,}",
            "shorten the values",
        )
    return json


def instant(value: str) -> str:
    """Return the timestamp *value* in whole seconds of UTC."""
    try:
        if _UTC_SECONDS.fullmatch(value):
            datetime.fromisoformat(value)
            return value
        if (match := re.fullmatch(_INSTANT, value)) and match["offset"]:
            return canonical_instant(datetime.fromisoformat(value.upper()))
    except (ValueError, OverflowError) as error:
        raise Refusal(f"is no moment that exists: `{value}`", "check month, day, time and offset") from error
    if match is None:
        raise Refusal(f"is no timestamp: `{value[:40]}`", "write it like `2026-01-05T09:00:00Z`")
    if match["time"]:
        raise Refusal(
            f"has no offset from UTC: `{value}`",
            f"write `{value}Z` for UTC, or an offset such as `{value}+01:00`",
        )
    raise Refusal(f"is a date without a time: `{value}`", f"write a moment, such as `{value}T00:00:00Z`")


def duration(value: str, least: str) -> str:
    """Return the ISO 8601 duration *value* unchanged; it must be at least as long as *least*."""
    seconds = duration_seconds(value)
    if seconds is None:
        raise Refusal(f"is no duration: `{value[:40]}`", "write it like `PT30M`, `PT12H` or `P3D`")
    if seconds < (duration_seconds(least) or 0):
        raise Refusal(f"is `{value}`; the shortest that is allowed is `{least}`")
    if seconds > (duration_seconds(LONGEST_TIMER) or 0):
        raise Refusal(f"is `{value[:40]}`; the longest that is allowed is a century, `{LONGEST_TIMER}`")
    return value


def ignored_path(value: str) -> tuple[str, ...]:
    """Return the path in an entry of `ignore_changes`: `attributes.seen.at` gives its three parts."""
    path = tuple(value.split("."))
    if path[0] not in MESSAGE_FIELDS:
        raise Refusal(f"names no field: `{value[:40]}`", f"fields are {', '.join(MESSAGE_FIELDS)}")
    if len(path) > 1 and (path[0] != "attributes" or not all(path)):
        raise Refusal(
            f"names no path: `{value[:40]}`", "only attributes have paths, such as `attributes.seen.at`"
        )
    return path
