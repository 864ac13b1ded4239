"""Read YAML as data, at the speed of libyaml's events, with one line number per container.

This is the fast way, for files without mistakes. Whatever looks wrong raises Irregular; `positions` then
reads the file again, and gives each fault a sentence and a position.
"""

from __future__ import annotations

from typing import Any, Final

from ruamel.yaml.error import YAMLError

from reconciler.manifest.limits import limits
from reconciler.manifest.yaml.parsers import NextEvent, by_any_parser
from reconciler.manifest.yaml.scalars import MAYBE_NOT_TEXT, NoJsonNumber, loses_digits, plain_value

MOST_REPEATED: Final = 1_000_000
"""Values that all aliases of one file may repeat together; more is an alias bomb, and is refused."""


_DEEPEST_LINE: Final = 6
"""Containers around a message. Lines of containers inside a message are never needed."""


SEPARATORS: Final = "\x85\u2028\u2029"
"""Raw characters that end a line for libyaml, but neither for YAML 1.2 nor in editors."""


_SEPARATORS_IN_UTF_8: Final = tuple(one.encode() for one in SEPARATORS)


MERGE_KEY: Final = "<<"


NUL: Final = "\0"
"""The only character that no text may contain. YAML can write it only as an escape in double quotes."""


_NUMBERS: Final = (int, float)


class Irregular(Exception):
    """The text cannot be read the fast way: it has a mistake, or is not plain data."""


class Document:
    """The value of a file, and the lines (from 1) of its containers.

    *loses_digits* tells whether some number does not keep all its digits: see `scalars.loses_digits`.
    """

    __slots__ = ("_lines", "loses_digits", "value")

    def __init__(self, value: Any, lines: dict[int, int], *, loses_digits: bool = False) -> None:
        self.value = value
        self._lines = lines
        self.loses_digits = loses_digits

    def line_of(self, container: object) -> int:
        """Return the line of a mapping or list inside *value*, down to messages; 0 for any other value.

        That is the line of its key, or of its start if it is in a list. A value that an alias repeats has the
        line of its anchor.
        """
        return self._lines.get(id(container), 0)


class Sizes:
    """Counts the values inside containers that aliases repeat; each container is counted only once."""

    def __init__(self) -> None:
        self._known: dict[int, int] = {}

    def of(self, value: Any) -> int:
        """Return the number of values in *value*, itself included, as if all aliases were written out."""
        if not isinstance(value, dict | list):
            return 1
        size = self._known.get(id(value))
        if size is None:
            size = 1 + sum(map(self.of, value.values() if isinstance(value, dict) else value))
            self._known[id(value)] = size
        return size


def read(text: str | bytes) -> Document:
    """Return the value of the only YAML document in *text*; bytes are UTF-8.

    Raises Irregular for everything that `positions.read_closely` has a sentence for: syntax errors,
    duplicate keys, tags, merge keys, several documents, alias bombs, too deep nesting, raw separators.
    """
    separators = _SEPARATORS_IN_UTF_8 if isinstance(text, bytes) else SEPARATORS
    if not text.isascii() and any(one in text for one in separators):  # type: ignore[operator]
        raise Irregular
    try:
        return by_any_parser(text, lambda next_event, kinds: _Reader(next_event, kinds).document())
    except (YAMLError, NoJsonNumber, ValueError) as error:
        raise Irregular from error


class _Reader:
    """Builds the value of one document from its events, whose classes are in the module *kinds*."""

    def __init__(self, next_event: NextEvent, kinds: Any) -> None:
        self._next = next_event
        self._kinds = kinds
        self._scalar_event = kinds.ScalarEvent
        self._mapping_start = kinds.MappingStartEvent
        self._mapping_end = kinds.MappingEndEvent
        self._lines: dict[int, int] = {}
        self._keys: dict[str, str] = {}
        self._anchors: dict[str, Any] = {}
        self._sizes = Sizes()
        self._repeated = 0
        self._deepest = limits().nesting
        self._loses_digits = False

    def document(self) -> Document:
        self._next()  # the stream starts
        if type(self._next()) is not self._kinds.DocumentStartEvent:
            raise Irregular
        value = self._node(self._next(), 0)
        self._next()  # the document ends
        if type(self._next()) is not self._kinds.StreamEndEvent:
            raise Irregular
        return Document(value, self._lines, loses_digits=self._loses_digits)

    def _node(self, event: Any, depth: int) -> Any:
        """Return the value that starts with *event*."""
        kind = type(event)
        if (
            kind is self._mapping_start
            and event.ctag is None
            and event.anchor is None
            and depth <= self._deepest
        ):
            return self._mapping(depth + 1)  # the usual case, without further checks
        if kind is self._kinds.AliasEvent:
            return self._alias(event.anchor)
        if event.ctag is not None or depth > self._deepest:
            raise Irregular
        anchor = event.anchor
        if anchor is not None:
            self._anchors.pop(anchor, None)  # an alias to it would be a cycle until the value is complete
        value: Any
        if kind is self._mapping_start:
            value = self._mapping(depth + 1)
        else:
            value = self._scalar(event) if kind is self._scalar_event else self._sequence(depth + 1)
        if anchor is not None:
            self._anchors[anchor] = value
        return value

    def _mapping(self, depth: int) -> dict[str, Any]:
        # most of the time of a plan is spent here, so the usual cases are handled without a call
        next_event, known, maybe_not_text = self._next, self._keys, MAYBE_NOT_TEXT
        scalar, mapping_end = self._scalar_event, self._mapping_end
        fields: dict[str, Any] = {}
        while True:
            at = next_event()
            if type(at) is not scalar:
                if type(at) is mapping_end:
                    return fields
                raise Irregular
            if at.ctag is not None or at.anchor is not None:
                raise Irregular
            key = known.get(at.value) or self._new_key(at)
            if key in fields:
                raise Irregular
            event = next_event()
            if type(event) is scalar and event.ctag is None and event.anchor is None:
                value = event.value
                if event.style:
                    value = _quoted(value)
                elif not value or value[0] in maybe_not_text:
                    value = self._plain(value)
                fields[key] = value
            else:
                fields[key] = value = self._node(event, depth)
                if depth < _DEEPEST_LINE:
                    self._lines.setdefault(id(value), at.start_mark.line + 1)

    def _scalar(self, event: Any) -> str | float | bool | None:
        return _quoted(event.value) if event.style else self._plain(event.value)

    def _plain(self, text: str) -> str | float | bool | None:
        value = plain_value(text)
        if type(value) in _NUMBERS and loses_digits(text):
            self._loses_digits = True
        return value

    def _new_key(self, event: Any) -> str:
        key: str = event.value
        if not isinstance(self._scalar(event), str) or (key == MERGE_KEY and not event.style):
            raise Irregular
        return key if event.style else self._keys.setdefault(key, key)

    def _sequence(self, depth: int) -> list[Any]:
        next_event, scalar, sequence_end = self._next, self._scalar_event, self._kinds.SequenceEndEvent
        items: list[Any] = []
        while True:
            event = next_event()
            if type(event) is sequence_end:
                return items
            value = self._node(event, depth)
            items.append(value)
            if depth <= _DEEPEST_LINE and type(event) is not scalar:
                self._lines.setdefault(id(value), event.start_mark.line + 1)

    def _alias(self, anchor: str) -> Any:
        if anchor not in self._anchors:
            raise Irregular
        value = self._anchors[anchor]
        self._repeated += self._sizes.of(value)
        if self._repeated > MOST_REPEATED:
            raise Irregular
        return value


def _quoted(text: str) -> str:
    if NUL in text:
        raise Irregular
    return text
