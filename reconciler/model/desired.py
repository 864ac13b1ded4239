"""What the manifests declare: services, conversations, participants and messages.

All values are frozen. A field of a message is a canonical text (see `canonical`) or None, which means "not
mentioned", never "empty".
"""

from collections.abc import Callable, Iterator
from enum import StrEnum
from typing import Final

from msgspec import Struct, structs

from reconciler.model.addresses import Address

MESSAGE_FIELDS: Final = (
    "author",
    "body",
    "attributes",
    "date_created",
    "date_updated",
    "subject",
    "media",
    "media_sid",
    "content_sid",
    "content_variables",
)


IMMUTABLE: Final = frozenset({"media", "media_sid", "content_sid", "content_variables"})
"""Fields that no update can change: a new value needs a new message."""


UNSEEN: Final = frozenset({"subject", "content_variables"})
"""Fields that no reply shows: they are compared with what was last sent."""


JSON_FIELDS: Final = frozenset({"attributes", "content_variables"})
"""Fields whose canonical text is JSON."""


HIDEABLE_IN_MESSAGE: Final = frozenset({"author", "body", "attributes", "subject", "content_variables"})
HIDEABLE_IN_CONVERSATION: Final = frozenset({"friendly_name", "attributes"})
"""Fields that can hold a sensitive value. All others are printed or stored."""


class Order(StrEnum):
    """How `order:` wants the live order of managed messages to follow the manifest."""

    APPEND = "append"
    STRICT = "strict"
    ANY = "any"


class Unmanaged(StrEnum):
    """What `unmanaged:` does with messages that are bound to no key."""

    KEEP = "keep"
    DELETE = "delete"


class MediaFile(Struct, frozen=True, gc=False):
    """A file to upload."""

    path: str
    """Its absolute path."""
    sha256: str
    """The SHA-256 of its bytes, as hex: `media` is compared by it."""
    size: int
    """In bytes."""
    content_type: str
    """Its media type."""
    filename: str
    """Its name as sent."""


class Moment(Struct, frozen=True, gc=False, omit_defaults=True):
    """A time relative to another, before it if negative."""

    days: int = 0
    """In days of the calendar."""
    clock: int | None = None
    """The time of day, in seconds after midnight; None leaves it to *seconds*."""
    seconds: int = 0
    """In seconds, if there is no *clock*."""


UTC_NAMES: Final = frozenset(
    (
        *("UTC", "Etc/UTC", "UCT", "Etc/UCT", "Zulu", "Etc/Zulu", "Universal", "Etc/Universal"),
        *("GMT", "Etc/GMT", "Greenwich", "Etc/Greenwich"),
    )
)
"""Names of UTC, and of zones that never differ from it: they need no database of time zones."""


class Timeline(Struct, frozen=True, gc=False, omit_defaults=True):
    """When a conversation begins, and how its messages follow."""

    written: str
    """The start as the manifest has it."""
    start: Moment | None = None
    """The start relative to the first plan; None if it is *fixed*."""
    fixed: str | None = None
    """The start as an instant."""
    zone: str = "UTC"
    """The time zone of times of day."""
    step: int = 60
    """Seconds between messages without a time of their own."""


