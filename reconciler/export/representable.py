"""Find which values of a live conversation a manifest can express: those that are read back unchanged."""

from __future__ import annotations

from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from reconciler.manifest.dump import dump
from reconciler.manifest.expansion.resolve import resolve_alone
from reconciler.manifest.parse import parse
from reconciler.model import Conversation, Service

_TOGETHER: Final = (
    ("unique_name",),
    ("friendly_name",),
    ("attributes",),
    ("state",),
    ("messaging_service_sid",),
    ("timers_inactive",),
    ("timers_closed",),
    ("email_address", "email_name"),
)
"""The fields of a conversation; those that are valid only together are in one group."""


class LeftOut(Struct, frozen=True):
    """A value that no manifest can express."""

    reason: str
    """Why a manifest cannot express it, for the user."""
    field: str = ""
    """The field of the conversation, or `participants` for one of these; empty for a message."""
    key: str = ""
    """The key of the message or participant; empty for a field of the conversation itself."""


def representable(one: Conversation) -> tuple[Conversation, list[LeftOut]]:
    """Return *one* without the values that a manifest cannot express, and those values.

    *one* has no place in a file. A message is left out as a whole: without one of its fields it would be
    another message.
    """
    if _problem(one) is None:
        return one, []
    left_out: list[LeftOut] = []
    bare = Conversation(one.name, path="", line=0, sid=one.sid, unique_name=None if one.sid else one.name)
    kept = bare
    for names in _TOGETHER:
        values = {name: value for name in names if (value := getattr(one, name)) is not None}
        reason = _problem(replace(bare, **values)) if values else None
        if reason is not None:
            left_out.append(LeftOut(reason, field=names[0]))
        else:
            kept = replace(kept, **values)
    for member in one.participants:
        reason = _problem(replace(bare, participants=(member,)))
        if reason is None:
            kept = replace(kept, participants=(*kept.participants, member))
        else:
            left_out.append(LeftOut(reason, field="participants", key=member.key))
    bare = replace(bare, participants=kept.participants)  # the limit of a body depends on the participants
    messages = []
    for message in one.messages:
        reason = _problem(replace(bare, messages=(message,)))
        if reason is None:
            messages.append(message)
        else:
            left_out.append(LeftOut(reason, key=message.key))
    return replace(kept, messages=tuple(messages)), left_out


def can_be_named(service: Service) -> bool:
    """Return whether a manifest can express the friendly name of *service*."""
    return not resolve_alone(parse(dump((replace(service, conversations=()),)).encode(), "")).problems


def _problem(one: Conversation) -> str | None:
    """Return why a manifest cannot express *one*, or None if it is read back unchanged.

    A sensitive value is judged like any other: it has to be possible when a variable holds it.
    """
    one = replace(
        one, sensitive=(), messages=tuple(replace(message, sensitive=()) for message in one.messages)
    )
    try:
        text = dump((Service("s", path="", line=0, friendly_name="s", conversations=(one,)),))
    except (ValueError, RecursionError):
        return "its attributes are no JSON"
    parsed = resolve_alone(parse(text.encode(), ""))
    if parsed.problems:
        return parsed.problems[0].text
    read = parsed.content.services[0].conversations[0]
    read = replace(
        read,
        path="",
        line=0,
        messages=tuple(replace(message, line=0) for message in read.messages),
        participants=tuple(replace(member, line=0) for member in read.participants),
    )
    is_same = read == one
    return None if is_same else "it would be read back as something else"
