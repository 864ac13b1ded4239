"""What the pages show, read from the store. Texts are as written: `chat.page` makes them harmless."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final, NamedTuple

import msgspec

from reconciler.chat.layout import on_the_right
from reconciler.chat.layout import people as numbers_of
from reconciler.chat.values import Bubble, Chat, Field, Media, Run, Words
from reconciler.chat.values import Person as ShownPerson
from reconciler.emulator import records
from reconciler.emulator.database import Start
from reconciler.emulator.fields import stamp
from reconciler.emulator.inspector.address import PREFIX
from reconciler.emulator.records import Attachment, Conversation, Document, Message, Participant, Receipt
from reconciler.emulator.store import Store

SERVICES: Final = 20
"""Services that a page lists."""
FIRST: Final = 10
"""Conversations of each of them that it lists."""
CONVERSATIONS: Final = 50
"""Conversations that the page of one service lists."""
MESSAGES: Final = 100
"""Messages of one conversation that a page shows."""
_PICTURES: Final = frozenset(("image/png", "image/jpeg", "image/gif", "image/webp"))
"""Types of files that are shown; the others are named. A drawing (SVG) can hold a script."""
_ALL: Final = 1000
"""People and receipts that a page shows at most."""
_PREVIEW: Final = 120
"""Characters of a message that a list shows."""
_OPENING: Final = 20
"""Messages at the start of a conversation that decide on which side an author stands, on every page of it."""
_decode: Final = msgspec.json.Decoder(Document).decode


class Row(NamedTuple):
    """A conversation in a list."""

    sid: str
    title: str
    """Its friendly name, unique name or sid."""
    state: str
    messages: int
    """How many it has."""
    author: str
    """Who wrote the last one; empty if there is none."""
    preview: str
    """The beginning of its text, or the names of its files."""
    instant: str
    """When it was created."""


class Service(NamedTuple):
    """A service, and its conversations by latest activity."""

    sid: str
    name: str
    rows: list[Row]
    further: int | None
    """The key from which the list goes on; None at its end."""


class Speaker(NamedTuple):
    """Somebody in whose name a message can be sent."""

    sid: str
    """The sid of the participant."""
    name: str
    """The author of the message: the identity, or the address."""


class Room(NamedTuple):
    """A conversation with its people and a part of its messages."""

    service: Service
    """The service, without its conversations."""
    sid: str
    state: str
    chat: Chat
    speakers: list[Speaker]
    earlier: int | None
    """The index before which there are more messages; None if there are none."""
    is_latest: bool
    """Whether the last message is shown."""


def services(store: Store, start: int | None = None) -> tuple[list[Service], int | None]:
    """Return services from the key *start* on, each with its most active conversations.

    The newest comes first. The second value is the key from which the list goes on, None at its end.
    """
    page = store.services.page(Start(start), SERVICES, descending=True)
    found = [service(store, records.Service(*row).sid, most=FIRST) for row in page.rows]
    return found, page.rows[-1][0] if page.more else None


def service(store: Store, sid: str, start: int | None = None, *, most: int = CONVERSATIONS) -> Service:
    """Return a service with at most so many conversations from the key *start* on; raises NotFound."""
    record = store.services.get(sid)
    page = store.conversations.page(sid, {}, Start(start), most)
    rows = [_row(store, Conversation(*row[1:])) for row in page.rows]
    return Service(sid, record.friendly_name, rows, page.rows[-1][0] if page.more else None)


def _row(store: Store, conversation: Conversation) -> Row:
    last = store.messages.page(conversation.service_sid, conversation.sid, Start(), 1, descending=True).rows
    document = _decode(Message(*last[0]).document) if last else None
    text = "" if document is None else (document.body or _file_names(document))
    return Row(
        sid=conversation.sid,
        title=_title(conversation),
        state=conversation.state,
        messages=store.messages.count(conversation),
        author=document.author if document is not None else "",
        preview=text if len(text) <= _PREVIEW else f"{text[:_PREVIEW]}…",
        instant=document.date_created if document is not None else "",
    )


def room(store: Store, service_sid: str, ref: str, before: int | None = None) -> Room:
    """Return a conversation with its last messages, or those before an index; raises NotFound."""
    conversation = store.conversations.get(service_sid, ref)
    where = service_sid, conversation.sid
    page = store.messages.page(*where, Start(before), MESSAGES, descending=True)
    documents = [_decode(Message(*row).document) for row in reversed(page.rows)]
    people = [Participant(*row) for row in store.participants.page(*where, Start(), _ALL).rows]
    speakers = [Speaker(person.sid, _name(person)) for person in people]
    names = {one.sid: one.name for one in speakers}
    crowd = tuple(_person(one, conversation) for one in people)
    authors = [document.author for document in documents]
    first = store.messages.page(*where, Start(), _OPENING).rows
    opening = [_decode(Message(*row).document).author for row in first]
    persons, right = numbers_of([*names.values(), *authors]), on_the_right([*opening, *authors], crowd)
    bubbles = tuple(
        _bubble(
            service_sid,
            one,
            persons[one.author],
            _receipts(store, where, one, names),
            own=one.author in right,
        )
        for one in documents
    )
    count = store.messages.count(conversation)
    return Room(
        service=Service(service_sid, store.services.get(service_sid).friendly_name, [], None),
        sid=conversation.sid,
        state=conversation.state,
        chat=Chat(
            anchor=conversation.sid,
            title=_title(conversation),
            subtitle=f"{conversation.state}, {count:,} {'message' if count == 1 else 'messages'}",
            fields=tuple(_facts(conversation)),
            people=crowd,
            runs=(Run(bubbles),),
        ),
        speakers=speakers,
        earlier=documents[0].index if page.more else None,
        is_latest=before is None,
    )


def picture_type(content_type: str) -> str | None:
    """Return the type of a picture that is shown, or None for a file of another type."""
    kind = content_type.partition(";")[0].strip().lower()
    return kind if kind in _PICTURES else None


def _title(conversation: Conversation) -> str:
    return conversation.friendly_name or conversation.unique_name or conversation.sid


def _facts(conversation: Conversation) -> list[Field]:
    timers = (("becomes inactive", conversation.inactive_at), ("is closed", conversation.closed_at))
    facts = {"sid": conversation.sid, "unique name": conversation.unique_name or ""}
    facts |= {name: stamp(datetime.fromtimestamp(at, UTC)) for name, at in timers if at is not None}
    facts["attributes"] = _shown(conversation.attributes)
    return [Field(name, value) for name, value in facts.items() if value]


def _bubble(service_sid: str, document: Document, person: int, receipts: list[str], *, own: bool) -> Bubble:
    edited = document.date_updated if document.date_updated != document.date_created else ""
    facts = {
        "edited": edited,
        "template": document.content_sid or "",
        "attributes": _shown(document.attributes),
    }
    return Bubble(
        author=document.author,
        person=person,
        own=own,
        instant=document.date_created,
        body=(Words(document.body),) if document.body else (),
        fields=tuple(Field(name, value) for name, value in facts.items() if value),
        media=tuple(_media(service_sid, one) for one in document.media or ()),
        name=f"{document.index} · {document.sid}",
        notes=tuple(receipts),
    )


def _receipts(store: Store, where: tuple[str, str], document: Document, names: dict[str, str]) -> list[str]:
    if document.delivery is None:
        return []
    receipts = [Receipt(*row) for row in store.messages.receipts(*where, document.sid, Start(), _ALL).rows]
    return [f"{one.status} to {names.get(one.participant_sid, one.participant_sid)}" for one in receipts]


def _media(service_sid: str, attachment: Attachment) -> Media:
    path = f"{PREFIX}/{service_sid}/media/{attachment.sid}"
    return Media(
        name=attachment.filename or attachment.sid,
        detail=f"{attachment.content_type}, {attachment.size:,} bytes",
        picture="" if picture_type(attachment.content_type) is None else path,
    )


def _file_names(document: Document) -> str:
    return ", ".join(one.filename or one.content_type for one in document.media or ())


def _person(person: Participant, conversation: Conversation) -> ShownPerson:
    index = person.last_read_message_index
    last = conversation.next_index - 1
    read = "nothing read yet" if index is None else f"read up to {index} of {last}"
    attributes = _shown(person.attributes)
    return ShownPerson(
        name=_name(person),
        detail=f"{_how(person)}, {read}",
        outside=person.address is not None,
        fields=(Field("attributes", attributes),) if attributes else (),
    )


def _name(person: Participant) -> str:
    return person.identity or person.address or person.projected_address or person.sid


def _how(person: Participant) -> str:
    """Return how somebody is reached."""
    if person.address is not None:
        return f"by {person.proxy_address}"
    return "in chat" if person.identity is not None else "the number of the group"


def _shown(attributes: str) -> str:
    return "" if attributes == "{}" else attributes
