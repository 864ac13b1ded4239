"""Rows out of CSV, JSON and JSON Lines files that lie beside a manifest; nothing in them is a reference."""

from __future__ import annotations

import csv
import io
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec import Struct

from reconciler.foreign import json_fault, quoted
from reconciler.manifest.fields import MB
from reconciler.manifest.findings import Refusal
from reconciler.manifest.media import inside

_LARGEST: Final = 256 * MB
_NUL: Final = (b"\0", b"\\u0000")
"""The character that no text may hold, as it is and as JSON writes it."""


class Row(Struct, frozen=True):
    """One item of a file and its line; 0 where the format has no lines."""

    line: int
    value: Any


def read_rows(folder: Path, written: str) -> list[Row] | dict[str, Any]:
    """Return the rows of the file *written*, or its mapping if it is JSON that holds one.

    Raises Refusal if the file is outside *folder*, cannot be read, or does not hold what its name says.
    """
    path = inside(folder, written)
    read = _FORMATS.get(path.suffix.lower())
    if read is None:
        raise Refusal(
            f"names a file of an unknown kind: `{written}`",
            "its name has to end in `.csv`, `.json` or `.jsonl`",
        )
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):  # who opens a pipe waits for somebody to write to it
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
    if any(nul in data for nul in _NUL):
        raise Refusal(f"names a file that holds the character NUL (U+0000): `{written}`", "remove it")
    try:
        return read(data.decode("utf-8-sig"), written)
    except UnicodeDecodeError as error:
        raise Refusal(f"names a file that is not UTF-8: `{written}`", "save it as UTF-8") from error


def _csv(text: str, written: str) -> list[Row]:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    rows: list[Row] = []
    columns: list[str] | None = None
    for line, cells in _counted(reader, written):
        if not cells:
            continue
        if columns is None:
            columns = cells
            if len(set(columns)) < len(columns) or not all(columns):
                raise Refusal(
                    f"names `{written}`, whose columns are not told apart", "give each column a name"
                )
        elif len(cells) != len(columns):
            raise Refusal(
                f"names `{written}`, whose line {line} has {len(cells)} columns instead of {len(columns)}",
                "put cells that hold commas or line breaks in double quotes",
            )
        else:
            rows.append(Row(line, dict(zip(columns, cells, strict=True))))
    if columns is None:
        raise Refusal(
            f"names `{written}`, which has no first line", "the first line of a CSV file names its columns"
        )
    return rows


def _counted(reader: Any, written: str) -> Iterator[tuple[int, list[str]]]:
    """Yield each row with the line it starts in."""
    start = 1
    try:
        for cells in reader:
            yield start, cells
            start = reader.line_num + 1
    except csv.Error as error:
        raise Refusal(f"names `{written}`, whose line {start} is no CSV ({quoted(error)})") from error


def _json(text: str, written: str) -> list[Row] | dict[str, Any]:
    value = _decoded(text, f"`{written}`, which")
    if isinstance(value, list):
        return [Row(0, item) for item in value]
    if not isinstance(value, dict):
        raise Refusal(f"names `{written}`, which holds neither a list nor a mapping")
    return value


def _json_lines(text: str, written: str) -> list[Row]:
    return [
        Row(number, _decoded(line, f"`{written}`, whose line {number}"))
        for number, line in enumerate(text.split("\n"), start=1)
        if line.strip()
    ]


def _decoded(text: str, whose: str) -> Any:
    try:
        return msgspec.json.decode(text)
    except (ValueError, RecursionError) as error:
        raise Refusal(f"names {whose} is no JSON: {json_fault(text, error)}") from error


_FORMATS: Final = {".csv": _csv, ".json": _json, ".jsonl": _json_lines}
