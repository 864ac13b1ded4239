"""The content of one manifest file, before it is merged with other files."""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import force_setattr

from reconciler.errors import Problem
from reconciler.manifest.diagnostics.findings import Loc
from reconciler.manifest.unexpanded import Unexpanded
from reconciler.model import Address, Doubt, Service


class Entry(Struct, frozen=True):
    """One entry of the block `import`, `moved` or `removed`."""

    block: str
    position: int
    """Index of the entry in its block, from 0."""
    previous: Address | None = None
    """`from:` of `moved` and `removed`."""
    address: Address | None = None
    """`to:` of `import` and `moved`."""
    sid: str | None = None
    """`sid:` of `import`."""

    def loc(self, field: str) -> Loc:
        """Return the location of *field* in its file."""
        return (self.block, self.position, field)


class FileContent(Struct, frozen=True):
    """The declarations of one file. Nothing is filled in that another file could give."""

    path: str
    """The file, as the user named it."""
    account: str | None = None
    """SID of the only account that the file may be used with."""
    services: tuple[Service, ...] = ()
    entries: tuple[Entry, ...] = ()
    doubts: tuple[Doubt, ...] = ()
    """Numbers that perhaps should be texts."""


class Parsed(Struct, frozen=True):
    """The result of parsing one file."""

    content: FileContent
    """Empty where *unexpanded* is given; without the faulty parts where there are *problems*."""
    problems: tuple[Problem, ...] = ()
    """From top to bottom of the file."""
    unexpanded: Unexpanded | None = None
    """The value of a manifest that needs expansion."""
    loses_digits: bool = False
    """Whether a number in the file has digits that Python's number does not: perhaps a text was meant."""


def share_texts(content: FileContent) -> None:
    """Replace equal keys, authors, attributes and dates by one string each, which saves memory."""
    known: dict[str | None, str | None] = {}
    once, put = known.setdefault, force_setattr
    for service in content.services:
        for conversation in service.conversations:
            for message in conversation.messages:
                key, author, attributes = message.key, message.author, message.attributes
                created = message.date_created
                put(message, "key", once(key, key))
                put(message, "author", once(author, author))
                put(message, "attributes", once(attributes, attributes))
                put(message, "date_created", once(created, created))
