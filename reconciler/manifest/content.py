"""What reading one file gives."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import force_setattr

from reconciler.errors import Problem
from reconciler.manifest.findings import Loc
from reconciler.model import Service

if TYPE_CHECKING:
    from reconciler.manifest.written import Written


class Entry(Struct, frozen=True):
    """One entry of a block, at *position* in it.

    `import` has *address* and *sid*, `moved` *previous* and *address*, `removed` *previous*.
    """

    block: str
    position: int
    previous: str | None = None
    address: str | None = None
    sid: str | None = None

    def loc(self, field: str) -> Loc:
        """Return where *field* of it is."""
        return (self.block, self.position, field)


class FileContent(Struct, frozen=True):
    """What one file says: its account guard, and its services with no more than it says of them.

    *path* is the file as the user wrote it.
    """

    path: str
    account: str | None = None
    services: tuple[Service, ...] = ()
    entries: tuple[Entry, ...] = ()


class Parsed(Struct, frozen=True):
    """The content of a file as far as it can be made out, and its problems from top to bottom.

    Where more than the file's bytes decide what it says, *written* is there and *content* is empty.
    """

    content: FileContent
    problems: tuple[Problem, ...] = ()
    written: Written | None = None


def share_texts(content: FileContent) -> None:
    """Make equal keys, authors and attributes one text again: see `messages`."""
    known: dict[str | None, str | None] = {}
    once, put = known.setdefault, force_setattr
    for service in content.services:
        for conversation in service.conversations:
            for message in conversation.messages:
                key, author, attributes = message.key, message.author, message.attributes
                put(message, "key", once(key, key))
                put(message, "author", once(author, author))
                put(message, "attributes", once(attributes, attributes))
