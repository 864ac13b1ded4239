"""Read YAML again with the position of every key and value, and with all faults of the text.

This is slower than `reader`, and is used only for a file with a mistake. It gives the same value as `reader`,
and the sound part of a faulty file. It has a sentence for everything that `reader` calls irregular.
"""

from __future__ import annotations

import re
from contextlib import suppress
from typing import Any, Final

from ruamel.yaml.error import MarkedYAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    StreamEndEvent,
)
from ruamel.yaml.reader import ReaderError

from reconciler.manifest.diagnostics.findings import Loc, value_at
from reconciler.manifest.limits import limits
from reconciler.manifest.yaml.faults import Fault, Position, character_fault, separator_faults, syntax_fault
from reconciler.manifest.yaml.parsers import NextEvent, by_any_parser
from reconciler.manifest.yaml.reader import (
    MERGE_KEY,
    MOST_REPEATED,
    NUL,
    SEPARATORS,
    Sizes,
)
from reconciler.manifest.yaml.scalars import NoJsonNumber, plain_value
from reconciler.runtime.text_file import lines_of


class Positions:
    """The value and the faults of a text, and the position of every key and value."""

    def __init__(self) -> None:
        self.value: Any = None
        self.faults: list[Fault] = []
        self.keys: dict[Loc, Position] = {}
        self.values: dict[Loc, Position] = {}
        self.plain: dict[Loc, str] = {}
        """The texts of numbers and truth values, as written."""
        self.comments: dict[Loc, str] = {}
        """Comments in place of values whose `#` no space follows, as in `body: #hashtag`."""

    def at(self, loc: Loc) -> Any:
        """Return the value at *loc*."""
        return value_at(self.value, loc)

    def of(self, loc: Loc, *, on_key: bool = False) -> Position:
        """Return the position of the value at *loc*, or of its key.

        Items of lists have no key; missing values, and values inside an alias, have no position. They get
        that of the nearest value around them.
        """
        position = self.keys.get(loc) if on_key else self.values.get(loc)
        while position is None:
            position = self.keys.get(loc) or self.values.get(loc) or (None if loc else Position(1, 1))
            loc = loc[:-1]
        return position


EMPTY: Final = "empty manifest"
"""The fault of a file that has no value."""


_NOWHERE: Final[Loc] = ("",)
"""The location of values whose keys are faulty. They are read for their own faults, and dropped."""


_NO_KEY: Final = "use a text as the key; put a text that starts with `{{` or `[` in quotes"


_COMMENT_FOR_VALUE: Final = re.compile(r":\s+(#[^\s#].*?)\s*$")


class _Stop(Exception):
    """Nothing after this fault can be read."""


def read_closely(text: str) -> Positions:
    """Return the value, positions and faults of *text*."""
    separators = separator_faults(text)
    tries = [Positions()]

    def read(next_event: NextEvent, _: object) -> Positions:
        tries.append(Positions())
        with suppress(_Stop):
            _CloseReader(next_event, tries[-1], lines_of(text)).document()
        return tries[-1]

    try:
        # separators are replaced, one character each, so that libyaml counts lines as editors do
        found = by_any_parser(re.sub(f"[{SEPARATORS}]", "\ufffd", text) if separators else text, read)
    except MarkedYAMLError as error:
        found = (tries[1:] or tries)[0]
        if not separators:  # else they may be the cause
            found.faults.append(syntax_fault(error, text))
    except ReaderError:
        found = tries[-1]
        found.faults.append(character_fault(text))
    found.faults += separators
    return found


