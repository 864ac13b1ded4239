"""The handlers of operations: each calls the store, and makes a reply."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from reconciler.emulator import wire
from reconciler.emulator.call import Call
from reconciler.emulator.decisions import MAX_PAGE, MAX_PAGE_SMALL
from reconciler.emulator.errors import ApiError
from reconciler.emulator.fields import is_sid
from reconciler.emulator.records import Conversation, Participant, Receipt, Service, User
from reconciler.emulator.replies import GONE, created, joined, ok
from reconciler.emulator.wire import Home, Reply


def create_service(call: Call) -> Reply:
    """Create a service."""
    return created(wire.service(call.origin, call.account_sid, call.store.services.create(call.form)))


def list_services(call: Call) -> Reply:
    """List services."""
    place = call.cut(MAX_PAGE)
    return call.page(
        "services",
        call.store.services.page(place.start, place.size),
        place,
        joined(lambda row: wire.service(call.origin, call.account_sid, Service(*row))),
    )


def fetch_service(call: Call) -> Reply:
    """Return one service."""
    service = call.store.services.get(call.names["service"])
    return ok(wire.service(call.origin, call.account_sid, service))


def delete_service(call: Call) -> Reply:
    """Delete a service."""
    call.store.services.delete(call.names["service"])
    return GONE


def create_conversation(call: Call) -> Reply:
    """Create a conversation."""
    home = call.home
    return created(wire.conversation(home, call.store.conversations.create(home.service_sid, call.form)))


def list_conversations(call: Call) -> Reply:
    """List conversations, by latest activity."""
    home, place = call.home, call.cut(MAX_PAGE)
    return call.page(
        "conversations",
        call.store.conversations.page(home.service_sid, call.query, place.start, place.size),
        place,
        joined(lambda row: wire.conversation(home, Conversation(*row[1:]))),
    )


def fetch_conversation(call: Call) -> Reply:
    """Return one conversation."""
    home = call.home
    conversation = call.store.conversations.get(home.service_sid, call.names["conversation"])
    return ok(wire.conversation(home, conversation))


def update_conversation(call: Call) -> Reply:
    """Update a conversation."""
    home = call.home
    conversation = call.store.conversations.update(home.service_sid, call.names["conversation"], call.form)
    return ok(wire.conversation(home, conversation))


def delete_conversation(call: Call) -> Reply:
    """Delete a conversation."""
    call.store.conversations.delete(call.home.service_sid, call.names["conversation"])
    return GONE


def create_participant(call: Call) -> Reply:
    """Add a participant."""
    home = call.home
    participant = call.store.participants.create(home.service_sid, call.names["conversation"], call.form)
    return created(wire.participant(home, participant))


def list_participants(call: Call) -> Reply:
    """List participants."""
    home, place = call.home, call.cut(MAX_PAGE)
    return call.page(
        "participants",
        call.store.participants.page(home.service_sid, call.names["conversation"], place.start, place.size),
        place,
        joined(lambda row: wire.participant(home, Participant(*row))),
    )


def fetch_participant(call: Call) -> Reply:
    """Return one participant."""
    home, names = call.home, call.names
    participant = call.store.participants.get(home.service_sid, names["conversation"], names["participant"])
    return ok(wire.participant(home, participant))


def update_participant(call: Call) -> Reply:
    """Update a participant."""
    home, names = call.home, call.names
    participant = call.store.participants.update(
        home.service_sid, names["conversation"], names["participant"], call.form
    )
    return ok(wire.participant(home, participant))


def delete_participant(call: Call) -> Reply:
    """Remove a participant."""
    call.store.participants.delete(
        call.home.service_sid, call.names["conversation"], call.names["participant"]
    )
    return GONE


def create_user(call: Call) -> Reply:
    """Create a user."""
    home = call.home
    return created(wire.user(home, call.store.users.create(home.service_sid, call.form)))


def list_users(call: Call) -> Reply:
    """List users."""
    home, place = call.home, call.cut(MAX_PAGE_SMALL)
    return call.page(
        "users",
        call.store.users.page(home.service_sid, place.start, place.size),
        place,
        joined(lambda row: wire.user(home, User(*row))),
    )


def fetch_user(call: Call) -> Reply:
    """Return one user."""
    home = call.home
    return ok(wire.user(home, call.store.users.get(home.service_sid, call.names["user"])))


def update_user(call: Call) -> Reply:
    """Update a user."""
    home = call.home
    return ok(wire.user(home, call.store.users.update(home.service_sid, call.names["user"], call.form)))


def delete_user(call: Call) -> Reply:
    """Delete a user."""
    call.store.users.delete(call.home.service_sid, call.names["user"])
    return GONE


def _writer(call: Call, home: Home) -> tuple[str, wire.MessageWriter]:
    """Return the SID of the conversation and what writes its messages; only a unique name is looked up."""
    sid = call.names["conversation"]
    if not is_sid("CH", sid):
        sid = call.store.conversations.get(home.service_sid, sid).sid
    return sid, wire.MessageWriter(home, sid)


def create_message(call: Call) -> Reply:
    """Create a message."""
    home = call.home
    sid, writer = _writer(call, home)
    return Reply(201, writer.write(call.store.messages.create(home.service_sid, sid, call.form)))


def list_messages(call: Call) -> Reply:
    """List messages by index."""
    order = call.query.get("Order", "asc").lower()
    if order not in {"asc", "desc"}:
        raise ApiError(20001, "Invalid parameter: Order")
    home, place = call.home, call.cut(call.options.max_page_size)
    sid, writer = _writer(call, home)
    page = call.store.messages.page(
        home.service_sid,
        sid,
        place.start,
        place.size,
        descending=order == "desc",
        hidden_seconds=call.trouble.hidden_seconds,
    )
    return call.page("messages", page, place, writer.write_all)


def fetch_message(call: Call) -> Reply:
    """Return one message."""
    home = call.home
    sid, writer = _writer(call, home)
    return Reply(200, writer.write(call.store.messages.get(home.service_sid, sid, call.names["message"])))


def update_message(call: Call) -> Reply:
    """Update a message."""
    home = call.home
    sid, writer = _writer(call, home)
    message = call.store.messages.update(home.service_sid, sid, call.names["message"], call.form)
    return Reply(200, writer.write(message))


def delete_message(call: Call) -> Reply:
    """Delete a message."""
    call.store.messages.delete(call.home.service_sid, call.names["conversation"], call.names["message"])
    return GONE


def _receipt(call: Call, home: Home) -> Callable[[Receipt], dict[str, Any]]:
    conversation = call.store.conversations.get(home.service_sid, call.names["conversation"])
    return lambda receipt: wire.receipt(home, conversation.sid, call.names["message"], receipt)


def list_receipts(call: Call) -> Reply:
    """List the receipts of a message."""
    home, names, place = call.home, call.names, call.cut(MAX_PAGE_SMALL)
    show = _receipt(call, home)
    return call.page(
        "delivery_receipts",
        call.store.messages.receipts(
            home.service_sid, names["conversation"], names["message"], place.start, place.size
        ),
        place,
        joined(lambda row: show(Receipt(*row))),
    )


def fetch_receipt(call: Call) -> Reply:
    """Return one receipt."""
    home, names = call.home, call.names
    receipt = call.store.messages.receipt(
        home.service_sid, names["conversation"], names["message"], names["receipt"]
    )
    return ok(_receipt(call, home)(receipt))
