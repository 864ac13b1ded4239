"""A conversation as it is looked at: bubbles by author, with what happens to each.

All texts are as people wrote them: the page makes them harmless.
"""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct


class Mark(StrEnum):
    """What happens to a message, or to a part of it; the value is its class in the style."""

    SAME = "same"
    """Nothing."""
    ADDED = "added"
    CHANGED = "changed"
    REPOSTED = "reposted"
    """A new message takes the place of an old one."""
    DELETED = "deleted"
    NOTED = "noted"
    """Only the state changes: it is imported, moved or forgotten."""


class Words(Struct, frozen=True):
    """A run of text."""

    text: str
    """The text."""
    mark: Mark = Mark.SAME
    """Whether it is only in the text before (`DELETED`), only in the text after (`ADDED`), or in both."""


class Field(Struct, frozen=True):
    """One field beside the body."""

    name: str
    """Its name, such as `attributes.importance`."""
    value: str = ""
    """The value; the one after a change."""
    before: str | None = None
    """The value before a change; None if nothing changes or it was absent."""
    mark: Mark = Mark.SAME
    """What happens to it."""


class Media(Struct, frozen=True):
    """A file of a message."""

    name: str
    """Its name."""
    detail: str = ""
    """Its type and size, for people."""
    picture: str = ""
    """The picture as a `data:` address, from `page.picture`; empty where the file is only named."""


class Bubble(Struct, frozen=True):
    """One message."""

    author: str
    """Who wrote it, as it is shown."""
    person: int = 0
    """The number of the author in this chat, from `layout.people`; it chooses the colour of the name."""
    own: bool = False
    """Whether it stands on the right, from `layout.on_the_right`."""
    instant: str = ""
    """When it was created: ISO 8601 with an offset or `Z`; empty if that is not known."""
    body: tuple[Words, ...] = ()
    """The text; of a change the text after it."""
    before: tuple[Words, ...] = ()
    """The text before a change of it; else empty."""
    fields: tuple[Field, ...] = ()
    """What else there is to show."""
    media: tuple[Media, ...] = ()
    """Its files."""
    name: str = ""
    """The key of a declared message, or the sid of another."""
    mark: Mark = Mark.SAME
    """What happens to it."""
    sign: str = ""
    """The sign of that, as in the plan on a terminal."""
    status: str = ""
    """The same in words; empty if nothing happens."""
    why: str = ""
    """The reason."""
    notes: tuple[str, ...] = ()
    """Further lines under it, such as receipts."""


class Run(Struct, frozen=True):
    """Messages that follow one another."""

    bubbles: tuple[Bubble, ...]
    """The messages."""
    folded: bool = False
    """Whether they are hidden until a reader opens them."""


class Person(Struct, frozen=True):
    """A participant."""

    name: str
    """The identity, or the address."""
    detail: str = ""
    """How they are reached, or their role."""
    mark: Mark = Mark.SAME
    """What happens to them."""
    sign: str = ""
    """The sign of that."""
    status: str = ""
    """The same in words."""
    fields: tuple[Field, ...] = ()
    """What else there is to show."""
    outside: bool = False
    """Whether they are reached outside the chat, by SMS and the like."""


class Chat(Struct, frozen=True):
    """One conversation."""

    anchor: str
    """The name by which a link on the page leads here; a word of our own."""
    title: str
    """Its address, or its name."""
    subtitle: str = ""
    """What is worth knowing at a glance: its state, how many messages it has."""
    mark: Mark = Mark.SAME
    """What happens to the conversation itself."""
    sign: str = ""
    """The sign of that."""
    status: str = ""
    """The same in words."""
    why: str = ""
    """The reason."""
    fields: tuple[Field, ...] = ()
    """What else there is to show of it."""
    people: tuple[Person, ...] = ()
    """Who takes part."""
    runs: tuple[Run, ...] = ()
    """Its messages."""
    notes: tuple[str, ...] = ()
    """Sentences about what is not shown."""
    folded: bool = False
    """Whether it is hidden until a reader opens it."""


class Section(Struct, frozen=True):
    """One service."""

    title: str
    """Its name."""
    subtitle: str = ""
    """Its sid, or what happens to it."""
    mark: Mark = Mark.SAME
    """What happens to it."""
    sign: str = ""
    """The sign of that."""
    status: str = ""
    """The same in words."""
    chats: tuple[Chat, ...] = ()
    """Its conversations."""


class Notice(Struct, frozen=True):
    """Something to read before the chats."""

    kind: str
    """`refusal`, `warning`, `price` or `note`."""
    text: str
    """A sentence."""
    hint: str = ""
    """What to do next, or where it is."""


class Page(Struct, frozen=True):
    """A page of conversations."""

    title: str
    """Its title and first heading."""
    summary: str = ""
    """The line that says it all."""
    good: bool = True
    """Whether that line is good news, or neither."""
    notices: tuple[Notice, ...] = ()
    """What is to be read first."""
    sections: tuple[Section, ...] = ()
    """The services."""
    footer: str = ""
    """What made it, from what."""
