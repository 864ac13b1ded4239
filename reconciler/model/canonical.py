"""Canonical texts: one text for one value, so that equality of values is equality of strings.

Attributes are JSON: booleans are not numbers, `1` equals `1.0`, key order is free. Instants are
whole seconds of UTC, in the form Twilio sends (`2026-01-05T09:00:00Z`). Nothing here does I/O.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

_DATE_LENGTH = len("2026-01-05T09:00:00Z")


_PLAIN = frozenset({str, int, bool, type(None)})


# A text, which `re` compiles when it is used first: few commands need it.
_DURATION: Final = (
    r"(?a)P(?:(?P<weeks>\d{1,6})W|(?:(?P<days>\d{1,6})D)?"
    r"(?:T(?:(?P<hours>\d{1,6})H)?(?:(?P<minutes>\d{1,6})M)?(?:(?P<seconds>\d{1,9})S)?)?)"
)


_SECONDS: Final = {"weeks": 604_800, "days": 86_400, "hours": 3_600, "minutes": 60, "seconds": 1}


_ENCODER = msgspec.json.Encoder(order="sorted")


def canonical_json(value: Any) -> str:
    """Return the one JSON text of *value*: sorted keys, no spaces, integral floats as integers."""
    if type(value) is not dict or not _PLAIN.issuperset(map(type, value.values())):
        value = _integral(value)
    return _ENCODER.encode(value).decode()


def canonical_attributes(text: str) -> str:
    """Return the canonical form of JSON *text*; text that is no JSON is returned as it is.

    Text that is no JSON never equals a canonical text, so it differs from every desired value.
    """
    try:
        return canonical_json(msgspec.json.decode(text))
    except (ValueError, RecursionError):
        return text


def canonical_instant(moment: datetime) -> str:
    """Return *moment* (which must have an offset) in whole seconds of UTC; fractions are cut."""
    return moment.astimezone(UTC).replace(microsecond=0, tzinfo=None).isoformat() + "Z"


def canonical_date(text: str | None) -> str | None:
    """Return a date the server sent in canonical form; a text that is no date stays as it is."""
    if text is None or (len(text) == _DATE_LENGTH and text[-1] == "Z"):
        return text
    try:
        moment = datetime.fromisoformat(text)
        return canonical_instant(moment if moment.tzinfo else moment.replace(tzinfo=UTC))
    except (ValueError, OverflowError):  # no date, or out of the range of UTC
        return text


def duration_seconds(text: str) -> int | None:
    """Return the length of an ISO 8601 duration; None if it is none, or has years or months."""
    match = re.fullmatch(_DURATION, text)
    parts = {name: int(part) for name, part in match.groupdict().items() if part} if match else {}
    if not parts or text.endswith("T"):
        return None
    return sum(count * _SECONDS[unit] for unit, count in parts.items())


def canonical_duration(seconds: int) -> str:
    """Return the ISO 8601 duration of so many seconds: `P30D`, `PT1H30M`."""
    days, rest = divmod(seconds, _SECONDS["days"])
    hours, rest = divmod(rest, _SECONDS["hours"])
    minutes, rest = divmod(rest, _SECONDS["minutes"])
    clock = "".join(f"{count}{unit}" for count, unit in ((hours, "H"), (minutes, "M"), (rest, "S")) if count)
    day = f"{days}D" if days else ""
    return f"P{day}T{clock}" if clock else f"P{day}" if day else "PT0S"


def _integral(value: Any) -> Any:
    """Turn integral floats into integers, so that `1.0` and `1` have one text."""
    if isinstance(value, dict):
        return {key: item if type(item) in _PLAIN else _integral(item) for key, item in value.items()}
    if isinstance(value, list):
        return [item if type(item) in _PLAIN else _integral(item) for item in value]
    if isinstance(value, float):
        return int(value) if value.is_integer() else value
    return value