class _CloseReader:
    def __init__(self, next_event: NextEvent, found: Positions, lines: list[str]) -> None:
        self._next = next_event
        self._found = found
        self._lines = lines
        self._anchors: dict[str, Any] = {}
        self._open: set[str] = set()
        self._sizes = Sizes()
        self._repeated = 0

    def document(self) -> None:
        self._next()  # the stream starts
        event = self._next()
        if type(event) is not DocumentStartEvent:
            self._empty()
            return
        self._found.value = self._node(self._next(), (), 0)
        if self._found.value is None:
            self._empty()
        self._next()  # the document ends
        event = self._next()
        if type(event) is not StreamEndEvent:
            self._fault(
                _position(event),
                "a second YAML document starts here",
                "write it to a file of its own",
            )

    def _empty(self) -> None:
        self._fault(Position(1, 1), EMPTY, "a manifest starts with `version: 1`")

    def _fault(
        self,
        position: Position,
        text: str,
        hint: str,
        earlier: Position | None = None,
        value: str | None = None,
    ) -> None:
        self._found.faults.append(Fault(position, text, hint, earlier, value))

    def _node(self, event: Any, loc: Loc, depth: int) -> Any:
        self._found.values.setdefault(loc, _position(event))
        kind = type(event)
        if kind is AliasEvent:
            return self._alias(event)
        self._refuse_tag(event)
        if depth > limits().nesting:
            self._fault(
                _position(event),
                f"more than {limits().nesting} lists and mappings inside one another",
                "put deep data into a string, or pass a larger `--max-nesting`",
            )
            raise _Stop
        anchor = event.anchor
        if kind is ScalarEvent:
            value = self._scalar(event)
            if isinstance(value, int | float):
                self._found.plain.setdefault(loc, event.value)
        else:
            if anchor is not None:
                self._open.add(anchor)
            read_items = self._mapping if kind is MappingStartEvent else self._sequence
            value = read_items(loc, depth + 1)
            self._open.discard(anchor)
        if anchor is not None:
            self._anchors[anchor] = value
        return value

    def _scalar(self, event: Any) -> Any:
        if event.style:
            if NUL in event.value:
                self._fault(_position(event), "the text holds the character NUL (U+0000)", "remove it")
            return event.value
        try:
            return plain_value(event.value)
        except NoJsonNumber:
            self._fault(
                _position(event),
                f"`{event.value[:40]}` is no number that JSON can hold",
                "if it is text, put it in quotes",
                value=event.value[:40],
            )
            return 0

    def _mapping(self, loc: Loc, depth: int) -> dict[str, Any]:
        fields: dict[str, Any] = {}
        while True:
            event = self._next()
            if type(event) is MappingEndEvent:
                return fields
            position = _position(event)
            key = self._key(event, depth)
            if key is not None and key in fields:
                first = self._found.keys[*loc, key]
                self._fault(
                    position, f"`{key}` is given twice in one mapping; first at", "keep one of them", first
                )
                key = None
            if key is None:
                self._node(self._next(), _NOWHERE, depth)
            else:
                self._found.keys[*loc, key] = position
                fields[key] = self._node(self._next(), (*loc, key), depth)
                if fields[key] is None:
                    self._look_for_comment(position, (*loc, key))

    def _look_for_comment(self, position: Position, loc: Loc) -> None:
        """Note the comment behind the key at *position*, which has no value, if it may be meant as one."""
        line = self._lines[position.line - 1] if position.line <= len(self._lines) else ""
        if match := _COMMENT_FOR_VALUE.search(line, position.column - 1):
            self._found.comments.setdefault(loc, match[1])

    def _key(self, event: Any, depth: int) -> str | None:
        """Return the key at *event*, or None after adding a fault."""
        position = _position(event)
        if type(event) is AliasEvent:
            self._fault(
                position,
                f"a key cannot be an alias (`*{event.anchor}`)",
                "write the key itself",
                value=event.anchor,
            )
            return None
        self._refuse_tag(event)
        if type(event) is not ScalarEvent:
            self._node(event, _NOWHERE, depth)
            self._fault(position, "a key cannot be a list or a mapping", _NO_KEY)
            return None
        value = self._scalar(event)
        if event.anchor is not None:
            self._fault(
                position,
                f"a key cannot have an anchor (`&{event.anchor}`)",
                "anchor the value instead",
                value=event.anchor,
            )
        if not event.style:
            if event.value == MERGE_KEY:
                self._fault(
                    position,
                    "merge keys (`<<`) are not part of YAML 1.2",
                    "repeat the fields, or anchor a whole value (`attributes: &common {…}`) and "
                    "repeat it (`attributes: *common`)",
                )
                return None
            if not isinstance(value, str):
                self._fault(
                    position,
                    f"the key `{event.value}` is not a text",
                    f'put it in quotes: `"{event.value}"`',
                )
        key: str = event.value
        return key

    def _sequence(self, loc: Loc, depth: int) -> list[Any]:
        items: list[Any] = []
        while True:
            event = self._next()
            if type(event) is SequenceEndEvent:
                return items
            items.append(self._node(event, (*loc, len(items)), depth))

    def _alias(self, event: Any) -> Any:
        anchor, position = event.anchor, _position(event)
        if anchor in self._open:
            self._fault(
                position,
                f"`*{anchor}` stands inside what it repeats",
                "an alias cannot contain itself",
                value=anchor,
            )
            return None
        if anchor not in self._anchors:
            self._fault(
                position,
                f"`*{anchor}` repeats an anchor that is not above it",
                f"add `&{anchor}` before the value, or put the text in quotes",
                value=anchor,
            )
            return None
        value = self._anchors[anchor]
        self._repeated += self._sizes.of(value)
        if self._repeated > MOST_REPEATED:
            self._fault(
                position,
                f"the aliases of this file stand for more than {MOST_REPEATED:,} values",
                "write the values out, or repeat less",
            )
            raise _Stop
        return value

    def _refuse_tag(self, event: Any) -> None:
        if event.ctag is not None:
            tag = _written(str(event.ctag))
            self._fault(
                _position(event),
                f"tags (`{tag}`) are not allowed: the file is plain data",
                "remove the tag; to make a number a text, put it in quotes",
                value=tag,
            )


def _position(event: Any) -> Position:
    mark = event.start_mark
    return Position(mark.line + 1, mark.column + 1)


def _written(tag: str) -> str:
    """Return a tag in its short form, as people write it: `!!python/object`."""
    return "!!" + tag.removeprefix("tag:yaml.org,2002:") if tag.startswith("tag:yaml.org,2002:") else tag
