"""Who may send the next request, where more want to than may.

The conversation with the most left to do goes first: its creates can only follow one another, so
it decides when all is done.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from heapq import heappop, heappush
from itertools import count


class Slots:
    """At most *limit* turns at once; of those who wait, the one with the longest way to go is next."""

    def __init__(self, limit: int) -> None:
        self._free = limit
        self._order = count()
        self._waiting: list[tuple[int, int, asyncio.Future[None]]] = []

    @asynccontextmanager
    async def slot(self, priority: int) -> AsyncIterator[None]:
        """Wait for a turn and hold it; *way* is how many requests in a row begin with this one."""
        await self._acquire(priority)
        try:
            yield
        finally:
            self._release()

    async def _acquire(self, priority: int) -> None:
        if self._free and not self._waiting:
            self._free -= 1
            return
        granted = asyncio.get_running_loop().create_future()
        heappush(self._waiting, (-priority, next(self._order), granted))
        try:
            await granted
        except asyncio.CancelledError:
            if granted.done() and not granted.cancelled():
                self._release()  # it was given in the very moment in which nobody wanted it any more
            raise

    def _release(self) -> None:
        # Given away a moment later, so that who had the turn can ask for the next one too.
        self._free += 1
        asyncio.get_running_loop().call_soon(self._grant)

    def _grant(self) -> None:
        while self._free and self._waiting:
            granted = heappop(self._waiting)[2]
            if not granted.done():
                granted.set_result(None)
                self._free -= 1
