"""Doubts about allowed values: numbers that lose digits or signs, and perhaps are texts.

They stand in attributes, in `for_each`, and in defaults of variables without a `type`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from reconciler.manifest.diagnostics.findings import Loc
from reconciler.manifest.diagnostics.subjects import noun_of, record_of
from reconciler.manifest.yaml.positions import Positions, read_closely
from reconciler.manifest.yaml.scalars import loses_digits
from reconciler.model import Doubt
from reconciler.runtime.text_file import decoded

_OPEN: Final = frozenset({("attributes",), ("for_each",)})
"""The fields whose values may be of any kind."""


def doubts_of(data: bytes, path: str) -> tuple[Doubt, ...]:
    """Return a doubt for each field of the sound manifest *data* that has such numbers.

    It has the position of the first of them.
    """
    positions = read_closely(decoded(data))
    first: dict[tuple[str, ...], Loc] = {}
    more: dict[tuple[str, ...], int] = {}
    for loc in _lossy(positions):
        field = tuple(part for part in loc[len(record_of(loc)) :] if isinstance(part, str))
        first.setdefault(field, loc)
        more[field] = more.get(field, -1) + 1
    return tuple(_doubt(loc, field, more[field], positions, path) for field, loc in first.items())


def _lossy(positions: Positions) -> Iterator[Loc]:
    for loc, written in positions.plain.items():
        inside = loc[len(record_of(loc)) :]
        is_open = inside[:1] in _OPEN or inside[:2] == ("defaults", "attributes")
        if loc[:1] == ("variables",):
            is_open = "type" not in positions.at(record_of(loc))
        if is_open and type(positions.at(loc)) in (int, float) and loses_digits(written):
            yield loc


def _doubt(loc: Loc, field: tuple[str, ...], more: int, positions: Positions, path: str) -> Doubt:
    position = positions.of(loc)
    record = positions.at(record_of(loc))
    others = f", and {more:,} more" if more else ""
    text = (
        f"`{'.'.join(field)}` of {noun_of(loc, record)} is a number that may lose something by being one, "
        "such as a `+`, a zero in front or digits beyond the 15th: put it in quotes if it is a text "
        f"({path}:{position.line}:{position.column}{others})"
    )
    return Doubt(_address(loc, record), text)


def _address(loc: Loc, record: Any) -> str:
    """Return the address of the message or conversation around *loc*; "" where there is none."""
    names = [str(part) for part in loc[1:4:2]] if loc[:1] == ("services",) else []
    if len(loc) > len(names) * 2 and loc[4:5] == ("messages",) and isinstance(record, dict):
        names.append(str(record.get("key", "")))
    return "/".join(names)
