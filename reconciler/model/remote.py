"""What replies show: live services, conversations, participants and messages."""

from typing import TypedDict

from msgspec import Struct

from reconciler.model.addresses import Address


class RemoteTimers(TypedDict, total=False):
    """When the timers of a conversation run out; what else a reply says there is not kept."""

    date_inactive: str | None
    date_closed: str | None


class RemoteEmail(TypedDict, total=False):
    """The address by which e-mail reaches a conversation."""

    address: str | None
    name: str | None


class RemoteBindings(TypedDict, total=False):
    """What reaches a conversation from elsewhere."""

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
    """What was read of one conversation: *remote* is None where it does not exist.

    *complete* says that *messages* are all there are; otherwise they are the managed ones and, with
    *newest*, some that came last. *participants* is None where they were not read.
    """

    remote: RemoteConversation | None
    messages: dict[str, RemoteMessage] = {}
    complete: bool = True
    newest: bool = False
    participants: dict[str, RemoteParticipant] | None = None


class Remote(Struct, frozen=True, gc=False):
    """Everything that was read for one plan, by the addresses it was read for.

    *others* counts the conversations of a service that no address stands for; it is known only
    for services that might be deleted. *read_at* is the moment by the server's clock, if it told.
    """

    services: dict[Address, RemoteService | None] = {}
    conversations: dict[Address, ConversationView] = {}
    others: dict[Address, int] = {}
    requests: int = 0
    read_at: str = ""
