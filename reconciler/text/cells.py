"""How much room a text takes on a terminal: East Asian letters take two cells, marks take none.

Only texts that `inert.escape` made harmless are measured rightly: it leaves no sequences of emoji, no
controls and nothing else whose width terminals disagree on.
"""

from __future__ import annotations

import unicodedata
from itertools import accumulate
from typing import Final

_WIDE: Final = frozenset("WF")
_MARKS: Final = frozenset(("Mn", "Me"))


def width(text: str) -> int:
    """Return how many cells *text* takes."""
    return len(text) if text.isascii() else sum(map(_width, text))


def fitted(text: str, cells: int) -> str:
    """Return *text*, cut and with `…` at its end where it takes more than *cells* cells."""
    if width(text) <= cells:
        return text
    fits = sum(used < cells for used in accumulate(map(_width, text)))  # one cell is for the `…`
    return f"{text[:fits]}…" if cells > 0 else ""


def _width(character: str) -> int:
    if unicodedata.category(character) in _MARKS:
        return 0
    return 2 if unicodedata.east_asian_width(character) in _WIDE else 1
