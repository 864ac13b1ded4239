"""Read rows from CSV, JSON and JSON Lines files beside a manifest. Nothing in them is a reference."""

from __future__ import annotations

import csv
import io
import json
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec import Struct

from reconciler.manifest.build.fields import MB
from reconciler.manifest.build.media import path_inside
from reconciler.manifest.diagnostics.findings import FileRefusal, Finding, Loc, Refusal
from reconciler.runtime.text_file import NotText, decoded, lines_of, place_in
from reconciler.text.foreign import json_fault, quoted
from reconciler.text.words import cut, plural

_LARGEST: Final = 256 * MB


_NUL: Final = "\0"
"""The character that no text may contain."""


_DELIMITERS: Final = (",", ";", "\t")
"""Delimiters of cells in a CSV file. Spreadsheets choose one by the language of their user."""


_NAMED_DELIMITER: Final = "sep="
"""Start of the first line that some spreadsheets write to name the delimiter; it is not a row."""


class Row(Struct, frozen=True):
    """One item of a data file."""

    line: int
    """The line where the item starts, from 1; 0 for an item of a JSON file or of a list in a manifest."""
    value: Any
    head: int = 0
    """The line that names the fields, from 1; 0 for an item that names its own."""

    def loc(self, position: int) -> Loc:
        """Return the location in its file, where it is at *position*, from 0, of a list."""
        return (self.line or position,)


def path_of(folder: Path, written: str) -> str:
    """Return the path by which problems call the file *written*."""
    return str(folder / written)


def read_rows(folder: Path, written: str) -> list[Row] | dict[str, Any]:
    """Return the rows of the file *written*, or the mapping of a JSON file that has one.

    Raises Refusal if the file is outside *folder*, cannot be read, or is not of the format of its suffix;
    FileRefusal for all lines that are wrong.
    """
    path = path_inside(folder, written)
    read = _FORMATS.get(path.suffix.lower())
    if read is None:
        raise Refusal(
            f"names a file of an unknown kind: `{written}`",
            "its name has to end in `.csv`, `.tsv`, `.txt` (both are CSV), `.json` or `.jsonl`",
        )
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):  # opening a pipe would wait for a writer
            kind = "folder" if stat.S_ISDIR(status.st_mode) else "pipe or a device"
            raise Refusal(f"names a {kind}, not a file: `{written}`", "name a regular file")
        if status.st_size > _LARGEST:
            raise Refusal(f"names a file of more than {_LARGEST // MB} MB: `{written}`", "split it")
        data = path.read_bytes()
    except FileNotFoundError as error:
        raise Refusal(
            f"names a file that does not exist: `{written}`",
            "the path is relative to the folder of the manifest",
        ) from error
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise Refusal(f"names a file that cannot be read: `{written}`: {reason}") from error
    try:
        text = decoded(data)
    except NotText as error:
        raise Refusal(
            f"names a file that {error.text}: `{written}`, line {error.line}", error.hint
        ) from error
    if _NUL in text:
        line, _ = place_in(text, text.index(_NUL))
        raise Refusal(f"names `{written}`, whose line {line} holds the character NUL (U+0000)", "remove it")
    found: list[Finding] = []
    rows = read(text, written, found)
    if found:
        raise FileRefusal(path_of(folder, written), found)
    return rows


def _csv(text: str, written: str, found: list[Finding]) -> list[Row]:
    most = csv.field_size_limit()  # of the whole process, so it is put back
    csv.field_size_limit(max(most, len(text)))
    try:
        return _csv_rows(text, written, found)
    finally:
        csv.field_size_limit(most)


def _csv_rows(text: str, written: str, found: list[Finding]) -> list[Row]:
    delimiter, first = _delimiter(text)
    stream = io.StringIO(text, newline="")
    for _ in range(first):
        stream.readline()
    rows: list[Row] = []
    columns: list[str] | None = None
    head = 0
    for line, cells in _counted(csv.reader(stream, delimiter=delimiter, strict=True), found, first):
        if not cells:
            continue
        if columns is None:
            columns, head = cells, line
            twice = _twice(columns)
            if twice is not None or not all(columns):
                wrong = f"two columns are called `{cut(twice)}`" if twice else "a column has no name"
                found.append(Finding((line,), wrong, "give each column a name of its own"))
                return []
        elif len(cells) != len(columns):
            text = f"this row has {plural(len(cells), 'column')} instead of {len(columns)}"
            hint = f"put cells that hold {_CALLED[delimiter]} or line breaks in double quotes"
            found.append(Finding((line,), text, hint))
        else:
            rows.append(Row(line, dict(zip(columns, cells, strict=True)), head))
    if columns is None:
        raise Refusal(
            f"names `{written}`, which has no first line", "the first line of a CSV file names its columns"
        )
    return rows


