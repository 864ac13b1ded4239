"""Slots for what may run at once, of which there may be more or fewer later."""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import suppress


class Slots:
    """At most *limit* slots are taken at once; who waits gets one in the order of asking.

    anyio's `CapacityLimiter` does the same, at another turn of the event loop for each slot and at the time
    of its import. asyncio's `Semaphore` cannot shrink.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._taken = 0
        self._waiting: deque[asyncio.Future[None]] = deque()

    async def acquire(self) -> None:
        """Take a slot, once one is free."""
        if self._taken < self.limit and not self._waiting:
            self._taken += 1
            return
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            await turn
        except BaseException:
            if turn.done() and not turn.cancelled():  # it came together with the cancellation
                self.release()
            with suppress(ValueError):
                self._waiting.remove(turn)
            raise

    def release(self) -> None:
        """Give a slot back."""
        self._taken -= 1
        self._hand_on()

    def resize(self, limit: int) -> None:
        """Have *limit* slots from now on; those that are taken already stay so until they are given back."""
        self.limit = limit
        self._hand_on()

    def _hand_on(self) -> None:
        while self._waiting and self._taken < self.limit:
            turn = self._waiting.popleft()
            if not turn.done():  # else its task was cancelled
                self._taken += 1
                turn.set_result(None)
