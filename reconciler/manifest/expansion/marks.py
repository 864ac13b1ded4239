"""Which values hold references, and which of these are sensitive."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from reconciler.manifest.expansion.references import Reference, references
from reconciler.manifest.unexpanded import OPENING

_REFERS: Final = 1
_HIDES: Final = 2
"""Flags of a value."""


class Marks:
    """Looks for references in values, and remembers what it finds, as values are copied many times.

    The values must live, and stay unchanged, as long as this does. *is_sensitive* tells which references
    must never be shown.
    """

    def __init__(self, is_sensitive: Callable[[Reference], bool]) -> None:
        self._is_sensitive = is_sensitive
        self._known: dict[int | str, int] = {}
        """Flags by the id of a mapping or list, or by a text itself."""

    def refers(self, value: Any) -> bool:
        """Return whether *value* holds references."""
        return bool(self._flags(value))

    def hides(self, value: Any) -> bool:
        """Return whether *value* holds sensitive references."""
        return bool(self._flags(value) & _HIDES)

    def _flags(self, value: Any) -> int:
        if not isinstance(value, str | dict | list):
            return 0
        name = value if isinstance(value, str) else id(value)
        known = self._known.get(name)
        if known is None:
            known = self._known[name] = self._search(value)
        return known

    def _search(self, value: str | dict[str, Any] | list[Any]) -> int:
        if not isinstance(value, str):
            found = 0
            for child in value.values() if isinstance(value, dict) else value:
                found |= self._flags(child)
            return found
        if OPENING not in value:
            return 0
        return _REFERS | (_HIDES if any(map(self._is_sensitive, references(value))) else 0)
