"""Read YAML again, closely: the place of every key and value, and what is wrong with the text.

Slower than `reader`, and used only for a file that has a mistake. It gives the same value, builds
what it can of a faulty file, and has a sentence for everything that `reader` calls irregular.
"""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from _ruamel_yaml import CParser
from ruamel.yaml.error import MarkedYAMLError, YAMLError
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

from reconciler.foreign import quoted
from reconciler.manifest.findings import Loc
from reconciler.manifest.limits import limits
from reconciler.manifest.reader import (
    MERGE_KEY,
    MOST_REPEATED,
    NUL,
    NextEvent,
    Sizes,
    may_be_newer,
    newer_events,
)
from reconciler.manifest.scalars import NoJsonNumber, plain_value


class Place(NamedTuple):
    """Line and column, both from 1."""

    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Fault:
    """Something wrong with the YAML text itself; the place *earlier* ends the sentence of *text*."""

    place: Place
    text: str
    hint: str | None = None
    earlier: Place | None = None


class Places:
    """What a close reading found: the value, the faults, and where everything is."""

    def __init__(self) -> None:
        self.value: Any = None
        self.faults: list[Fault] = []
        self.keys: dict[Loc, Place] = {}
        self.values: dict[Loc, Place] = {}

    def of(self, loc: Loc, *, on_key: bool = False) -> Place:
        """Return where the value at *loc* starts, or its key.

        What has no place of its own (an item of a list has no key; what is missing or repeated by an
        alias has nothing) gets that of the nearest thing around it.
        """
        place = self.keys.get(loc) if on_key else self.values.get(loc)
        while place is None:
            place = self.keys.get(loc) or self.values.get(loc) or (None if loc else Place(1, 1))
            loc = loc[:-1]
        return place


_UNPRINTABLE: Final = "[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]"
"""A pattern that is compiled only when it is needed, as that takes longer than a small manifest."""


_QUOTES: Final = ("'", '"')
_RESERVED: Final = ("@", "`", "%")
"""What no text starts with, unless it is in quotes."""
_NOWHERE: Final[Loc] = ("",)
"""Where the value of a faulty key is: read for its own faults, and dropped."""


class _Stop(Exception):
    """Nothing more can be read."""


def read_closely(text: str) -> Places:
    """Return the value, places and faults of *text*."""
    found = Places()
    try:
        _read(CParser(text).get_event, found)
    except MarkedYAMLError as error:
        if may_be_newer(error):
            newer = Places()
            try:
                _read(newer_events(text), newer)
            except (YAMLError, ValueError):
                pass  # what libyaml found wrong is as good
            else:
                return newer
        found.faults.append(_syntax_fault(error, text))
    except ReaderError:
        found.faults.append(_character_fault(text))
    return found


def _read(next_event: NextEvent, found: Places) -> None:
    with suppress(_Stop):
        _CloseReader(next_event, found).document()


