"""Read transcripts: CSV, JSON or JSON Lines files, a message in each row. Nothing in them is a reference."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from msgspec import Struct

from reconciler.manifest.diagnostics.findings import FileRefusal, Finding, Loc, Refusal
from reconciler.manifest.expansion.data_files import Row, json_value, path_of, read_rows
from reconciler.manifest.schema.parts import COLUMNS
from reconciler.text.suggestions import close_to
from reconciler.text.words import cut

_NAMES: Final = tuple(COLUMNS.fields)


_HINT: Final = f"columns are {', '.join(_NAMES)}; name others by `columns: {{author: from, body: text}}`"


_MOST_NAMED: Final = 20
"""Most columns that one sentence names."""


_UNIX_TIME: Final = re.compile(r"(\d{10})(?:\d{3}|\.\d+)?")
"""A time as chat tools export it: seconds since 1970, also with a fraction, or milliseconds."""


_OF_COLUMNS: Final = frozenset(("author", "body"))
"""Fields that are texts even where an export has a number."""


class Line(Struct, frozen=True):
    """One message of a transcript."""

    path: str
    """The transcript."""
    loc: Loc
    """The line of the message (from 1), or in a JSON file the location of its object."""
    fields: dict[str, Any]
    """The fields of the message, as a manifest has them."""
    columns: Mapping[str, str] = {}
    """The names of columns by field, where they are not the same."""

    def loc_of(self, field: str | int) -> Loc:
        """Return the location of *field*."""
        column = self.columns.get(str(field))
        return (*self.loc, *((field,) if column is None else column.split(".")))


def read_transcript(
    folder: Path, written: str, key: str | None = None, columns: Mapping[str, str] | None = None
) -> list[Line]:
    """Return the messages of the file *written*, relative to *folder*.

    *columns* gives the names of columns by field. A field that it lacks is in the column of its own name, and
    every other column is ignored. Without *columns*, an unknown column is refused. A name `a.b` that no
    column has is the field `b` of the object in column `a`.

    The column *key* gives the keys of the messages; else the column of the field `key`; else their positions,
    from 1.

    Raises Refusal for a file that cannot be read and for unknown columns, and FileRefusal for all rows that
    are wrong.
    """
    found = read_rows(folder, written)
    base, rows = _only_list(found, written) if isinstance(found, dict) else ((), found)
    path = path_of(folder, written)
    wrong = [
        Finding((*base, *row.loc(position)), "this is no mapping", _HINT)
        for position, row in enumerate(rows)
        if not isinstance(row.value, dict)
    ]
    if wrong:
        raise FileRefusal(path, wrong)
    named = {**(columns or {}), **({"key": key} if key is not None else {})}
    taken = set(named.values())
    sources = {name: name for name in _NAMES if name not in taken} | named
    if columns is None:
        _refuse_unknown({*_NAMES, *taken}, rows, written)
    for field, column in named.items():
        if rows and not any(_has(row.value, column) for row in rows):
            raise _missing(field, column, rows, written)
    is_keyed = "key" in named or ("key" in sources and any("key" in row.value for row in rows))
    lines = []
    for position, row in enumerate(rows):
        loc = (*base, *row.loc(position))
        try:
            fields = _fields(row.value, sources, frozenset(columns or ()))
        except Refusal as refusal:
            wrong.append(Finding(loc, refusal.text, refusal.hint))
            continue
        if not is_keyed:
            fields["key"] = str(position + 1)
        elif "key" not in fields:
            text = f"this row has no `{cut(sources['key'])}`"
            wrong.append(Finding(loc, text, "give each row a key, or none"))
        lines.append(Line(path, loc, fields, named))
    if wrong:
        raise FileRefusal(path, wrong)
    return lines


def _only_list(value: dict[str, Any], written: str) -> tuple[Loc, list[Row]]:
    """Return location and rows of the only list of objects in *value*, which exports wrap in objects."""
    level: list[tuple[Loc, dict[str, Any]]] = [((), value)]
    while level:
        inside = [((*loc, name), one) for loc, holder in level for name, one in holder.items()]
        lists = [(loc, one) for loc, one in inside if _is_rows(one)]
        if len(lists) == 1:
            return lists[0][0], [Row(0, item) for item in lists[0][1]]
        if lists:
            names = ", ".join(f"`{cut(str(loc[-1]))}`" for loc, _ in lists[:_MOST_NAMED])
            raise Refusal(
                f"names `{written}`, which holds several lists: {names}", "keep the one of messages"
            )
        level = [(loc, one) for loc, one in inside if isinstance(one, dict)]
    raise Refusal(f"names `{written}`, which holds no list")


def _is_rows(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(item, dict) for item in value)


def _where(row: Row, position: int, written: str, line: int = 0) -> str:
    line = line or row.line
    return f"`{written}`, whose line {line}" if line else f"`{written}`, whose item {position}"


def _refuse_unknown(known: set[str], rows: list[Row], written: str) -> None:
    unknown: dict[str, str] = {}
    """By the name of an unknown column: the first row that has it."""
    for position, row in enumerate(rows, start=1):
        if row.value.keys() - known:
            where = _where(row, position, written, row.head)
            unknown |= {name: where for name in row.value if name not in known and name not in unknown}
    if len(unknown) == 1:
        ((name, where),) = unknown.items()
        meant = close_to(name, _NAMES)
        hint = f"did you mean `{meant}`?" if meant else _HINT
        raise Refusal(f"names {where} has an unknown column: `{cut(name)}`", hint)
    if unknown:
        names = ", ".join(f"`{cut(name)}`" for name in list(unknown)[:_MOST_NAMED])
        more = f" and {len(unknown) - _MOST_NAMED:,} more" if len(unknown) > _MOST_NAMED else ""
        raise Refusal(f"names `{written}`, which has unknown columns: {names}{more}", _HINT)


def _missing(field: str, column: str, rows: list[Row], written: str) -> Refusal:
    names = list(dict.fromkeys(name for row in rows for name in row.value))
    meant = close_to(column, names)
    known = ", ".join(f"`{cut(name)}`" for name in names[:_MOST_NAMED])
    return Refusal(
        f"names `{written}`, which has no column `{cut(column)}` for `{field}`",
        f"did you mean `{meant}`?" if meant else f"its columns are {known}",
    )


def _has(row: dict[str, Any], column: str) -> bool:
    return column in row or _value(row, column) is not None


def _value(row: dict[str, Any], column: str) -> Any:
    """Return the value of *row* in *column*, which may be a path `a.b`; None where there is none."""
    if column in row:
        return row[column]
    value: Any = row
    for part in column.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return value


def _fields(row: dict[str, Any], sources: Mapping[str, str], named: frozenset[str]) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for name, column in sources.items():
        value = _value(row, column) if name in named else row.get(column)
        if value in ("", None):  # an empty cell is the only way in which CSV can leave out a field
            continue
        if name == "attributes":
            value = _attributes(value)
        elif name == "date_created":
            value = _instant(value)
        elif name == "key" or (name in named & _OF_COLUMNS and type(value) is int):
            value = str(value)
        fields[name] = value
    return fields


def _instant(value: Any) -> Any:
    """Return the timestamp of a Unix time; any other value is returned unchanged."""
    match = None if isinstance(value, bool) else _UNIX_TIME.fullmatch(str(value))
    return value if match is None else f"{datetime.fromtimestamp(int(match[1]), UTC):%Y-%m-%dT%H:%M:%SZ}"


def _attributes(value: Any) -> Any:
    """Return the attributes *value* as a JSON value; a text, as CSV has it, is decoded."""
    if not isinstance(value, str):
        return value
    try:
        return json_value(value)
    except Refusal as refusal:
        raise Refusal(f"the text of `attributes` {refusal.text}", refusal.hint) from None
