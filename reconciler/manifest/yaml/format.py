"""Give manifests canonical white space, quotes and brackets. Comments and order stay as they are.

Mappings and lists are indented by two spaces a level, a list one level deeper than its key. Tokens of one
line are one space apart, a comment too, with no space inside brackets. There is at most one blank line in a
row and none below a key, no white space at the end of a line, and one newline at the end of the file. `tidy`
and `brackets` say what else is canonical. Prettier agrees with all of it, with the options of
`examples/.prettierrc`.

Texts keep their lines: a literal or folded block is shifted as a whole. If all lines end with CR LF, they
still do afterwards.

The text is cut along libyaml's tokens. The result is read again, and must have the same value.
"""

from __future__ import annotations

import re
from bisect import bisect
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from operator import itemgetter
from typing import Any, Final, NamedTuple

from _ruamel_yaml import CParser
from ruamel.yaml import tokens as yaml
from ruamel.yaml.error import MarkedYAMLError

from reconciler.errors import ReconcilerError
from reconciler.manifest.yaml.brackets import CLOSING, OPENING
from reconciler.manifest.yaml.parsers import newer_tokens
from reconciler.manifest.yaml.reader import Irregular, read
from reconciler.manifest.yaml.surrogates import PairedText
from reconciler.manifest.yaml.tidy import tidied

_LINE: Final = re.compile("([^\n\r]*)(\r\n|[\n\r]|\\Z)")


_SPELLING: Final = re.compile(r"""[\s'"\\,?]+""")
"""What may change: white space, quotes and their escapes, commas in front of brackets, and `?`."""


_BLOCK_HEADER: Final = re.compile(r"[|>](?:[-+]|(?P<indent>[1-9]))*")


_STEP: Final = 2


_PASSES: Final = 4


_LONE_DASH: Final = re.compile(r"-\n")


_SPACE_BEHIND: Final = (yaml.BlockEntryToken, yaml.KeyToken, yaml.ValueToken, yaml.FlowEntryToken)


_INVISIBLE: Final = (yaml.StreamStartToken, yaml.StreamEndToken)


def format_text(text: str) -> str:
    """Return *text* with canonical white space.

    Raises Irregular for text that is no plain data, and ReconcilerError if the result would have another
    value.
    """
    value = read(text).value
    for scanner in (_libyaml, newer_tokens):  # libyaml does not know all of YAML 1.2: `{a: why?}`
        with suppress(MarkedYAMLError):
            formatted = _formatted(text, scanner)
            if formatted == text or _is_faithful(formatted, text, value):
                return formatted.replace("\n", "\r\n") if _ends_lines_with_crlf(text) else formatted
    raise ReconcilerError(
        "cannot be formatted without changing what it says",
        hint="the file was left as it is; please report this",
    )


def _libyaml(text: str) -> Callable[[], Any]:
    """Return a function that returns the next token of *text*."""
    next_token: Callable[[], Any] = CParser(PairedText(text).text).get_token
    return next_token


def _ends_lines_with_crlf(text: str) -> bool:
    """Return whether all lines end with CR LF, as git checks them out on Windows."""
    ends = text.count("\r\n")
    return bool(ends) and ends == text.count("\n") == text.count("\r")


def _formatted(text: str, scanner: Callable[[str], Callable[[], Any]]) -> str:
    """Return *text* in canonical form; *scanner* returns a function that returns the next token of a text.

    An item below its dash is indented before it can begin beside it, which takes a second pass.
    """
    for _ in range(_PASSES):
        tidy = tidied(text, _until_end(scanner(text)))
        before, text = text, "".join(_Layout(tidy, _until_end(scanner(tidy))).lines())
        if text == before or not _LONE_DASH.search(text):
            break
    return text


def _until_end(scan: Callable[[], Any]) -> Iterator[Any]:
    while not isinstance(token := scan(), yaml.StreamEndToken):
        yield token


def _is_faithful(formatted: str, text: str, value: Any) -> bool:
    return _says(formatted, value) and _SPELLING.sub("", formatted) == _SPELLING.sub("", text)


def _says(text: str, value: Any) -> bool:
    try:
        return repr(read(text).value) == repr(value)  # == would take 1 for true
    except Irregular:
        return False


class _Piece(NamedTuple):
    """The part of a token on one line."""

    start: int
    end: int
    """Columns, from 0."""
    kind: type | None
    """The class of the token; None for a further line of a text."""


