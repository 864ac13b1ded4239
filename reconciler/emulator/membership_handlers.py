"""The handlers of memberships: `ParticipantConversations` and `Users/…/Conversations`."""

from __future__ import annotations

from typing import Any

from reconciler.emulator import wire
from reconciler.emulator.call import Call
from reconciler.emulator.decisions import MAX_PAGE_SMALL
from reconciler.emulator.memberships import Membership
from reconciler.emulator.replies import GONE, joined, ok
from reconciler.emulator.wire import Home, Reply


def _links(home: Home, member: Membership) -> dict[str, str]:
    url = f"{home.url}/Conversations/{member.conversation.sid}"
    return {"participant": f"{url}/Participants/{member.participant.sid}", "conversation": url}


def _of_participant(home: Home, member: Membership) -> dict[str, Any]:
    participant = wire.participant(home, member.participant)
    conversation = wire.conversation(home, member.conversation)
    copied = ("unique_name", "friendly_name", "attributes", "date_created", "date_updated", "state", "timers")
    return {
        "account_sid": home.account_sid,
        "chat_service_sid": home.service_sid,
        "participant_sid": member.participant.sid,
        "participant_user_sid": member.user_sid,
        "participant_identity": member.participant.identity,
        "participant_messaging_binding": participant["messaging_binding"],
        "conversation_sid": member.conversation.sid,
        **{f"conversation_{name}": conversation[name] for name in copied},
        "conversation_created_by": "system",
        "links": _links(home, member),
    }


def _of_user(home: Home, user_sid: str, member: Membership) -> dict[str, Any]:
    conversation = wire.conversation(home, member.conversation)
    copied = ("friendly_name", "unique_name", "attributes", "date_created", "date_updated", "timers")
    return {
        "account_sid": home.account_sid,
        "chat_service_sid": home.service_sid,
        "conversation_sid": member.conversation.sid,
        "unread_messages_count": member.unread,
        "last_read_message_index": member.participant.last_read_message_index,
        "participant_sid": member.participant.sid,
        "user_sid": user_sid,
        **{name: conversation[name] for name in copied},
        "conversation_state": conversation["state"],
        "created_by": "system",
        "notification_level": member.notification_level,
        "url": f"{home.url}/Users/{user_sid}/Conversations/{member.conversation.sid}",
        "links": _links(home, member),
    }


def list_participant_conversations(call: Call) -> Reply:
    """List the conversations of an identity or an address."""
    home, place, store = call.home, call.cut(MAX_PAGE_SMALL), call.store.memberships
    page = store.page(home.service_sid, call.query, place.start, place.size)
    show = joined(lambda row: _of_participant(home, store.read(home.service_sid, row)))
    return call.page("conversations", page, place, show)


def list_user_conversations(call: Call) -> Reply:
    """List the conversations of a user."""
    home, place, store = call.home, call.cut(MAX_PAGE_SMALL), call.store.memberships
    user, page = store.of_user(home.service_sid, call.names["user"], place.start, place.size)
    show = joined(lambda row: _of_user(home, user.sid, store.read(home.service_sid, row)))
    return call.page("conversations", page, place, show)


def fetch_user_conversation(call: Call) -> Reply:
    """Return one conversation of a user."""
    home, names = call.home, call.names
    member = call.store.memberships.get(home.service_sid, names["user"], names["conversation"])
    return ok(_of_user(home, member.user_sid or "", member))


def update_user_conversation(call: Call) -> Reply:
    """Change how far a user has read, and whether it wants to be notified."""
    home, names = call.home, call.names
    member = call.store.memberships.update(home.service_sid, names["user"], names["conversation"], call.form)
    return ok(_of_user(home, member.user_sid or "", member))


def delete_user_conversation(call: Call) -> Reply:
    """Remove a user from a conversation."""
    names = call.names
    call.store.memberships.delete(call.home.service_sid, names["user"], names["conversation"])
    return GONE
