"""Slots for requests: at most so many at once, given by priority.

The conversation with the longest chain of remaining creates goes first: they can only follow one another, so
that chain decides when everything is done.
"""

from __future__ import annotations

import asyncio
from heapq import heappop, heappush
from itertools import count


class Slots:
    """At most *limit* holders of a slot at once. A free one goes to the waiter with the highest priority."""

    def __init__(self, limit: int) -> None:
        self._free = limit
        self._order = count()
        self._waiting: list[tuple[int, int, asyncio.Future[None]]] = []

    def slot(self, priority: int) -> _Turn:
        """Return a context that waits for a slot and holds it.

        *priority* is the length of the chain of requests that begins here.
        """
        return _Turn(self, priority)

    async def acquire(self, priority: int) -> None:
        """Take a slot, once one is free and nobody of a higher priority waits for it."""
        if self._free and not self._waiting:
            self._free -= 1
            return
        granted = asyncio.get_running_loop().create_future()
        heappush(self._waiting, (-priority, next(self._order), granted))
        try:
            await granted
        except asyncio.CancelledError:
            if granted.done() and not granted.cancelled():
                self.release()  # it was granted in the moment of the cancellation
            raise

    def release(self) -> None:
        """Give a slot back."""
        # Granted in the next step of the loop, so that the last holder can compete for it too.
        self._free += 1
        asyncio.get_running_loop().call_soon(self._grant)

    def _grant(self) -> None:
        while self._free and self._waiting:
            granted = heappop(self._waiting)[2]
            if not granted.done():
                granted.set_result(None)
                self._free -= 1


class _Turn:
    """A slot, held as long as a block runs: what a generator would do, at a third of its cost."""

    def __init__(self, slots: Slots, priority: int) -> None:
        self._slots = slots
        self._priority = priority

    async def __aenter__(self) -> None:
        await self._slots.acquire(self._priority)

    async def __aexit__(self, *raised: object) -> None:
        self._slots.release()
