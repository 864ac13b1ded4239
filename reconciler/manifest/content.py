"""What reading one file gives."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import force_setattr

from reconciler.errors import Problem
from reconciler.manifest.diagnostics.findings import Loc
from reconciler.model import Doubt, Service


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
    doubts: tuple[Doubt, ...] = ()


class Parsed(Struct, frozen=True):
    """The content of a file as far as it can be made out, and its problems from top to bottom.

    Where more than the file's bytes decide what it says, *written* is there and *content* is empty. Where it
    *loses_digits*, a number in it may have been meant as a text.
    """

    content: FileContent
    problems: tuple[Problem, ...] = ()
    written: Written | None = None
    loses_digits: bool = False


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


OPENING: Final = "${"
"""What every reference begins with."""


_OF_A_FILE: Final = frozenset(("variables", "defaults", "templates"))


_OF_A_CONVERSATION: Final = frozenset(("for_each", "defaults"))


_OF_A_MESSAGE: Final = frozenset(("for_each", "use", "from"))


class Written(Struct, frozen=True):
    """The value of such a file, of the right shape, before anything is resolved.

    *path* is the file as the user named it; *line_of* gives the line of a mapping in *value*. Of one that is
    *broken*, as it has mistakes, only the variables and templates count.
    """

    path: str
    value: dict[str, Any]
    line_of: Callable[[object], int]
    broken: bool = False


def says_more(root: dict[str, Any], *, refers: bool) -> bool:
    """Return whether a manifest of value *root* is to be resolved; *refers* if it holds an `OPENING`."""
    if refers or not _OF_A_FILE.isdisjoint(root):
        return True
    for service in root.get("services", {}).values():
        if "defaults" in service:
            return True
        for conversation in service.get("conversations", {}).values():
            if not _OF_A_CONVERSATION.isdisjoint(conversation):
                return True
            messages = conversation.get("messages", ())
            if isinstance(messages, dict) or not all(map(_OF_A_MESSAGE.isdisjoint, messages)):
                return True
    return False


def containers(root: Any) -> Iterator[tuple[Loc, Any]]:
    """Yield every mapping and list of *root* with its location."""
    waiting: list[tuple[Loc, Any]] = [((), root)]
    while waiting:
        loc, value = waiting.pop()
        yield loc, value
        for name, child in value.items() if isinstance(value, dict) else enumerate(value):
            if isinstance(child, dict | list):
                waiting.append(((*loc, name), child))
