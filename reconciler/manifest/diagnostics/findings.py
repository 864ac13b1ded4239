"""Findings: the mistakes that the checks find, before they have a line and a column."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

from msgspec import Struct

Loc: TypeAlias = tuple[str | int, ...]
"""The location of a value: keys and list positions (from 0), from the top of its file."""


def value_at(root: Any, loc: Loc) -> Any:
    """Return the value at *loc* of *root*; raises LookupError where there is none."""
    for part in loc:
        root = root[part]
    return root


class Finding(Struct, frozen=True):
    """One mistake."""

    loc: Loc
    """The wrong value."""
    text: str
    hint: str | None = None
    on_key: bool = False
    """Whether the problem points at the key of *loc*, not at the value."""
    earlier: tuple[str, Loc] | None = None
    """Path and location of the value that this one conflicts with; its position ends the sentence *text*."""
    without_line: bool = False
    """Whether the line of the file is not shown, as it holds a sensitive value."""
    number: str | None = None
    """The number in *text* and *hint*, as Python writes it: the problem shows it as the file does."""


class Refusal(Exception):
    """A value that a field cannot hold; *text* is the part of the sentence after the name of the field."""

    def __init__(self, text: str, hint: str | None = None) -> None:
        super().__init__(text)
        self.text = text
        self.hint = hint


class FileRefusal(Refusal):
    """What is wrong inside the file *path*, which a field names: *findings*, at their places in that file."""

    def __init__(self, path: str, findings: Sequence[Finding]) -> None:
        super().__init__(findings[0].text, findings[0].hint)
        self.path = path
        self.findings = findings
