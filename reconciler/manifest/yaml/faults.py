"""Faults of YAML text: sentences and hints for libyaml's errors, at the position to be corrected."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, replace
from typing import Any, Final, NamedTuple

from ruamel.yaml.error import MarkedYAMLError

from reconciler.manifest.yaml.parsers import TwoReadings
from reconciler.manifest.yaml.reader import SEPARATORS
from reconciler.manifest.yaml.surrogates import PROBLEM
from reconciler.runtime.text_file import lines_of, place_in
from reconciler.text.foreign import quoted


class Position(NamedTuple):
    """Line and column, both from 1."""

    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Fault:
    """A mistake in the YAML text itself."""

    position: Position
    text: str
    hint: str | None = None
    earlier: Position | None = None
    """A position that ends the sentence of *text*: that of the first of two equal keys."""
    value: str | None = None
    """What *text* and *hint* quote that is a value, or may be one; None where they quote at most keys."""

    def sentence(self, path: str) -> str:
        """Return *text* with its end, a position in the file *path*."""
        return f"{self.text} {path}:{self.earlier.line}:{self.earlier.column}" if self.earlier else self.text

    def without_value(self) -> Fault:
        """Return the fault as it may be told of a file that holds secrets."""
        if self.value is None:
            return self
        quoted = re.compile(rf"`([*&]?){re.escape(self.value)}`")
        text, hint = (quoted.sub(r"`\1…`", one or "") for one in (self.text, self.hint))
        return replace(self, text=text, hint=hint or None, value=None)


_UNPRINTABLE: Final = "[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]"
"""Pattern of the characters that YAML does not allow. It is compiled on use, as that takes long."""
_QUOTES: Final = ("'", '"')
_OPENING: Final = frozenset("[{'\"")
"""First characters of values with an end sign; a text that goes on behind the sign is a mistake."""
_RESERVED: Final = frozenset("@`%*&!|>-,?")
"""First characters that a plain text cannot have. Values that may start so have no fault."""
_BRACKET_EXPECTED: Final = "did not find expected ',' or"
_EXPECTED_BY_INDENTATION: Final = ("did not find expected key", "did not find expected '-' indicator")
_KEY: Final = r"""[ ]*(?:-[ ]+)*(?P<key>[\w.\[\]-]+|"[^"]*"|'[^']*')"""
_VALUE: Final = rf"(?:{_KEY}[ ]*:[ ]+|[ ]*(?:-[ ]+)+)(?P<value>\S)"
_COLONS: Final = "\uff1a\ufe55\ufe13\ua789\u2236\u02d0"
_DASHES: Final = "\u2010-\u2015\u2212\ufe58\ufe63\uff0d"
_SPACES: Final = "\xa0\u1680\u2000-\u200b\u202f\u205f\u2060\u3000\ufeff"
_LOOK_ALIKE: Final = rf"{_KEY}(?:(?P<colon>[{_COLONS}])|:(?P<space>[{_SPACES}]))"
"""A key with something behind it that looks like a colon and a space."""
_LONGEST: Final = 1_000
"""Characters of a line in which a key without a colon is looked for."""
_INDENTED: Final = "indent it like the other lines of its mapping or list, or put a text in quotes"


def syntax_fault(error: MarkedYAMLError, text: str) -> Fault:
    """Return libyaml's *error* about *text* as a fault, at the position where a person can correct it."""
    lines = lines_of(text)
    opened, met = error.context_mark, error.problem_mark
    # for an unclosed quote, its start helps more than the end of the file
    unclosed = opened is not None and _from(lines, opened)[:1] in _QUOTES and not _from(lines, met).strip()
    no_colon = error.problem == "could not find expected ':'" and opened is not None
    mark = opened if unclosed or no_colon else met
    position = Position(mark.line + 1, mark.column + 1) if mark else Position(1, 1)
    runs_on = str(error.problem).startswith("mapping values")
    fault = _look_alike(lines, position.line, runs_on=runs_on)
    if fault is None and runs_on:
        fault = _badly_opened(lines, position.line)
    if fault is not None:
        return fault
    if isinstance(error, TwoReadings):
        return Fault(position, "a text in brackets that starts with `?` is read in two ways", _quote_it("?"))
    said = quoted(Exception(error.problem), "libyaml")
    if unclosed:
        hint: str | None = "close the quotes that start here"
    elif no_colon:
        hint = _missing_colon(lines, position)
    elif opened and opened.line < mark.line and str(error.problem).startswith(_BRACKET_EXPECTED):
        hint = f"close the bracket that starts at line {opened.line + 1}, or separate what is in it by commas"
    else:
        hint = _hint(lines, position, str(error.problem))
    return Fault(position, f"the YAML cannot be read ({said})", hint)


def separator_faults(text: str) -> list[Fault]:
    """Return a fault for each kind of character in `SEPARATORS` that *text* contains."""
    faults = []
    for character in SEPARATORS:
        if count := text.count(character):
            name = f"U+{ord(character):04X} ({_name(character)})"
            others = f"; {count - 1:,} more of them follow" if count > 1 else ""
            faults.append(
                Fault(
                    Position(*place_in(text, text.index(character))),
                    f"the character {name} cannot stand in YAML as it is: some programs end a line "
                    f"there{others}",
                    f'remove it, or write it in double quotes as `"{_escaped(character)}"`',
                )
            )
    return faults


