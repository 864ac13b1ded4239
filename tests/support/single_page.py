"""A page in memory, on a clock of the test, that fails where it is told to."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime
from hashlib import blake2b

from reconciler.state.stores.primitives import CALL_SECONDS, Changed, Held, Sheet
from tests.support.blobs import Trouble, Way, wall


class Server:
    """What is stored; several runs share it, each by its own `MemoryPage`."""

    def __init__(self, *, swaps: bool) -> None:
        self.swaps = swaps
        self.data: bytes | None = None
        self.writes = 0
        self.lock: bytes | None = None


class MemoryPage(Way):
    """One run's way to *server*; each call takes *latency* seconds there and as long back.

    *trouble* is asked for each call, by its name and how often that was called before.
    """

    place = "memory://page"

    def __init__(
        self,
        server: Server,
        *,
        latency: float = 0.0,
        trouble: Callable[[str, int], Trouble | None] = lambda _name, _count: None,
    ) -> None:
        super().__init__(latency, trouble)
        self.server = server
        self._id = ""

    @property
    def swaps(self) -> bool:
        """Whether versions are compared."""
        return self.server.swaps

    async def read(self) -> Sheet:
        """Return the document; a server without comparison gives its date."""

        async def act() -> Sheet:
            date = None if self.swaps else datetime.fromtimestamp(int(wall()), UTC)
            return Sheet(self.server.data, self._version(), date)

        return await self._call("read", act)

    async def replace(self, data: bytes, version: str) -> str:
        """Replace the document; a server with a lock refuses who does not have it."""

        async def act() -> str:
            if self.swaps and version != self._version():
                raise Changed
            if not self.swaps and self._id != id_in(self.server.lock):
                raise Changed
            self.server.data = data
            self.server.writes += 1
            return self._version()

        return await self._call("replace", act)

    async def lock(self, info: bytes) -> None:
        """Take the lock, if this kind has one."""

        async def act() -> None:
            if self.server.lock is not None:
                raise Held(self.server.lock)
            self.server.lock = info

        if not self.swaps:
            await self._call("lock", act)
            self._id = id_in(info)

    async def unlock(self, info: bytes) -> None:
        """Release the lock, if this kind has one."""

        async def act() -> None:
            if not info or id_in(info) == id_in(self.server.lock):
                self.server.lock = None

        if not self.swaps:
            await self._call("unlock", act)

    async def close(self) -> None:
        """Hold nothing open."""

    def _version(self) -> str:
        """Return the version as git makes it: of the content alone."""
        return "" if self.server.data is None else blake2b(self.server.data, digest_size=8).hexdigest()

    async def _later(self, act: Callable[[], Awaitable[object]]) -> None:
        await asyncio.sleep(CALL_SECONDS - 1)
        with suppress(Changed, Held):
            await act()


def id_in(info: bytes | None) -> str:
    """Return the id of a lock; empty for none."""
    return "" if info is None else str(json.loads(info)["ID"])
