"""The clock of the server, as the `Date` of its replies shows it."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from reconciler.model.canonical import canonical_instant
from reconciler.twilio import wire


class ServerClock:
    """Tells the time by the `Date` of the last reply and the time since then."""

    def __init__(self) -> None:
        self._date: str | None = None
        self._seen_at = 0.0

    def see(self, date: str | None) -> None:
        """Take the header `Date` of a reply that has just come; None if it has none."""
        if date is not None:
            self._date, self._seen_at = date, asyncio.get_running_loop().time()

    @property
    def last(self) -> str:
        """The `Date` of the last reply, in whole seconds of UTC; empty if no reply had one."""
        seen = wire.http_moment(self._date)
        return canonical_instant(seen) if seen is not None else ""

    def now(self) -> str:
        """Return the present in whole seconds of UTC, never later than the server's own clock.

        Dates that the server gives can be compared with it, however our clock is set. Before the first `Date`
        it is the time of our clock.
        """
        seen = wire.http_moment(self._date)
        if seen is None:
            return canonical_instant(datetime.now(UTC))
        return _after(seen, int(asyncio.get_running_loop().time() - self._seen_at))


@lru_cache(8)
def _after(seen: datetime, seconds: int) -> str:
    """Return the moment whole *seconds* after *seen*; each create of that second asks for it."""
    try:
        return canonical_instant(seen + timedelta(seconds=seconds))
    except OverflowError:  # beyond the year 9999
        return canonical_instant(seen)