class _Block(NamedTuple):
    """An open block mapping or list."""

    column: int
    is_list: bool
    implicit: bool = False
    """Whether no token starts it: a list in the column of its key."""


class _Layout:
    """The new indentation and spacing of each line of a text. Lines count from 0."""

    def __init__(self, text: str, tokens: Iterable[Any]) -> None:
        self._source = [(match[1], match[2]) for match in _LINE.finditer(text)]
        self._pieces: dict[int, list[_Piece]] = {}
        self._indents: dict[int, int] = {}
        self._columns: dict[int, list[tuple[int, int]]] = {}
        """By line: the columns of the blocks that are open at its end, old and new."""
        self._flow_indents: dict[int, int] = {}
        """By line: the new indentation of the next line if a bracket is open there, else -1."""
        self._texts: dict[int, str] = {}
        """By line: the new text of a line of a literal or folded block."""
        self._ends_in_text = False
        self._blocks: list[_Block] = []
        self._flow = 0
        self._flow_base = 0
        starts_entry = False
        for token in tokens:
            starts_entry = self._take(token, starts_entry=starts_entry)
        self._starts, self._ends = sorted(self._pieces), sorted(self._columns)

    def _take(self, token: Any, *, starts_entry: bool) -> bool:
        """Place *token*; return whether the next one starts a key or an item."""
        kind = type(token)
        if kind in (yaml.BlockMappingStartToken, yaml.BlockSequenceStartToken):
            is_list = kind is yaml.BlockSequenceStartToken
            self._blocks.append(_Block(token.start_mark.column, is_list))
            return starts_entry
        if kind is yaml.BlockEndToken:
            self._leave_implicit_list()
            self._blocks.pop()
            return False
        if not self._flow:
            if kind is yaml.KeyToken:
                self._leave_implicit_list()
            elif kind is yaml.BlockEntryToken and not self._blocks[-1].is_list:
                self._blocks.append(_Block(token.start_mark.column, is_list=True, implicit=True))
            starts_entry = starts_entry or kind in (yaml.KeyToken, yaml.BlockEntryToken, yaml.ValueToken)
        if token.start_mark.index == token.end_mark.index:
            return starts_entry
        self._place(token, self._indent_of(kind, starts_entry=starts_entry))
        return False

    def _leave_implicit_list(self) -> None:
        if self._blocks and self._blocks[-1].implicit:
            self._blocks.pop()

    def _indent_of(self, kind: type, *, starts_entry: bool) -> int:
        if self._flow:
            return self._flow_base + _STEP * (self._flow - (kind in CLOSING))
        return _STEP * max(len(self._blocks) - starts_entry, 0)

    def _place(self, token: Any, indent: int) -> None:
        kind, line, last = type(token), token.start_mark.line, token.end_mark.line
        start, end = token.start_mark.column, token.end_mark.column
        self._indents.setdefault(line, indent)
        pieces = self._pieces.setdefault(line, [])
        if kind is yaml.ScalarToken and token.style in ("|", ">"):
            header = _BLOCK_HEADER.match(self._source[line][0], start)
            assert header is not None  # noqa: S101 - libyaml has read it
            pieces.append(_Piece(start, header.end(), kind))
            self._place_block(header, line + 1, last if end else last - 1)
            last = line
        elif line == last:
            pieces.append(_Piece(start, end, kind))
        else:
            pieces.append(_Piece(start, _stop(self._source[line][0]), kind))
            self._place_rest(line + 1, last, end)
        if kind in OPENING:
            if not self._flow:
                self._flow_base = _STEP * len(self._blocks)
            self._flow += 1
        elif kind in CLOSING:
            self._flow -= 1
        self._columns[last] = [(block.column, _STEP * depth) for depth, block in enumerate(self._blocks)]
        self._flow_indents[last] = self._flow_base + _STEP * self._flow if self._flow else -1

    def _place_rest(self, first: int, last: int, end: int) -> None:
        """Place the further lines of a plain or quoted text, whose old indentation has no meaning."""
        indent = self._indent_of(yaml.ScalarToken, starts_entry=False)
        for line in range(first, last + 1):
            text = self._source[line][0]
            stop = end if line == last else _stop(text)
            start = stop - len(text[:stop].lstrip(" \t"))
            self._indents[line] = indent if start < stop else 0
            self._pieces[line] = [_Piece(start, stop, None)]

    def _place_block(self, header: re.Match[str], first: int, last: int) -> None:
        """Shift the lines of a literal or folded block as a whole, as indentation inside it is text."""
        lines = range(first, last + 1)
        told = header["indent"]
        if told is not None:
            columns = [block.column for block in self._blocks if not block.implicit]
            before = (columns[-1] if columns else 0) + int(told)
            after = _STEP * max(len(self._blocks) - 1, 0) + int(told)
        else:
            texts = [self._source[line][0] for line in lines]
            longest = max(map(len, texts), default=0)
            before = next((len(text) - len(text.lstrip(" ")) for text in texts if text.strip(" ")), longest)
            after = _STEP * max(len(self._blocks), 1)
        for line in lines:
            text = self._source[line][0]
            is_blank = not text.strip(" ") and len(text) <= before
            self._texts[line] = "" if is_blank else " " * after + text[before:]
        if "+" not in header[0]:
            while last >= first and not self._texts[last]:
                del self._texts[last]
                last -= 1
        self._ends_in_text = last in self._texts and "-" not in header[0] and not self._source[last][1]

    def lines(self) -> Iterator[str]:
        """Yield the new lines, each with its line break."""
        is_blank, above = False, -1
        for number, (source, end) in enumerate(self._source):
            text = self._line(number, source)
            if text is None:
                is_blank = True
                continue
            if is_blank and above >= 0 and not self._is_first_in(above, text):
                yield "\n"
            is_blank, above = False, number
            if end:
                yield text + "\n"
            else:
                # after a block at the end of the file, a newline would become part of its text
                yield text if self._ends_in_text else text + "\n"

    def _is_first_in(self, above: int, text: str) -> bool:
        """Return whether *text* is the first line inside of a key or dash that ends the line *above*."""
        pieces = self._pieces.get(above)
        opens = pieces is not None and pieces[-1].kind in (yaml.ValueToken, yaml.BlockEntryToken, *OPENING)
        return opens and len(text) - len(text.lstrip(" ")) > self._indents[above]

    def _line(self, number: int, source: str) -> str | None:
        """Return the new text of a line, or None for a blank line that is not part of a text."""
        if number in self._texts:
            return self._texts[number]
        if number in self._pieces:
            return self._spaced(number, source)
        comment = source.strip()
        return " " * self._comment_indent(number, source) + comment if comment else None

    def _spaced(self, number: int, source: str) -> str:
        pieces = self._pieces[number]
        text = " " * self._indents[number]
        for before, piece in zip([None, *pieces], pieces, strict=False):
            if before is not None:
                text += _gap(before, piece)
            text += source[piece.start : piece.end]
        comment = source[pieces[-1].end :].strip()
        return f"{text} {comment}" if comment else text

    def _comment_indent(self, number: int, source: str) -> int:
        """Return the new indentation of a comment: that of the block it was aligned with."""
        above = bisect(self._ends, number) - 1
        columns: list[tuple[int, int]] = []
        if above >= 0:
            line = self._ends[above]
            if self._flow_indents[line] >= 0:
                return self._flow_indents[line]
            columns += self._columns[line]
        below = bisect(self._starts, number)
        if below < len(self._starts):
            line = self._starts[below]
            columns.append((self._pieces[line][0].start, self._indents[line]))
        column = len(source) - len(source.lstrip())
        left = [pair for pair in reversed(columns) if pair[0] <= column]
        if left:
            return max(left, key=itemgetter(0))[1]
        return columns[-1][1] if columns else 0


def _stop(line: str) -> int:
    """Return the column behind the text of *line*, which goes on below; an escaped blank is part of it."""
    stop = len(line.rstrip(" \t"))
    escapes = stop - len(line[:stop].rstrip("\\"))
    return stop + (escapes % 2 and stop < len(line))


def _gap(before: _Piece, after: _Piece) -> str:
    """Return the space between two pieces of one line."""
    if before.kind in _SPACE_BEHIND:
        is_empty = after.kind in CLOSING and before.kind is yaml.FlowEntryToken
        return "" if is_empty else " "
    if before.kind in OPENING or after.kind in (*CLOSING, yaml.FlowEntryToken):
        return ""
    if after.kind is yaml.ValueToken and before.kind is not yaml.AliasToken:
        return ""
    return " "
