"""Transcripts: messages out of a CSV, JSON or JSON Lines file, one a row. Nothing in them is a reference."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec import Struct

from reconciler.foreign import json_fault
from reconciler.manifest.data_files import Row, read_rows
from reconciler.manifest.findings import Refusal
from reconciler.manifest.wording import cut
from reconciler.suggestions import close_to

COLUMNS: Final = ("key", "author", "body", "attributes", "date_created", "at")
_HINT: Final = f"columns are {', '.join(COLUMNS)}"


class Line(Struct, frozen=True):
    """One message of a transcript: its *fields*, and the *line* of the file *path* that says them."""

    path: str
    line: int
    fields: dict[str, Any]


def read_transcript(folder: Path, written: str, key: str | None) -> list[Line]:
    """Return the messages of the file *written*, relative to *folder*.

    They are called by the column *key*, else by the column `key`, else by their position, from 1. Raises
    Refusal for a file that cannot be read, an unknown column, and a row without its key.
    """
    rows = read_rows(folder, written)
    if isinstance(rows, dict):
        raise Refusal(f"names `{written}`, which holds no list")
    named = key or "key"
    by_position = key is None and not any(isinstance(row.value, dict) and named in row.value for row in rows)
    path = str(folder / written)
    return [
        Line(path, row.line, _fields(row, position, written, None if by_position else named))
        for position, row in enumerate(rows, start=1)
    ]


def _fields(row: Row, position: int, written: str, named: str | None) -> dict[str, Any]:
    where = f"`{written}`, whose line {row.line}" if row.line else f"`{written}`, whose item {position}"
    if not isinstance(row.value, dict):
        raise Refusal(f"names {where} is no mapping", _HINT)
    # an empty cell says nothing: CSV has no other way to leave out a field
    given = {name: value for name, value in row.value.items() if value not in ("", None)}
    fields: dict[str, Any] = {}
    if named is None:
        fields["key"] = str(position)
    elif named in given:
        fields["key"] = str(given[named])
    else:
        raise Refusal(f"names {where} has no `{cut(named)}`", "give each row a key, or none")
    for name, value in row.value.items():
        if name not in COLUMNS and name != named:
            meant = close_to(name, COLUMNS)
            raise Refusal(
                f"names {where} has an unknown column: `{cut(name)}`",
                f"did you mean `{meant}`?" if meant else _HINT,
            )
        if name in given and name not in {"key", named}:
            fields[name] = _attributes(value, where) if name == "attributes" else value
    return fields


def _attributes(value: Any, where: str) -> Any:
    """Return attributes as JSON; those of a CSV file are its text."""
    if not isinstance(value, str):
        return value
    try:
        return msgspec.json.decode(value)
    except (ValueError, RecursionError) as error:
        raise Refusal(f"names {where} has attributes that are no JSON: {json_fault(value, error)}") from error
