"""Names for addresses, made of what people wrote. Nothing here does I/O."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from reconciler.model import NAME

_LONGEST: Final = 110
"""Characters of a name: fewer than are allowed, so that something can be added to tell two apart."""


def is_name(text: str) -> bool:
    """Return whether *text* can stand in a manifest as a name or key."""
    return re.fullmatch(NAME, text, re.ASCII) is not None


def name_from(text: str) -> str:
    """Return a name that reads like *text*; empty if nothing in it can be part of one."""
    if is_name(text):
        return text[:_LONGEST]
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return re.sub(r"[^A-Za-z0-9._-]+", "-", plain)[:_LONGEST].strip("-._")


class Names:
    """Gives each of several objects a name of its own.

    Names that differ in nothing but capitals count as one: they become the names of files.
    """

    def __init__(self) -> None:
        self._taken: set[str] = set()

    def take(self, name: str) -> None:
        """Never give *name* to anything."""
        self._taken.add(name.casefold())

    def give(self, wanted: str, sid: str) -> str:
        """Return *wanted* if it is free, else with the first digits of *sid* behind, or else *sid*."""
        free = (
            name
            for name in (wanted, f"{wanted}-{sid[2:10]}")
            if wanted and name.casefold() not in self._taken
        )
        name = next(free, sid)
        self.take(name)
        return name