class _CloseReader:
    def __init__(self, next_event: NextEvent, found: Places) -> None:
        self._next = next_event
        self._found = found
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
                _place(event),
                "a second YAML document starts here",
                "write it to a file of its own; all files of a folder are merged",
            )

    def _empty(self) -> None:
        self._fault(Place(1, 1), "empty manifest", "a manifest starts with `version: 1`")

    def _fault(self, place: Place, text: str, hint: str, earlier: Place | None = None) -> None:
        self._found.faults.append(Fault(place, text, hint, earlier))

    def _node(self, event: Any, loc: Loc, depth: int) -> Any:
        self._found.values.setdefault(loc, _place(event))
        kind = type(event)
        if kind is AliasEvent:
            return self._alias(event)
        self._refuse_tag(event)
        if depth > limits().nesting:
            self._fault(
                _place(event),
                f"more than {limits().nesting} lists and mappings inside one another",
                "put deep data into a string, or pass a larger `--max-nesting`",
            )
            raise _Stop
        anchor = event.anchor
        if kind is ScalarEvent:
            value = self._scalar(event)
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
                self._fault(_place(event), "the text holds the character NUL (U+0000)", "remove it")
            return event.value
        try:
            return plain_value(event.value)
        except NoJsonNumber:
            self._fault(
                _place(event),
                f"`{event.value[:40]}` is no number that JSON can hold",
                "if it is text, put it in quotes",
            )
            return 0

    def _mapping(self, loc: Loc, depth: int) -> dict[str, Any]:
        fields: dict[str, Any] = {}
        while True:
            event = self._next()
            if type(event) is MappingEndEvent:
                return fields
            place = _place(event)
            key = self._key(event, depth)
            if key is not None and key in fields:
                first = self._found.keys[*loc, key]
                self._fault(
                    place, f"`{key}` is given twice in one mapping; first at", "keep one of them", first
                )
                key = None
            if key is None:
                self._node(self._next(), _NOWHERE, depth)
            else:
                self._found.keys[*loc, key] = place
                fields[key] = self._node(self._next(), (*loc, key), depth)

    def _key(self, event: Any, depth: int) -> str | None:
        """Return the key that *event* gives, or None with a fault noted."""
        place = _place(event)
        if type(event) is AliasEvent:
            self._fault(place, f"a key cannot be an alias (`*{event.anchor}`)", "write the key itself")
            return None
        self._refuse_tag(event)
        if type(event) is not ScalarEvent:
            self._node(event, _NOWHERE, depth)
            self._fault(place, "a key cannot be a list or a mapping", "use a text as the key")
            return None
        value = self._scalar(event)
        if event.anchor is not None:
            self._fault(place, f"a key cannot have an anchor (`&{event.anchor}`)", "anchor the value instead")
        if not event.style:
            if event.value == MERGE_KEY:
                self._fault(
                    place,
                    "merge keys (`<<`) are not part of YAML 1.2",
                    "repeat the fields, or anchor a whole value (`attributes: &common {…}`) and "
                    "repeat it (`attributes: *common`)",
                )
                return None
            if not isinstance(value, str):
                self._fault(
                    place,
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
        anchor, place = event.anchor, _place(event)
        if anchor in self._open:
            self._fault(place, f"`*{anchor}` stands inside what it repeats", "an alias cannot contain itself")
            return None
        if anchor not in self._anchors:
            self._fault(
                place,
                f"`*{anchor}` repeats an anchor that is not above it",
                f"add `&{anchor}` before the value, or put the text in quotes",
            )
            return None
        value = self._anchors[anchor]
        self._repeated += self._sizes.of(value)
        if self._repeated > MOST_REPEATED:
            self._fault(
                place,
                f"the aliases of this file stand for more than {MOST_REPEATED:,} values",
                "write the values out, or repeat less",
            )
            raise _Stop
        return value

    def _refuse_tag(self, event: Any) -> None:
        if event.ctag is not None:
            self._fault(
                _place(event),
                f"tags (`{_written(str(event.ctag))}`) are not allowed: a manifest is plain data",
                "remove the tag; to make a number a text, put it in quotes",
            )


def _place(event: Any) -> Place:
    mark = event.start_mark
    return Place(mark.line + 1, mark.column + 1)


def _written(tag: str) -> str:
    """Return a tag as people write it: `!!python/object`, not its long form."""
    return "!!" + tag.removeprefix("tag:yaml.org,2002:") if tag.startswith("tag:yaml.org,2002:") else tag


def _syntax_fault(error: MarkedYAMLError, text: str) -> Fault:
    lines = text.splitlines()
    opened, met = error.context_mark, error.problem_mark
    # of a quote that is never closed, its start is worth more than the end of the file
    unclosed = opened is not None and _from(lines, opened)[:1] in _QUOTES and not _from(lines, met).strip()
    mark = opened if unclosed else met
    place = Place(mark.line + 1, mark.column + 1) if mark else Place(1, 1)
    said = quoted(Exception(error.problem), "libyaml")
    line = lines[place.line - 1] if place.line <= len(lines) else ""
    hint = "close the quotes that start here" if unclosed else _syntax_hint(line, place)
    return Fault(place, f"the YAML cannot be read ({said})", hint)


def _from(lines: list[str], mark: Any) -> str:
    """Return the text from *mark* on; without one, nothing."""
    if not mark or mark.line >= len(lines):
        return ""
    return "\n".join((lines[mark.line][mark.column :], *lines[mark.line + 1 :]))


def _syntax_hint(line: str, place: Place) -> str | None:
    at = line[place.column - 1 : place.column]
    if at == "\t":
        return "indent with spaces; YAML does not allow tabs"
    if at in _RESERVED:
        return f"put a text that starts with `{at}` in quotes"
    if at == ":":
        return "put a text that contains `: ` in quotes, or check the indentation"
    if "\\" in line[max(place.column - 3, 0) : place.column]:
        return "write the character itself, or use single quotes to keep backslashes"
    return None


def _character_fault(text: str) -> Fault:
    match = re.search(_UNPRINTABLE, text)
    offset = match.start() if match else 0
    code = ord(text[offset])
    return Fault(
        place_of_offset(text, offset),
        f"the control character U+{code:04X} cannot stand in YAML as it is",
        f'remove it, or write it in double quotes as `"\\x{code:02x}"`' if code else "remove it",
    )


def place_of_offset(text: str, offset: int) -> Place:
    """Return the place of the character at *offset*."""
    lines = f"{text[:offset]}^".splitlines()
    return Place(len(lines), len(lines[-1]))