_CALLED: Final = {",": "commas", ";": "semicolons", "\t": "tabs"}


def _delimiter(text: str) -> tuple[str, int]:
    """Return the delimiter of *text*, and the number of lines before the names of its columns.

    The first line may name the delimiter. Else it is the one that gives the most columns.
    """
    start = text[: len(_NAMED_DELIMITER) + 3]
    if start.startswith(_NAMED_DELIMITER) and lines_of(start)[0][len(_NAMED_DELIMITER) :] in _DELIMITERS:
        return start[len(_NAMED_DELIMITER)], 1
    return max(_DELIMITERS, key=lambda one: _columns(text, one)), 0


def _columns(text: str, delimiter: str) -> int:
    try:
        return len(next(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True), ()))
    except csv.Error:
        return 0


def _counted(reader: Any, found: list[Finding], before: int) -> Iterator[tuple[int, list[str]]]:
    """Yield each row with the line where it starts; *before* lines were read already.

    The end of what can be read is *found*.
    """
    start = before + 1
    try:
        for cells in reader:
            yield start, cells
            start = before + reader.line_num + 1
    except csv.Error as error:
        found.append(Finding((start,), f"this is no CSV ({quoted(error)})"))


def _json(text: str, written: str, found: list[Finding]) -> list[Row] | dict[str, Any]:
    del found  # what can be read has a mapping or a list as a whole
    try:
        value = json_value(text)
    except Refusal as refusal:
        raise Refusal(f"names `{written}`, which {refusal.text}", refusal.hint) from None
    if isinstance(value, list):
        return [Row(0, item) for item in value]
    if not isinstance(value, dict):
        raise Refusal(f"names `{written}`, which holds neither a list nor a mapping")
    return value


def _json_lines(text: str, written: str, found: list[Finding]) -> list[Row]:
    del written
    rows = []
    for number, line in enumerate(lines_of(text), start=1):
        if line.strip():
            try:
                rows.append(Row(number, json_value(line)))
            except Refusal as refusal:
                found.append(Finding((number,), f"this line {refusal.text}", refusal.hint))
    return rows


def json_value(text: str) -> Any:
    """Return the value of the JSON *text*, also of one in a cell.

    Raises Refusal for what is no JSON, for a name that an object has twice, and for the character NUL.
    """
    try:
        value = msgspec.json.decode(text)
        json.loads(text, object_pairs_hook=_names_once)  # msgspec takes the last of two equal names
    except _NameTwice as twice:
        raise Refusal(f"has the name `{cut(str(twice))}` twice in one object", "keep one of them") from None
    except (ValueError, RecursionError) as error:
        raise Refusal(f"is no JSON: {json_fault(text, error)}") from error
    if "\\u0000" in text and _has_nul(value):
        raise Refusal("holds the character NUL (U+0000)", "remove it")
    return value


class _NameTwice(Exception):
    """An object has this name twice."""


def _names_once(pairs: list[tuple[str, Any]]) -> None:
    if (twice := _twice([name for name, _ in pairs])) is not None:
        raise _NameTwice(twice)


def _twice(names: list[str]) -> str | None:
    """Return the first of *names* that stands there again, or None."""
    if len(set(names)) < len(names):  # seldom, and found fast
        known: set[str] = set()
        for name in names:
            if name in known:
                return name
            known.add(name)
    return None


def _has_nul(value: Any) -> bool:
    if isinstance(value, dict):
        return any(map(_has_nul, value)) or any(map(_has_nul, value.values()))
    return any(map(_has_nul, value)) if isinstance(value, list) else isinstance(value, str) and _NUL in value


_FORMATS: Final = {
    ".csv": _csv,
    ".tsv": _csv,
    ".txt": _csv,  # the format "Unicode Text" of Excel
    ".json": _json,
    ".jsonl": _json_lines,
}
