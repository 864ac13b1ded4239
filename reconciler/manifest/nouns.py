"""How a sentence calls what a location names: a message by its key, a conversation by its address."""

from __future__ import annotations

from typing import Any, Final

from reconciler.manifest.findings import Loc

_SERVICE: Final = len(("services", "NAME"))
_CONVERSATION: Final = len(("services", "NAME", "conversations", "NAME"))
_MEMBER: Final = len(("services", "NAME", "conversations", "NAME", "messages", 0))
"""How long the location of a service, of a conversation, and of a message or participant is."""


def record_of(loc: Loc) -> Loc:
    """Return the part of *loc* that names a message, participant, conversation or service."""
    if loc[4:5] in (("messages",), ("participants",)) and len(loc) >= _MEMBER:
        return loc[:_MEMBER]
    if loc[2:3] == ("conversations",) and len(loc) >= _CONVERSATION:
        return loc[:_CONVERSATION]
    if loc[:1] == ("services",) and len(loc) >= _SERVICE:
        return loc[:_SERVICE]
    return ()


def field_of(loc: Loc) -> str:
    """Return the name of the field at *loc* inside its record, such as `timers.closed`, or nothing."""
    return ".".join(part for part in loc[len(record_of(loc)) :] if isinstance(part, str))


def noun_of(loc: Loc, fields: Any) -> str:
    """Return how to call the record that *loc* is in, whose value is *fields*."""
    record = record_of(loc)
    if len(record) == _MEMBER:
        kind = "message" if record[4] == "messages" else "participant"
        key = None
        if isinstance(fields, dict):
            key = fields.get("key") or (fields.get("identity") if kind == "participant" else None)
        return f"{kind} `{key[:128]}`" if isinstance(key, str) and key else f"{kind} {int(record[5]) + 1}"
    if len(record) == _CONVERSATION:
        return f"conversation `{record[1]}/{record[3]}`"
    return f"service `{record[1]}`" if record else "the manifest"
