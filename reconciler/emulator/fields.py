"""Read one parameter of a request, or refuse it with Twilio's code."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import Any, Final, TypeAlias

import msgspec

from reconciler.emulator.decisions import NAME_CHARACTERS
from reconciler.emulator.errors import ApiError

Fields: TypeAlias = Mapping[str, str]
"""Request parameters by Twilio's names: `{"Body": "Hi", "Timers.Inactive": "PT10M"}`."""

_INSTANT: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:?\d\d)?", re.ASCII)
_DURATION: Final = re.compile(
    r"P(?=.)(?:(\d{1,6})W)?(?:(\d{1,6})D)?(?:T(?=.)(?:(\d{1,9})H)?(?:(\d{1,9})M)?(?:(\d{1,9})S)?)?", re.ASCII
)
_DEEPEST: Final = 1_000
"""Depth of lists and objects at most: about the limit of older releases of Python."""
CENTURY: Final = 100 * 365 * 86_400
_SECONDS: Final = (604_800, 86_400, 3_600, 60, 1)
_SID: Final = {
    prefix: re.compile(prefix + "[0-9a-fA-F]{32}", re.ASCII)
    for prefix in ("AC", "CH", "FW", "HX", "IS", "ME", "MG", "RL", "SK")
}


def is_sid(prefix: str, text: str) -> bool:
    """Return whether *text* is a SID with *prefix*."""
    return _SID[prefix].fullmatch(text) is not None


def sid(fields: Fields, name: str, prefix: str, *, code: int = 20001) -> str | None:
    """Return a SID parameter."""
    text = fields.get(name)
    if text is not None and not is_sid(prefix, text):
        raise ApiError(code, f"Invalid parameter: {name}")
    return text


def stamp(instant: datetime) -> str:
    """Return *instant* as every reply shows it: whole seconds, UTC, `Z`."""
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ").rjust(20, "0")


def date(fields: Fields, name: str) -> str | None:
    """Return a date parameter as replies show it; fractions of a second are cut."""
    text = fields.get(name)
    if text is None:
        return None
    code, label = (50308, "Date Created") if name == "DateCreated" else (50309, "Date Updated")
    wrong = ApiError(code, f"Invalid {label} parameter")
    if not _INSTANT.fullmatch(text):
        raise wrong
    try:
        instant = datetime.fromisoformat(text)
        return stamp(instant if instant.tzinfo else instant.replace(tzinfo=UTC))
    except (ValueError, OverflowError):
        raise wrong from None


def attributes(fields: Fields, limit: int) -> str | None:
    """Return `Attributes` as it was sent: JSON of at most *limit* bytes."""
    text = fields.get("Attributes")
    if text is None:
        return None
    if len(text.encode()) > limit:
        raise ApiError(50303, "Attributes too long")
    wrong = ApiError(50304, "Attributes not valid JSON")
    try:
        value = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        raise wrong from None
    if _is_deep(value):
        raise wrong
    return text


def _is_deep(value: Any) -> bool:
    """Return whether *value* is nested deeper than every release of Python can parse."""
    level = [value]
    for _ in range(_DEEPEST):
        containers = [one for one in level if isinstance(one, dict | list)]
        if not containers:
            return False
        level = [child for one in containers for child in (one.values() if isinstance(one, dict) else one)]
    return True


def name(fields: Fields, parameter: str, code: int, message: str) -> str | None:
    """Return a short text: a friendly name, a unique name, an author, an identity."""
    text = fields.get(parameter)
    if text is not None and len(text) > NAME_CHARACTERS:
        raise ApiError(code, message)
    return text


def seconds(fields: Fields, parameter: str, *, least: int, wrong: ApiError, short: ApiError) -> int | None:
    """Return an ISO 8601 duration in seconds; *wrong* and *short* are the codes of its refusals."""
    text = fields.get(parameter)
    if text is None:
        return None
    match = _DURATION.fullmatch(text)
    total = 0
    if match is not None:
        total = sum(int(part) * unit for part, unit in zip(match.groups("0"), _SECONDS, strict=True))
    if match is None or total > CENTURY:
        raise wrong
    if total < least:
        raise short
    return total


def timers(fields: Fields) -> dict[str, int | None]:
    """Return the timers of a conversation in seconds, by the names of their columns."""
    return {
        "inactive_after": seconds(
            fields,
            "Timers.Inactive",
            least=60,
            wrong=ApiError(50379, "TimeToInactive format is invalid"),
            short=ApiError(50375, "TimeToInactive should be greater or equal to 1 minute"),
        ),
        "closed_after": seconds(
            fields,
            "Timers.Closed",
            least=600,
            wrong=ApiError(50380, "TimeToClosed format is invalid"),
            short=ApiError(50376, "TimeToClosed should be greater or equal to 10 minutes"),
        ),
    }


def choice(fields: Fields, name: str, known: Collection[str], code: int = 20001) -> str | None:
    """Return a parameter that has one of the *known* values."""
    text = fields.get(name)
    if text is not None and text not in known:
        raise ApiError(code, f"Invalid parameter: {name}")
    return text


def flag(fields: Fields, name: str) -> bool | None:
    """Return a parameter that is `true` or `false`."""
    text = choice({name: fields[name].lower()} if name in fields else {}, name, ("true", "false"))
    return None if text is None else text == "true"
