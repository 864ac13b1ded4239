"""The values that the store returns: one frozen struct per resource, without urls."""

from __future__ import annotations

from typing import NamedTuple

from msgspec import Struct


class Service(Struct, frozen=True):
    """One Conversation Service."""

    id: int
    sid: str
    friendly_name: str
    date_created: str
    date_updated: str


class Conversation(Struct, frozen=True):
    """One conversation; *state* already takes the timers into account. `…_at` are epoch seconds."""

    id: int
    sid: str
    service_sid: str
    friendly_name: str | None
    unique_name: str | None
    attributes: str
    messaging_service_sid: str
    state: str
    inactive_at: int | None
    closed_at: int | None
    email_address: str | None
    email_name: str | None
    next_index: int
    date_created: str
    date_updated: str


class Participant(Struct, frozen=True):
    """One participant: chat if it has an *identity*, group MMS if it also has a *projected_address*."""

    id: int
    sid: str
    conversation_sid: str
    identity: str | None
    address: str | None
    proxy_address: str | None
    projected_address: str | None
    role_sid: str | None
    attributes: str
    last_read_message_index: int | None
    last_read_timestamp: str | None
    date_created: str
    date_updated: str


class User(Struct, frozen=True):
    """One user of a service."""

    id: int
    sid: str
    identity: str
    friendly_name: str | None
    role_sid: str | None
    attributes: str
    date_created: str
    date_updated: str


class Attachment(Struct, frozen=True):
    """One entry of a message's `media`."""

    sid: str
    size: int
    content_type: str
    filename: str | None
    category: str = "media"


class Delivery(Struct, frozen=True):
    """The delivery of a message to the participants outside chat."""

    total: int
    sent: str = "all"
    delivered: str = "all"
    read: str = "none"
    failed: str = "none"
    undelivered: str = "none"


class Document(Struct, frozen=True):
    """The fields of a message in a reply, in the order of the reply; it is stored as JSON."""

    sid: str
    index: int
    author: str
    body: str | None
    media: tuple[Attachment, ...] | None
    attributes: str
    participant_sid: str | None
    date_created: str
    date_updated: str
    delivery: Delivery | None
    content_sid: str | None


class Message(NamedTuple):
    """One stored message; a tuple, as a page has a thousand of them."""

    number: int
    """Its `index` in replies."""
    sid: str
    document: bytes
    """A `Document` as JSON."""


class Receipt(Struct, frozen=True):
    """The delivery of one message to one participant outside chat."""

    id: int
    sid: str
    channel_message_sid: str
    participant_sid: str
    status: str
    date_created: str


class Media(Struct, frozen=True):
    """One uploaded file. *uploaded_at* is in epoch seconds."""

    sid: str
    service_sid: str
    content_type: str
    filename: str | None
    size: int
    uploaded_at: float
    message_sid: str | None
    conversation_sid: str | None
