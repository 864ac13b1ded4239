"""Make names for addresses from texts that people wrote. Nothing here does I/O."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from reconciler.model import NAME

LONGEST: Final = 110
"""Characters of a name at most: fewer than are allowed, so that a suffix can distinguish two names."""


def is_name(text: str) -> bool:
    """Return whether *text* is possible as a name or key in a manifest."""
    return re.fullmatch(NAME, text, re.ASCII) is not None


def name_from(text: str) -> str:
    """Return a name that resembles *text*; empty if no character of it is possible in a name."""
    if is_name(text):
        return text[:LONGEST]
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return re.sub(r"[^A-Za-z0-9._-]+", "-", plain)[:LONGEST].strip("-._")


class Names:
    """Gives each of several objects a unique name.

    Names that differ only in capitals count as equal, as they become names of files.
    """

    def __init__(self) -> None:
        self._taken: set[str] = set()

    def take(self, name: str) -> None:
        """Reserve *name*: no object gets it."""
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
