"""Manifests that need expansion: variables, references, defaults, templates or for_each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

from msgspec import Struct

from reconciler.manifest.diagnostics.findings import Loc

OPENING: Final = "${"
"""The start of every reference."""


_FIELDS_OF_FILE: Final = frozenset(("variables", "defaults", "templates"))
_FIELDS_OF_CONVERSATION: Final = frozenset(("for_each", "defaults"))
_FIELDS_OF_MESSAGE: Final = frozenset(("for_each", "use", "from"))
"""Fields that need expansion wherever they are given."""


class Unexpanded(Struct, frozen=True):
    """The value of a manifest that needs expansion, as written; its shape has been checked."""

    path: str
    """The file, as the user named it."""
    value: dict[str, Any]
    line_of: Callable[[object], int]
    """Returns the line (from 1) of a mapping in *value*."""
    broken: bool = False
    """Whether the file has mistakes; then only its variables and templates are used."""


def needs_expansion(root: dict[str, Any], *, refers: bool) -> bool:
    """Return whether the manifest *root* needs expansion; *refers* tells that its text holds an `OPENING`."""
    if refers or not _FIELDS_OF_FILE.isdisjoint(root):
        return True
    for service in root.get("services", {}).values():
        if "defaults" in service:
            return True
        for conversation in service.get("conversations", {}).values():
            if not _FIELDS_OF_CONVERSATION.isdisjoint(conversation):
                return True
            messages = conversation.get("messages", ())
            if isinstance(messages, dict) or not all(map(_FIELDS_OF_MESSAGE.isdisjoint, messages)):
                return True
    return False


def containers(root: Any) -> Iterator[tuple[Loc, Any]]:
    """Yield every mapping and list of *root* with its location, in an order that the value alone decides."""
    waiting: list[tuple[Loc, Any]] = [((), root)]
    while waiting:
        loc, value = waiting.pop()
        yield loc, value
        for name, child in value.items() if isinstance(value, dict) else enumerate(value):
            if isinstance(child, dict | list):
                waiting.append(((*loc, name), child))
