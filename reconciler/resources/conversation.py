"""Conversations: their fields, and what a reply shows of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from reconciler.model import (
    Conversation,
    ConversationView,
    RemoteConversation,
)
from reconciler.model.canonical import canonical_attributes
from reconciler.resources.schema import Digest, ResourceSchema
from reconciler.resources.timers import TIMERS, contradicted
from reconciler.state.remembered import Binding

CONVERSATION: Final = ResourceSchema(
    unseen=frozenset({"timers_inactive", "timers_closed", "email_address", "email_name"}),
    immutable=frozenset(),
    defaults={"attributes": "{}", "friendly_name": ""},
)


_FIELDS = (
    "friendly_name",
    "unique_name",
    "attributes",
    "state",
    "messaging_service_sid",
    "timers_inactive",
    "timers_closed",
    "email_address",
    "email_name",
)


def conversation_values(desired: Conversation) -> dict[str, str]:
    """Return the fields that a conversation declares, its unique name included."""
    return {name: value for name in _FIELDS if (value := getattr(desired, name)) is not None}


def live_conversation_values(live: RemoteConversation) -> dict[str, str]:
    """Return the canonical texts of what a reply shows of a conversation, without its timers."""
    email = (live.bindings or {}).get("email")
    shown = {"email_address": email.get("address"), "email_name": email.get("name")} if email else {}
    return {
        "friendly_name": live.friendly_name or "",
        "unique_name": live.unique_name or "",
        "attributes": canonical_attributes(live.attributes or "{}"),
        "state": live.state,
        "messaging_service_sid": live.messaging_service_sid or "",
        **{name: text for name, text in shown.items() if text},
    }


def seen_conversation_values(
    view: ConversationView, wanted: Mapping[str, str], binding: Binding, digest: Digest, read_at: str
) -> dict[str, str]:
    """Return what a reply shows of a conversation, with the timers that differ from what was sent.

    The length of a timer is known only where *wanted*, the fields of the manifest, equals what was sent.
    """
    if view.remote is None:
        return {}
    timers = {name: wanted.get(name, "") for name in TIMERS if name in wanted or name in binding.sent}
    sent = {
        name: text if binding.sent.get(name) in {None, digest(name, text)} else ""
        for name, text in timers.items()
    }
    return live_conversation_values(view.remote) | contradicted(view, sent, read_at)
