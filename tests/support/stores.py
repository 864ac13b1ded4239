"""Kinds of stores, as the contract suite opens them: each on a clock that jumps."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Protocol

from reconciler.state.keys import NO_KEYS, Keys
from reconciler.state.stores.background import Core
from reconciler.state.stores.clocks import Clocks
from reconciler.state.stores.file_store import FileStore
from reconciler.state.stores.holder import Holder
from reconciler.state.stores.interface import Kept, silent
from reconciler.state.stores.objects import Objects
from reconciler.state.stores.sealed_blobs import SealedBlobs
from tests.support import blobs


def holder(who: str = "ann@here", command: str = "apply") -> Holder:
    """Return somebody who holds a lock."""
    return Holder(who, 4711, command, "2026-11-30T04:00:00Z")


def clocks() -> Clocks:
    """Return the clocks of a machine whose time is the loop's."""
    return Clocks(blobs.wall, lambda: asyncio.get_running_loop().time(), asyncio.sleep)


class Kind(Protocol):
    """A place where states are kept, and how to open and lock it."""

    def open(self) -> Kept:
        """Return another store of the same place, as another process would open it."""

    def locked(self, store: Kept, *, who: str = "ann@here", patience: float = 0) -> object:
        """Return an async context manager that holds the lock of *store*."""

    def content(self) -> object:
        """Return all that is stored, to compare."""


class FileKind:
    """A state in a file of *folder*."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def open(self) -> Kept:
        """Return a store of the file."""
        return FileStore(self.folder / "state.json")

    @asynccontextmanager
    async def locked(self, store: Kept, *, who: str = "ann@here", patience: float = 0) -> AsyncIterator[None]:
        """Hold its lock."""
        assert isinstance(store, FileStore)
        async with store.lock_async(holder(who), timeout=patience):
            yield

    def content(self) -> dict[str, bytes]:
        """Return the files, but for the lock, in which holders leave their names."""
        files = self.folder.iterdir()
        return {file.name: file.read_bytes() for file in files if file.suffix != ".lock"}


class CoreKind:
    """A state behind a protocol; *make* returns another core of the same place."""

    def __init__(self, make: Callable[[], Core], content: Callable[[], object]) -> None:
        self._make = make
        self._content = content

    def open(self) -> Core:
        """Return a core of the place."""
        return self._make()

    @asynccontextmanager
    async def locked(self, store: Kept, *, who: str = "ann@here", patience: float = 0) -> AsyncIterator[None]:
        """Hold its lock."""
        core: Core = store  # type: ignore[assignment]
        await core.acquire(holder(who), patience=patience, waiting=silent, settle=10)
        try:
            yield
            core.check_kept()
        finally:
            await core.release()

    def content(self) -> object:
        """Return all that is stored."""
        return self._content()


def object_kind(keys: Keys = NO_KEYS) -> CoreKind:
    """Return a state in objects in memory, sealed if there are *keys*."""
    there = blobs.Objects()
    return CoreKind(
        lambda: Objects(SealedBlobs(blobs.MemoryBlobs(there), keys), clocks=clocks()),
        lambda: {name: blob.data for name, blob in there.blobs.items()},
    )
