"""What replies show: live services, conversations, participants and messages."""

from typing import TypedDict

from msgspec import Struct

from reconciler.model.addresses import Address


class RemoteTimers(TypedDict, total=False):
    """When the timers of a conversation run out; other keys of a reply are dropped."""

    date_inactive: str | None
    date_closed: str | None


class RemoteEmail(TypedDict, total=False):
    """The address by which e-mail reaches a conversation."""

    address: str | None
    name: str | None


class RemoteBindings(TypedDict, total=False):
    """The bindings of a conversation to other channels."""

    email: RemoteEmail | None


class RemoteMessagingBinding(TypedDict, total=False):
    """How a participant outside the chat is reached."""

    type: str | None
    address: str | None
    proxy_address: str | None
    projected_address: str | None


class RemoteMedia(Struct, frozen=True, gc=False):
    """One entry of a message's `media[]`."""

    sid: str
    size: int | None = None
    content_type: str | None = None
    filename: str | None = None


class RemoteMessage(Struct, frozen=True, gc=False):
    """A live message as the reply shows it; `attributes` is the raw text."""

    sid: str
    index: int
    author: str | None = None
    body: str | None = None
    attributes: str | None = None
    date_created: str | None = None
    date_updated: str | None = None
    content_sid: str | None = None
    media: tuple[RemoteMedia, ...] | None = None
    conversation_sid: str | None = None


class RemoteParticipant(Struct, frozen=True, gc=False):
    """A live participant."""

    sid: str
    identity: str | None = None
    attributes: str | None = None
    role_sid: str | None = None
    messaging_binding: RemoteMessagingBinding | None = None
    conversation_sid: str | None = None
    date_created: str | None = None


class RemoteConversation(Struct, frozen=True, gc=False):
    """A live conversation as the reply shows it."""

    sid: str
    unique_name: str | None = None
    friendly_name: str | None = None
    attributes: str | None = None
    state: str = "active"
    messaging_service_sid: str | None = None
    timers: RemoteTimers | None = None
    bindings: RemoteBindings | None = None
    date_created: str | None = None
    date_updated: str | None = None
    chat_service_sid: str | None = None


class RemoteService(Struct, frozen=True, gc=False):
    """A live service."""

    sid: str
    friendly_name: str | None = None
    date_created: str | None = None


class ConversationView(Struct, frozen=True, gc=False):
    """What was read of one conversation."""

    remote: RemoteConversation | None
    """The conversation; None if it does not exist."""
    messages: dict[str, RemoteMessage] = {}
    """The messages that were read, by sid."""
    complete: bool = True
    """Whether *messages* are all there are; otherwise they are those that are bound."""
    newest: bool = False
    """Whether *messages* also has the last one."""
    participants: dict[str, RemoteParticipant] | None = None
    """The participants, by sid; None if they were not read."""


class Remote(Struct, frozen=True, gc=False):
    """Everything that was read for one plan, by address."""

    services: dict[Address, RemoteService | None] = {}
    """None for a service that does not exist."""
    conversations: dict[Address, ConversationView] = {}
    """The conversations that are declared or bound."""
    others: dict[Address, int] = {}
    """How many conversations of a service have no address.

    It is counted only for services that might be deleted.
    """
    listed: dict[Address, int] = {}
    """How many conversations the listing of such a service has."""
    forgotten: dict[str, dict[str, str]] = {}
    """Canonical texts of what a `removed:` block forgets, by sid."""
    requests: int = 0
    """How many requests were sent."""
    read_at: str = ""
    """When it was read, by the server's clock; empty if the server did not tell."""
