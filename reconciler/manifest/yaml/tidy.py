"""Spell YAML as prettier does: quotes, brackets on one line, and values beside their keys.

A text gets double quotes, or single ones where double ones would need escapes; escapes that only double
quotes have stay. A value begins on the line of its key or dash, and a key has no `?` that it can do without.
`brackets` says where lists and mappings in brackets have their lines.

Nothing else changes; indentation and spaces are for `format`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from enum import Enum, auto
from typing import Any, Final

from ruamel.yaml import tokens as yaml

from reconciler.manifest.yaml.brackets import CLOSING, OPENING, bracket_edits
from reconciler.manifest.yaml.edits import Edit, edited

_BEFORE_VALUE: Final = (yaml.ValueToken, yaml.BlockEntryToken)
_VALUE: Final = (yaml.ScalarToken, yaml.AliasToken, *OPENING)
_STARTS_BLOCK: Final = (yaml.BlockMappingStartToken, yaml.BlockSequenceStartToken)
LONGEST_KEY: Final = 1_000
"""Most characters of a key without `? `: YAML readers look for its colon in 1,024 characters."""
_QUOTES: Final = ("'", '"')
_ENDS: Final = (yaml.KeyToken, yaml.BlockEndToken)
_ESCAPE: Final = re.compile(r'\\[^"]', re.DOTALL)
"""An escape that single quotes cannot do without."""


class _Place(Enum):
    """Where a token stands in the blocks."""

    INSIDE = auto()
    """Where the one before it stands."""
    FIRST = auto()
    """At the start of a block mapping or list."""
    NEXT = auto()
    """At the start of another key, or behind the end of a block."""


def tidied(text: str, tokens: Iterable[Any]) -> str:
    """Return *text*, whose tokens are given, with canonical quotes and brackets, and values beside keys."""
    return edited(text, _edits(text, tokens))


def _edits(text: str, tokens: Iterable[Any]) -> Iterator[Edit]:
    earlier: Any = None
    before: Any = None
    lost_mark = False
    depth = 0
    brackets: list[Any] = []
    for token, place in _placed(tokens):
        kind = type(token)
        if kind is yaml.ScalarToken and token.style in _QUOTES:
            yield from _requoted(text, token)
        if depth:
            brackets.append(token)
            depth += (kind in OPENING) - (kind in CLOSING)
            if not depth:
                yield from bracket_edits(text, brackets)
        else:
            if kind in OPENING:
                brackets, depth = [token], 1
            if before is not None:
                yield from _beside(text, before, token, place, lost_mark=lost_mark)
            edits = list(_implicit(text, earlier, before, token))
            lost_mark = bool(edits)
            yield from edits
        earlier, before = before, token


def _placed(tokens: Iterable[Any]) -> Iterator[tuple[Any, _Place]]:
    """Yield the tokens that have characters, and where they stand."""
    place = _Place.INSIDE
    for token in tokens:
        if token.start_mark.index < token.end_mark.index:
            yield token, place
            place = _Place.INSIDE
        elif isinstance(token, _STARTS_BLOCK):
            place = _Place.FIRST
        elif place is _Place.INSIDE and isinstance(token, _ENDS):
            place = _Place.NEXT


def _requoted(text: str, token: Any) -> Iterator[Edit]:
    start, end = token.start_mark.index, token.end_mark.index
    written = text[start:end]
    spelled = quoted_again(written[1:-1], written[0])
    if spelled != written:
        yield Edit(start, end, spelled)


def quoted_again(raw: str, quote: str) -> str:
    """Return the characters *raw* between two of *quote* in canonical quotes."""
    is_single = quote == "'"
    if ("\\" in raw) if is_single else _ESCAPE.search(raw):
        return f"{quote}{raw}{quote}"
    plain = raw.replace("''", "'") if is_single else raw.replace('\\"', '"')
    if '"' in plain:
        return "'" + plain.replace("'", "''") + "'"
    return f'"{plain}"'


def _beside(text: str, before: Any, token: Any, place: _Place, *, lost_mark: bool) -> Iterator[Edit]:
    """Yield the edit that puts *token* on the line of the key or dash before it.

    A block behind the colon of a key that *lost_mark*, its `?`, is put below it instead.
    """
    if type(before) not in _BEFORE_VALUE:
        return
    if before.end_mark.line == token.start_mark.line:
        if lost_mark and place is _Place.FIRST:
            column = token.start_mark.column
            yield Edit(before.end_mark.index, token.start_mark.index, "\n" + " " * column)
        return
    start, end = before.end_mark.index, token.start_mark.index
    if text[start:end].strip():
        return
    if place is _Place.INSIDE and type(token) in _VALUE:
        yield Edit(start, end, " ")
    elif place is _Place.FIRST and type(before) is yaml.BlockEntryToken:
        # what else is in the block is in this column, so it must stay
        width = token.start_mark.column - before.end_mark.column
        if width > 0:
            yield Edit(start, end, " " * width)


def _implicit(text: str, mark: Any, key: Any, colon: Any) -> Iterator[Edit]:
    """Yield the edits that take the *mark* `?` from a *key*, if that is what they are and it needs none."""
    if type(colon) is not yaml.ValueToken or type(mark) is not yaml.KeyToken:
        return
    if type(key) not in (yaml.ScalarToken, yaml.AliasToken) or key.start_mark.line != key.end_mark.line:
        return
    before = text[mark.end_mark.index : key.start_mark.index]
    behind = text[key.end_mark.index : colon.start_mark.index]
    if before.strip() or behind.strip() or key.end_mark.column - key.start_mark.column > LONGEST_KEY:
        return
    yield Edit(mark.start_mark.index, key.start_mark.index, "")
    yield Edit(key.end_mark.index, colon.start_mark.index, "")
