"""Convert live objects to the declarations that would produce them.

A declaration has every field that a reply shows and that a manifest can have. Nothing here does I/O.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from reconciler.model import (
    Conversation,
    ConversationView,
    Message,
    Participant,
    RemoteConversation,
    RemoteMessage,
    RemoteParticipant,
)
from reconciler.model.canonical import canonical_attributes, canonical_date
from reconciler.resources.conversation import live_conversation_values
from reconciler.resources.participant import live_participant_values
from reconciler.resources.timers import TIMERS, worked_out

_ACTIVE: Final = "active"
INACTIVE: Final = (
    "it is inactive, and is put back to that when somebody writes: take out `state` to let it be"
)
"""The caveat about a declaration with that state."""


def conversation_of(
    live: RemoteConversation, messages: Iterable[RemoteMessage] = (), read_at: str = ""
) -> Conversation:
    """Return the declaration of a live conversation, without messages and participants.

    The state `active` is left out, as every conversation begins so. Replies show when a timer runs out, and
    not how long it is. Where possible, its length is worked out from *messages* and the time *read_at*.
    """
    shown = live_conversation_values(live)
    timers = worked_out(ConversationView(live, {one.sid: one for one in messages}), read_at)
    return Conversation(
        name=live.unique_name or live.friendly_name or "",
        path="",
        line=0,
        unique_name=live.unique_name or None,
        friendly_name=live.friendly_name or None,
        attributes=_attributes(live.attributes),
        state=None if live.state == _ACTIVE else live.state,
        messaging_service_sid=live.messaging_service_sid or None,
        timers_inactive=timers.get("timers_inactive"),
        timers_closed=timers.get("timers_closed"),
        email_address=shown.get("email_address"),
        email_name=shown.get("email_name"),
    )


def caveats_of(live: RemoteConversation, declared: Conversation) -> Iterator[str]:
    """Yield what is uncertain or missing in *declared*, the declaration of a live conversation."""
    for name, shown in TIMERS.items():
        timer, length = name.replace("_", "."), getattr(declared, name)
        if length is not None:
            yield f"`{timer}: {length}` is worked out from when it runs out, all that Twilio shows: check it"
        elif (live.timers or {}).get(shown):
            yield f"`{timer}` is left out: Twilio shows when it runs out, not how long it is"
    if declared.state == "inactive":
        yield INACTIVE


def participant_of(live: RemoteParticipant, number: int) -> Participant:
    """Return the declaration of a live participant.

    The key is made from *number* and not from the identity, as the state holds keys in clear text.
    """
    shown = live_participant_values(live)
    in_chat = "identity" in shown
    return Participant(
        key=f"p{number:04}",
        line=0,
        identity=shown.get("identity"),
        address=None if in_chat else shown.get("address"),
        proxy_address=None if in_chat else shown.get("proxy_address"),
        projected_address=shown.get("projected_address"),
        role_sid=shown.get("role_sid"),
        attributes=_attributes(live.attributes),
    )


def message_of(live: RemoteMessage) -> Message:
    """Return the declaration of a live message.

    The key is made from the index, which never changes, and not from a text, as the state holds keys in clear
    text. The text and the picture of a content template are left out, as the server makes them.
    """
    created = canonical_date(live.date_created)
    updated = canonical_date(live.date_updated)
    return Message(
        key=f"m{live.index:04}",
        line=0,
        author=live.author or None,
        body=None if live.content_sid else live.body or None,
        attributes=_attributes(live.attributes),
        date_created=created or None,
        date_updated=updated if updated and created and updated > created else None,
        media_sid=live.media[0].sid if live.media and not live.content_sid else None,
        content_sid=live.content_sid or None,
    )


def _attributes(text: str | None) -> str | None:
    """Return attributes in their canonical form, or None for empty ones, which are the default."""
    canonical = canonical_attributes(text or "{}")
    return None if canonical == "{}" else canonical