class Anchor(Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    """The instant at which a relative timeline begins, decided when it was first planned."""

    instant: str
    """In whole seconds of UTC."""
    start: str
    """The start as the manifest had it then."""
    zone: str
    """The time zone that it had then."""


class Message(Struct, frozen=True, gc=False, omit_defaults=True):
    """One desired message. Fields are canonical texts; None means that it is not managed."""

    key: str
    line: int
    author: str | None = None
    body: str | None = None
    attributes: str | None = None
    date_created: str | None = None
    date_updated: str | None = None
    subject: str | None = None
    media: str | None = None
    """The SHA-256 of the file, as hex."""
    media_sid: str | None = None
    content_sid: str | None = None
    content_variables: str | None = None
    file: MediaFile | None = None
    webhooks: bool = False
    prevent_destroy: bool = False
    ignore_changes: tuple[tuple[str, ...], ...] = ()
    """Paths: `("body",)` or `("attributes", "seen", "at")`."""
    sensitive: tuple[str, ...] = ()
    """The fields whose values are never shown."""
    after: Moment | None = None
    """How long after the one before it on the timeline it comes."""


class Participant(Struct, frozen=True, gc=False, omit_defaults=True):
    """One desired participant: a chat *identity*, or an *address* reached through *proxy_address*."""

    key: str
    line: int
    identity: str | None = None
    address: str | None = None
    proxy_address: str | None = None
    projected_address: str | None = None
    role_sid: str | None = None
    attributes: str | None = None


class Conversation(Struct, frozen=True, gc=False, omit_defaults=True):
    """One desired conversation; *path* and *line* say where it is declared."""

    name: str
    path: str
    line: int
    sid: str | None = None
    unique_name: str | None = None
    """Given or the name; None only where `sid` is given and no unique name is."""
    friendly_name: str | None = None
    attributes: str | None = None
    state: str | None = None
    messaging_service_sid: str | None = None
    timers_inactive: str | None = None
    timers_closed: str | None = None
    email_address: str | None = None
    email_name: str | None = None
    order: Order = Order.APPEND
    unmanaged: Unmanaged = Unmanaged.KEEP
    messages: tuple[Message, ...] = ()
    participants: tuple[Participant, ...] = ()
    sensitive: tuple[str, ...] = ()
    """The fields whose values are never shown."""
    timeline: Timeline | None = None
    anchor: Anchor | None = None
    """Where a relative timeline begins, once that is decided."""
    digest: str = ""
    """The digest of all that is declared, where most of it was left out as another part's; else empty."""


class Service(Struct, frozen=True, gc=False, omit_defaults=True):
    """One desired service: an existing one by *sid*, or the one of that *friendly_name*."""

    name: str
    path: str
    line: int
    sid: str | None = None
    friendly_name: str | None = None
    """Given or the name; None only where `sid` is given and no friendly name is."""
    default: bool = False
    conversations: tuple[Conversation, ...] = ()


class Import(Struct, frozen=True, gc=False):
    """An entry of `import:`: *address* is to be bound to the live object *sid*."""

    address: Address
    sid: str


class Move(Struct, frozen=True, gc=False):
    """An entry of `moved:`: the object bound to *previous*, with everything in it, moves to *address*."""

    previous: Address
    address: Address


class Doubt(Struct, frozen=True):
    """Something in a manifest that is allowed, and hardly meant: *text* says what and where.

    *address* is that of what it is about, or empty for what many have from there.
    """

    address: Address
    text: str
    code: str = "digits_lost"
    """The code of the warning."""
    of_conversation: bool = False
    """Whether a part of the manifests that lacks its conversation lacks it too."""


class Desired(Struct, frozen=True, gc=False):
    """All manifests merged."""

    services: tuple[Service, ...]
    """In manifest order."""
    digest: str
    """`sha256:…` over what they declare, whatever the files are called."""
    account_sid: str | None = None
    """The account that they are meant for, if a file says so."""
    imports: tuple[Import, ...] = ()
    """The blocks `import:`."""
    moves: tuple[Move, ...] = ()
    """The blocks `moved:`."""
    removed: tuple[Address, ...] = ()
    """The blocks `removed:`: addresses to be forgotten with everything in them."""
    awaits: tuple[str, ...] = ()
    """The services whose sids texts refer to."""
    account_path: str = ""
    """The file that names the account."""
    doubts: tuple[Doubt, ...] = ()
    """What their author may not have meant."""
    order: tuple[Address, ...] = ()
    """All conversations in their order, where these are a part of the manifests; empty where they are all."""


def declared(desired: Desired) -> Iterator[tuple[Address, Conversation | Message]]:
    """Yield every conversation and message of *desired* with its address."""
    for address, conversation in declared_conversations(desired):
        yield address, conversation
        for message in conversation.messages:
            yield f"{address}/{message.key}", message


def declared_conversations(desired: Desired) -> Iterator[tuple[Address, Conversation]]:
    """Yield every conversation of *desired* with its address."""
    for service in desired.services:
        for conversation in service.conversations:
            yield f"{service.name}/{conversation.name}", conversation


def map_conversations(desired: Desired, change: Callable[[Address, Conversation], Conversation]) -> Desired:
    """Return *desired* with each conversation replaced by what *change* returns for it and its address."""

    def changed(service: Service) -> Service:
        conversations = tuple(change(f"{service.name}/{one.name}", one) for one in service.conversations)
        return structs.replace(service, conversations=conversations)

    return structs.replace(desired, services=tuple(map(changed, desired.services)))
