"""Conversations that somebody said have changed: they are looked at soon, and each once."""

from __future__ import annotations

import asyncio
from threading import Lock


class Hints:
    """The sids of conversations to look at; other threads may mark them.

    A sid is held once however often it is marked. At most *most* are held: beyond that, everything is looked
    at, which is cheaper than many single looks.
    """

    def __init__(self, most: int = 1_000) -> None:
        self._most = most
        self._guard = Lock()
        self._sids: set[str] = set()
        self._too_many = False
        self._wake = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    def attach(self) -> None:
        """Let marks wake the event loop that runs now."""
        self._loop = asyncio.get_running_loop()

    def mark(self, sid: str) -> None:
        """Mark the conversation *sid*; any thread may call this."""
        with self._guard:
            if len(self._sids) >= self._most and sid not in self._sids:
                self._too_many = True
            else:
                self._sids.add(sid)
        self.wake()

    def wake(self) -> None:
        """End the wait of `wait`; any thread may call this."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._wake.set)

    @property
    def waiting(self) -> bool:
        """Whether anything is marked."""
        return bool(self._sids) or self._too_many

    def take(self) -> frozenset[str] | None:
        """Return what is marked, and forget it; None means everything."""
        with self._guard:
            taken = None if self._too_many else frozenset(self._sids)
            self._sids.clear()
            self._too_many = False
        return taken

    def put_back(self, taken: frozenset[str] | None) -> None:
        """Mark again what `take` returned, as it could not be looked at; nobody is woken."""
        with self._guard:
            self._sids |= taken or frozenset()
            self._too_many = self._too_many or taken is None or len(self._sids) > self._most

    async def wait(self) -> None:
        """Return once something is marked, or `wake` is called."""
        await self._wake.wait()
        self._wake.clear()
