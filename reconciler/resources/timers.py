"""Infer the timers of a conversation from replies.

A reply shows when a timer runs out, not its length. A message or a change started it last, at a moment that
is not shown either: after the latest date, if dates are true, and before the reply.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final, Literal

from reconciler.model import ConversationView, RemoteConversation
from reconciler.model.canonical import canonical_date, canonical_duration, duration_seconds

TIMERS: Final[Mapping[str, Literal["date_inactive", "date_closed"]]] = {
    "timers_inactive": "date_inactive",
    "timers_closed": "date_closed",
}
"""The name of each timer, and the field of a reply with the moment at which it runs out."""


_SLACK: Final = 60
"""Seconds by which the clocks of a server may disagree."""


_MINUTE: Final = 60


_HOUR: Final = 3_600


_DAY: Final = 86_400


def contradicted(view: ConversationView, declared: Mapping[str, str], read_at: str) -> dict[str, str]:
    """Return the timers that certainly differ from *declared*, with their likely length; "" means no timer.

    An empty value in *declared* means that only presence can be compared: the manifest gives no length.
    *read_at* is the moment of the reply by the server's clock, or empty if that is not known.
    """
    live = view.remote
    if live is None or live.timers is None:
        return {}
    found = {}
    for name in TIMERS:  # not the names of a set, whose order is another one in each process
        if name not in declared or not _is_running(live, name):
            continue
        wanted, due = duration_seconds(declared[name]), _moment(live.timers.get(TIMERS[name]))
        if due is None:
            found[name] = ""
        if due is None or wanted is None:
            continue
        least = due - (_moment(read_at) or due)
        most = due - max(_dates(view, read_at), default=due - wanted)
        if not least - _SLACK <= wanted <= most + _SLACK:
            found[name] = canonical_duration(_likely(view, due, read_at))
    return found


def worked_out(view: ConversationView, read_at: str) -> dict[str, str]:
    """Return the timers whose length can be inferred from dates: those of a round length."""
    live = view.remote
    if live is None or live.timers is None:
        return {}
    found = {}
    for name, shown in TIMERS.items():
        due = _moment(live.timers.get(shown))
        if due is not None and (seconds := _round(_likely(view, due, read_at))):
            found[name] = canonical_duration(seconds)
    return found


def _is_running(live: RemoteConversation, name: str) -> bool:
    return live.state == "active" or (live.state == "inactive" and name == "timers_closed")


def _likely(view: ConversationView, due: int, read_at: str) -> int:
    """Return the length of a timer in seconds if nothing happened after the latest date."""
    live = view.remote
    changed = _moment(live.date_updated) if live is not None else None
    dates = [date for date in (*_dates(view, read_at), changed) if date is not None and date < due]
    return due - max(dates, default=due)


def _dates(view: ConversationView, until: str) -> list[int]:
    """Return the dates of creation of the conversation and its messages, up to *until*."""
    live = view.remote
    texts = [live.date_created if live is not None else None]
    texts += [message.date_created for message in view.messages.values()]
    latest = _moment(until)
    dates = [_moment(text) for text in texts]
    return [date for date in dates if date is not None and (latest is None or date <= latest)]


def _round(seconds: int) -> int:
    """Return the round length that *seconds* exceeds by little, else 0.

    The last message may have come a moment after the latest date.
    """
    if seconds < _HOUR:
        unit = _MINUTE
    elif seconds < _DAY:
        unit = 5 * _MINUTE
    else:
        unit = _HOUR if seconds < 7 * _DAY else _DAY
    over = (seconds + 1) % unit
    return seconds + 1 - over if over <= min(unit // 6, _MINUTE) else 0


def _moment(text: str | None) -> int | None:
    """Return the date *text* of the server as seconds since 1970, or None if it is no date."""
    try:
        return int(datetime.fromisoformat(canonical_date(text) or "").timestamp())
    except ValueError:
        return None
