"""The clock of the server, as the `Date` of its replies shows it."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

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
        return wire.http_date(self._date or "")

    def now(self) -> str:
        """Return the present in whole seconds of UTC, never later than the server's own clock.

        Dates that the server gives can be compared with it, however our clock is set. Before the first `Date`
        it is the time of our clock.
        """
        date = self.last
        if not date:
            return canonical_instant(datetime.now(UTC))
        passed = asyncio.get_running_loop().time() - self._seen_at
        try:
            return canonical_instant(datetime.fromisoformat(date) + timedelta(seconds=passed))
        except OverflowError:  # beyond the year 9999
            return date
