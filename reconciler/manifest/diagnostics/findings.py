"""What the checks find: a mistake at a location inside a file, before it has a line and a column."""

from __future__ import annotations

from typing import TypeAlias

from msgspec import Struct

Loc: TypeAlias = tuple[str | int, ...]
"""Where a value is: keys and list positions from the top of its file."""


class Finding(Struct, frozen=True):
    """One mistake.

    *loc* is the value at fault, or with *on_key* its key. *earlier* is the file and location that it
    conflicts with, whose place ends the sentence that *text* starts. It is told *without_line* where the line
    holds what must not be shown.
    """

    loc: Loc
    text: str
    hint: str | None = None
    on_key: bool = False
    earlier: tuple[str, Loc] | None = None
    without_line: bool = False


class Refusal(Exception):
    """A value that a field cannot hold: what is wrong with it, after the name of the field."""

    def __init__(self, text: str, hint: str | None = None) -> None:
        super().__init__(text)
        self.text = text
        self.hint = hint
