"""Lists and mappings in brackets: on one line, or one item a line where there is a comment in them.

There is no comma behind the last item. A collection also has one item a line if it holds a text of several
lines, or another collection that has. Blank lines between items stay.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any, Final

from ruamel.yaml import tokens as yaml

from reconciler.manifest.yaml.edits import Edit

OPENING: Final = (yaml.FlowMappingStartToken, yaml.FlowSequenceStartToken)
CLOSING: Final = (yaml.FlowMappingEndToken, yaml.FlowSequenceEndToken)
_BETWEEN: Final = (yaml.FlowEntryToken, *OPENING)
_BEFORE_ITEM: Final = (yaml.FlowEntryToken, yaml.FlowSequenceStartToken)


class _Unusual(Exception):
    """A comment or a break at a place where it has no canonical form."""


class _Collection:
    """One pair of brackets."""

    def __init__(self, opening: Any, before: Any, parent: _Collection | None) -> None:
        self.parent = parent
        self.column = opening.start_mark.column
        self.is_broken = False
        """Whether it has one item a line."""
        self._is_item = before is None or isinstance(before, _BEFORE_ITEM)

    def break_up(self) -> None:
        """Give it one item a line, and those around it too."""
        if self.is_broken:
            return
        self.is_broken = True
        if self.parent is not None:
            if not self._is_item:
                raise _Unusual
            self.parent.break_up()


def bracket_edits(text: str, tokens: Sequence[Any]) -> list[Edit]:
    """Return the edits that give a collection its lines; its *tokens* begin and end with its brackets.

    There are none if it holds a comment or a break where prettier has no form for it that it keeps.
    """
    try:
        gaps = list(_gaps(text, tokens))
    except _Unusual:
        return []
    return [edit for before, token, home in gaps for edit in _edits(text, before, token, home)]


def _gaps(text: str, tokens: Sequence[Any]) -> Iterator[tuple[Any, Any, _Collection]]:
    """Yield each two neighbours with the collection in which they are."""
    home = _Collection(tokens[0], None, None)
    for before, token in pairwise(tokens):
        gap = text[before.end_mark.index : token.start_mark.index]
        if gap.strip():
            is_first = isinstance(before, OPENING) and "\n" in gap[: gap.index("#")]
            if not (is_first or isinstance(before, yaml.FlowEntryToken) or isinstance(token, CLOSING)):
                raise _Unusual
            home.break_up()
        if token.start_mark.line != token.end_mark.line:
            if not isinstance(before, _BEFORE_ITEM):
                raise _Unusual
            home.break_up()
        yield before, token, home
        if isinstance(token, OPENING):
            home = _Collection(token, before, home)
        elif isinstance(token, CLOSING) and home.parent is not None:
            home = home.parent


def _edits(text: str, before: Any, token: Any, home: _Collection) -> Iterator[Edit]:
    start, end = before.end_mark.index, token.start_mark.index
    gap = text[start:end]
    if isinstance(token, CLOSING) and isinstance(before, yaml.FlowEntryToken):
        yield Edit(before.start_mark.index, start, "")
    if gap.strip():
        return
    breaks = gap.count("\n") or gap.count("\r")
    if not home.is_broken or not (isinstance(before, _BETWEEN) or isinstance(token, CLOSING)):
        if breaks:
            yield Edit(start, end, " ")
        return
    is_apart = breaks > 1 and isinstance(before, yaml.FlowEntryToken) and not isinstance(token, CLOSING)
    yield Edit(start, end, ("\n\n" if is_apart else "\n") + " " * (home.column + 1))
