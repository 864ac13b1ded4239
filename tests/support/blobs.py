"""Objects in memory, on a clock of the test, that fail where they are told to."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from enum import Enum
from typing import TypeVar

from reconciler.state.stores.primitives import Blob, Changed, Exists, Unheard

T = TypeVar("T")

EPOCH = 1_800_000_000.0
"""The date of the store when the loop's clock is at 0, in seconds since 1970."""
WRITES = frozenset({"create", "swap", "delete"})


class Trouble(Enum):
    """What becomes of one call."""

    LOST_BEFORE = "nothing happens, and no answer arrives"
    LOST_AFTER = "it happens, and no answer arrives"
    LATE = "no answer arrives, and it happens 20 s later"


class Objects:
    """What is stored; several runs share it, each by its own `MemoryBlobs`."""

    def __init__(self) -> None:
        self.blobs: dict[str, Blob] = {}
        self.versions = 0

    def put(self, name: str, data: bytes, now: float) -> str:
        """Store an object, dated as stores do: in whole seconds."""
        self.versions += 1
        etag = f'"{self.versions}"'
        self.blobs[name] = Blob(data, etag, datetime.fromtimestamp(int(now), UTC))
        return etag


class Way:
    """One run's way to a store; each call takes *latency* seconds there and as long back.

    *trouble* is asked for each call, by its name and how often that was called before.
    """

    def __init__(self, latency: float, trouble: Callable[[str, int], Trouble | None]) -> None:
        self.latency = latency
        self.trouble = trouble
        self.calls: Counter[str] = Counter()
        self._late: set[asyncio.Task[object]] = set()

    async def _call(self, name: str, act: Callable[[], Awaitable[T]]) -> T:
        trouble = self.trouble(name, self.calls[name])
        self.calls[name] += 1
        await asyncio.sleep(self.latency)
        if trouble is Trouble.LOST_BEFORE:
            await asyncio.sleep(self.latency)
            raise Unheard("no answer")
        if trouble is Trouble.LATE:
            self._late.add(asyncio.create_task(self._later(act)))
            raise Unheard("no answer")
        result = await act()
        await asyncio.sleep(self.latency)
        if trouble is Trouble.LOST_AFTER:
            raise Unheard("no answer")
        return result

    async def _later(self, act: Callable[[], Awaitable[object]]) -> None:
        """Do what arrives although nobody waits for it any more."""
        raise NotImplementedError


class MemoryBlobs(Way):
    """One run's way to *objects*; each call takes *latency* seconds there and as long back.

    *trouble* is asked for each call, by its name and how often that was called before.
    """

    place = "memory://state"

    def __init__(
        self,
        objects: Objects,
        *,
        latency: float = 0.0,
        trouble: Callable[[str, int], Trouble | None] = lambda _name, _count: None,
    ) -> None:
        self.objects = objects
        self.latency = latency
        self.trouble = trouble
        self.now: Callable[[], float] = wall
        """The date of the store, in seconds since 1970."""
        self.calls: Counter[str] = Counter()
        self._late: set[asyncio.Task[object]] = set()

    @property
    def writes(self) -> int:
        """How many calls would change something."""
        return sum(self.calls[name] for name in WRITES)

    async def get(self, name: str) -> Blob | None:
        """Return the object, or None."""

        async def act() -> Blob | None:
            return self.objects.blobs.get(name)

        return await self._call("get", act)

    async def create(self, name: str, data: bytes) -> str:
        """Write a new object."""

        async def act() -> str:
            if name in self.objects.blobs:
                raise Exists(name)
            return self.objects.put(name, data, self.now())

        return await self._call("create", act)

    async def swap(self, name: str, data: bytes, etag: str) -> str:
        """Replace an object of that version."""

        async def act() -> str:
            found = self.objects.blobs.get(name)
            if found is None or found.etag != etag:
                raise Changed(name)
            return self.objects.put(name, data, self.now())

        return await self._call("swap", act)

    async def delete(self, names: Sequence[str]) -> None:
        """Delete objects."""

        async def act() -> None:
            for name in names:
                self.objects.blobs.pop(name, None)

        await self._call("delete", act)

    async def names(self, prefix: str) -> list[str]:
        """Return the names that begin with *prefix*."""

        async def act() -> list[str]:
            return [name for name in self.objects.blobs if name.startswith(prefix)]

        return await self._call("names", act)

    async def close(self) -> None:
        """Hold nothing open."""

    async def _later(self, act: Callable[[], Awaitable[object]]) -> None:
        await asyncio.sleep(20)
        with suppress(Exists, Changed):
            await act()


def wall() -> float:
    """Return the date of the store, in seconds since 1970."""
    return EPOCH + asyncio.get_running_loop().time()
