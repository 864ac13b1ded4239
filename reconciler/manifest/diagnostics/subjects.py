"""The subjects of sentences: a message is called by its key, a conversation by its address."""

from __future__ import annotations

from typing import Any, Final

from reconciler.manifest.diagnostics.findings import Loc

_SERVICE: Final = len(("services", "NAME"))
_CONVERSATION: Final = len(("services", "NAME", "conversations", "NAME"))
_MEMBER: Final = len(("services", "NAME", "conversations", "NAME", "messages", 0))
_VARIABLE: Final = len(("variables", "NAME"))
_TEMPLATE: Final = len(("templates", "NAME"))
"""Lengths of the locations of records; a member is a message or a participant."""


def record_of(loc: Loc) -> Loc:
    """Return the location of the record around *loc*; `()` where there is none.

    A record is a message, participant, conversation, service, variable or template.
    """
    if loc[4:5] in (("messages",), ("participants",)) and isinstance((*loc, "", "", "")[5], int):
        return loc[:_MEMBER]
    if loc[2:3] == ("conversations",) and len(loc) >= _CONVERSATION:
        return loc[:_CONVERSATION]
    if loc[:1] == ("services",) and len(loc) >= _SERVICE:
        return loc[:_SERVICE]
    if loc[:1] == ("variables",) and len(loc) >= _VARIABLE:
        return loc[:_VARIABLE]
    if loc[:1] == ("templates",) and len(loc) >= _TEMPLATE:
        return loc[: _TEMPLATE + 1]
    return ()


def field_of(loc: Loc) -> str:
    """Return the name of the field at *loc* inside its record, such as `timers.closed`.

    It is empty for the record itself.
    """
    return ".".join(part for part in loc[len(record_of(loc)) :] if isinstance(part, str))


def noun_of(loc: Loc, fields: Any) -> str:
    """Return the noun and name of the record around *loc*, whose value is *fields*."""
    record = record_of(loc)
    if not record:
        return "the manifest"
    if record[0] == "variables":
        return f"variable `{record[1]}`"
    if record[0] == "templates":
        template = f"template `{record[1]}`"
        return (
            template if len(record) == _TEMPLATE else f"{_member('message', record[2], fields)} of {template}"
        )
    if len(record) == _MEMBER:
        return _member("message" if record[4] == "messages" else "participant", record[5], fields)
    return (
        f"conversation `{record[1]}/{record[3]}`"
        if len(record) == _CONVERSATION
        else f"service `{record[1]}`"
    )


def _member(kind: str, position: str | int, fields: Any) -> str:
    key = None
    if isinstance(fields, dict):
        key = fields.get("key") or (fields.get("identity") if kind == "participant" else None)
    return f"{kind} `{key[:128]}`" if isinstance(key, str) and key else f"{kind} {int(position) + 1}"