def character_fault(text: str) -> Fault:
    """Return a fault for the first character of *text* that YAML does not allow."""
    match = re.search(_UNPRINTABLE, text)
    offset = match.start() if match else 0
    code = ord(text[offset])
    return Fault(
        Position(*place_in(text, offset)),
        f"the control character U+{code:04X} cannot stand in YAML as it is",
        f'remove it, or write it in double quotes as `"{_escaped(text[offset])}"`' if code else "remove it",
    )


def look_alike(text: str) -> str | None:
    """Return a phrase for a character that *text* has in place of a colon or space behind a key, or None."""
    match = re.match(_LOOK_ALIKE, text)
    return match and _called(match["colon"] or match["space"])


def _look_alike(lines: list[str], line: int, *, runs_on: bool) -> Fault | None:
    """Return a fault if *line* has a look-alike of a colon and a space; else one for the line above it.

    The line above counts only if a text *runs_on* from there to the colon of another key.
    """
    for number in (line, line - 1) if runs_on else (line,):
        match = re.match(_LOOK_ALIKE, lines[number - 1]) if 0 < number <= len(lines) else None
        if match:
            group = "colon" if match["colon"] else "space"
            return Fault(
                Position(number, match.start(group) + 1),
                f"the YAML cannot be read: behind `{match['key'][:40]}` stands {_called(match[group])}",
                "write a colon and a space there, as in `key: value`",
                value=match["key"][:40],
            )
    return None


def _badly_opened(lines: list[str], line: int) -> Fault | None:
    """Return a fault for the line above *line*, whose text runs on to here, if it was to open an item or key.

    It must be the first line of that text: an item, or what stands right below a key without a value.
    """
    written = [number for number in range(1, line) if lines[number - 1].strip()]
    opening, outer = ([lines[number - 1] for number in written[:-3:-1]] + ["", ""])[:2]
    dash = re.match(rf"[ ]*([{_DASHES}]|-(?=\w))", opening)
    key = re.match(_KEY + r"(?![^ ])(?!.*:( |$))", opening[:_LONGEST])
    word = None
    if dash:
        where, item = dash.start(1), dash[1]
        wrong = "no space stands behind the `-`" if item == "-" else f"the item starts with {_called(item)}"
        hint = "write a `-` and a space there, as in `- key: value`"
    elif key and key["key"] != "-" and ("-" in opening[: key.start("key")] or outer.rstrip().endswith(":")):
        where, word = key.end(), key["key"][:40]
        wrong = f"no colon stands behind `{word}`"
        hint = "write a colon and a space there, as in `key: value`"
    else:
        return None
    return Fault(Position(written[-1], where + 1), f"the YAML cannot be read: {wrong}", hint, value=word)


def _called(character: str) -> str:
    name = _name(character)
    return f"{'an' if name[0] in 'aeio' else 'a'} {name}, U+{ord(character):04X}"


def _name(character: str) -> str:
    names = {"\x85": "next line", "\ufeff": "byte order mark"}
    return names.get(character) or unicodedata.name(character).lower()


def _escaped(character: str) -> str:
    code = ord(character)
    return f"\\u{code:04x}" if code > 0xFF else f"\\x{code:02x}"  # noqa: PLR2004 - what two digits hold


def _from(lines: list[str], mark: Any) -> str:
    """Return the text from *mark* on; "" where there is no mark."""
    if not mark or mark.line >= len(lines):
        return ""
    return "\n".join((lines[mark.line][mark.column :], *lines[mark.line + 1 :]))


def _missing_colon(lines: list[str], position: Position) -> str:
    text = _line(lines, position)[position.column - 1 :]
    if re.match(r"-\S", text):
        return "write a space behind the `-` of an item"
    if re.match(_KEY + ":", text):
        return "write a space behind the colon: `key: value`"
    return "write a colon and a space behind the key, or put a text of several lines in quotes"


def _hint(lines: list[str], position: Position, problem: str) -> str | None:
    line = _line(lines, position)
    at = line[position.column - 1 : position.column]
    is_key_expected = problem in _EXPECTED_BY_INDENTATION
    value = re.match(_VALUE, line)
    has_value = value is not None and value.start("value") < position.column
    start = value["value"] if value and has_value else at
    space = re.match(rf"[ ]*([{_SPACES}])", line)
    if at == "\t":
        hint = "indent with spaces; YAML does not allow tabs"
    elif space:
        hint = f"indent with spaces; this line starts with {_called(space[1])}"
    elif problem == PROBLEM:
        hint = "write both halves of the pair, or the character itself"
    elif "\\" in line[max(position.column - 3, 0) : position.column]:
        hint = "write the character itself, or use single quotes to keep backslashes"
    elif (start in _RESERVED and (start != "-" or has_value)) or (start in _OPENING and is_key_expected):
        hint = _quote_it(start)
    elif at == ":" and start != at:
        hint = "put a text that contains `: ` in quotes, or check the indentation"
    elif at == ":" or is_key_expected:
        hint = _INDENTED
    else:
        return None
    return hint


def _quote_it(start: str) -> str:
    if start in _QUOTES:
        other = _QUOTES[start == _QUOTES[0]]
        return f"the text goes on behind its quotes: put all of it in others, {other}…{other}"
    return f"put a text that starts with `{start}` in quotes"


def _line(lines: list[str], position: Position) -> str:
    return lines[position.line - 1] if position.line <= len(lines) else ""
