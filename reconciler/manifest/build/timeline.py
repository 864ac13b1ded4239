"""Relative times: the start of a conversation, and the time between its messages."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

from msgspec.structs import replace

from reconciler.manifest.build import fields as conversion
from reconciler.manifest.diagnostics.findings import Finding, Loc, Refusal
from reconciler.manifest.diagnostics.subjects import noun_of
from reconciler.model import UTC_NAMES, Message, Moment, Timeline

_DAY: Final = 86_400


_UNITS: Final = {"s": 1, "m": 60, "h": 3_600, "d": _DAY, "w": 7 * _DAY}
"""Seconds of each unit of a span."""


_SPAN: Final = r"(?:\d{1,6}[smhdw])+"


_CLOCK: Final = r"(?P<hour>[01]\d|2[0-3]):(?P<minute>[0-5]\d)(?::(?P<second>[0-5]\d))?"


_START: Final = re.compile(rf"(?:now|today|(?P<sign>[-+])(?P<span>{_SPAN}))(?: {_CLOCK})?", re.ASCII)


_AT: Final = re.compile(rf"\+(?P<span>{_SPAN})(?: {_CLOCK})?", re.ASCII)
_LOCAL_NAMES: Final = re.compile(r"(?:localtime|posixrules|Factory)\Z|(?:posix|right)/")
"""Names beside the time zones of a system whose meaning differs from machine to machine."""
_STEP: Final = re.compile(_SPAN, re.ASCII)


def timeline(fields: dict[str, Any], noun: str, loc: Loc, found: list[Finding]) -> Timeline:
    """Return the timeline of the conversation *noun*, and add what is wrong with it to *found*."""
    values: dict[str, Any] = {"written": ""}
    for name, read in (("start", _start), ("zone", _zone), ("step", _step)):
        if name in fields:
            try:
                values |= read(fields[name])
            except Refusal as refusal:
                text = f"`timeline.{name}` of {noun} {refusal.text}"
                found.append(Finding((*loc, name), text, refusal.hint))
    return Timeline(**values)


def timed(
    messages: Sequence[Message],
    items: Sequence[dict[str, Any]],
    when: Timeline | None,
    loc: Loc,
    found: list[Finding],
) -> tuple[Message, ...]:
    """Return *messages* with the times of the *items* that they were built from; add mistakes to *found*.

    On the timeline *when*, a message without a time of its own comes one step after the message before it.
    """
    result: list[Message] = []
    begun = False
    for position, (message, fields) in enumerate(zip(messages, items, strict=True)):
        after = None
        if "at" in fields:
            try:
                after = _at(fields, when)
            except Refusal as refusal:
                text = f"`at` of {noun_of((*loc, position), fields)} {refusal.text}"
                found.append(Finding((*loc, position, "at"), text, refusal.hint))
        elif when is not None and "date_created" not in fields:
            after = Moment(seconds=when.step if begun else 0)
        begun = begun or after is not None
        result.append(message if after is None else replace(message, after=after))
    return tuple(result)


def _at(fields: dict[str, Any], when: Timeline | None) -> Moment:
    written = fields["at"]
    if when is None:
        raise Refusal("needs a timeline", "give the conversation one: `timeline: {start: -3d 09:00}`")
    if "date_created" in fields:
        raise Refusal("stands beside `date_created`", "keep one of them")
    match = _AT.fullmatch(written)
    if match is None:
        raise Refusal(
            f"is no time after another message: `{written[:40]}`",
            "write it like `+35s`, `+1h30m` or `+1d 09:15`",
        )
    return _moment(match, 1)


def _start(written: str) -> dict[str, Any]:
    match = _START.fullmatch(written)
    if match is not None:
        if written.startswith("today") and match["hour"] is None:
            raise Refusal("is a day without a time: `today`", "write it like `today 09:00`, or `now`")
        if written.startswith("now") and match["hour"] is not None:
            raise Refusal(f"is no time: `{written}`", f"write `{written.replace('now', 'today')}`")
        return {"written": written, "start": _moment(match, -1 if match["sign"] == "-" else 1)}
    try:
        return {"written": written, "fixed": conversion.instant(written)}
    except Refusal as refusal:
        raise Refusal(
            refusal.text, "write it like `-3d 09:00`, `-2h`, `now`, `today 09:00` or `2026-01-05T09:00:00Z`"
        ) from refusal


def _zone(written: str) -> dict[str, Any]:
    if written in UTC_NAMES:
        return {"zone": written}
    from zoneinfo import ZoneInfo  # noqa: PLC0415 - few manifests name a zone

    if _LOCAL_NAMES.match(written):
        raise Refusal(
            f"names no time zone, but what one machine takes for it: `{written[:40]}`",
            "write it like `Europe/Berlin`",
        )
    try:
        ZoneInfo(written)
    except (LookupError, ValueError, OSError) as error:
        raise Refusal(
            f"names no time zone that is known here: `{written[:40]}`",
            "write it like `Europe/Berlin`; where the system has no time zones, install the package `tzdata`",
        ) from error
    return {"zone": written}


def _step(written: str) -> dict[str, Any]:
    if not _STEP.fullmatch(written):
        raise Refusal(f"is no length of time: `{written[:40]}`", "write it like `40s` or `1h30m`")
    return {"step": _seconds(written)}


def _moment(match: re.Match[str], sign: int) -> Moment:
    seconds = sign * _seconds(match.groupdict().get("span") or "")
    if match["hour"] is None:
        return Moment(seconds=seconds)
    if seconds % _DAY:
        raise Refusal(
            f"has a time of day, but no whole days before it: `{match[0]}`",
            "count in `d` and `w`, as in `-3d 09:00`",
        )
    clock = int(match["hour"]) * 3_600 + int(match["minute"]) * 60 + int(match["second"] or 0)
    return Moment(days=seconds // _DAY, clock=clock)


def _seconds(span: str) -> int:
    return sum(int(part[:-1]) * _UNITS[part[-1]] for part in re.findall(r"\d+[smhdw]", span))
