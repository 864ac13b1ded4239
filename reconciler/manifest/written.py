"""A file that means more than it says: it has variables, references, defaults, templates or fan-out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

from msgspec import Struct

from reconciler.manifest.findings import Loc

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
