"""One text for one value, so that equality of values is equality of strings.

Attributes are JSON: booleans are not numbers, `1` equals `1.0`, key order is free. Instants are
whole seconds of UTC, in the form Twilio sends (`2026-01-05T09:00:00Z`). Nothing here does I/O.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import msgspec

_DATE_LENGTH = len("2026-01-05T09:00:00Z")
_AWAITED = re.compile(r"(?:\0|\\u0000)service\.([^\0\\]+)\.sid(?:\0|\\u0000)")
_PLAIN = frozenset({str, int, bool, type(None)})
_ENCODER = msgspec.json.Encoder(order="sorted")


def canonical_json(value: Any) -> str:
    """Return the one JSON text of *value*: sorted keys, no spaces, integral floats as integers."""
    return _ENCODER.encode(_integral(value)).decode()


def awaited_sid(service: str) -> str:
    """Return what stands in a text for the sid of *service* until it is known.

    It holds NUL, as no other text does, whether it is JSON or not.
    """
    return f"\0service.{service}.sid\0"


def with_sids(text: str, sid_of: Callable[[str], str | None]) -> str:
    """Return *text* with awaited sids replaced by what *sid_of* returns for their services, unless None."""
    return _AWAITED.sub(lambda match: sid_of(match[1]) or match[0], text)


def awaited_in(text: str) -> list[str]:
    """Return the services whose sids *text* awaits."""
    return _AWAITED.findall(text)


def canonical_attributes(text: str) -> str:
    """Return the canonical form of JSON *text*; text that is no JSON is returned as it is.

    Text that is no JSON can never equal a canonical text, so it differs from whatever is desired.
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
    except ValueError:
        return text
    return canonical_instant(moment if moment.tzinfo else moment.replace(tzinfo=UTC))


def _integral(value: Any) -> Any:
    """Turn integral floats into integers, so that `1.0` and `1` have one text."""
    if isinstance(value, dict):
        return {key: item if type(item) in _PLAIN else _integral(item) for key, item in value.items()}
    if isinstance(value, list):
        return [item if type(item) in _PLAIN else _integral(item) for item in value]
    if isinstance(value, float):
        return int(value) if value.is_integer() else value
    return value
