"""Kinds of stores, as the contract suite opens them: each on a clock that jumps."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from typing import Protocol, cast

import obstore
from obstore.store import MemoryStore, ObjectStore

from reconciler.state.keys import NO_KEYS, Keys
from reconciler.state.model import State
from reconciler.state.stores import page_document, segments
from reconciler.state.stores.adapters.git import GitPage
from reconciler.state.stores.adapters.obstore import PROVIDERS, BucketBlobs
from reconciler.state.stores.adapters.terraform import Lock, TerraformPage
from reconciler.state.stores.background import Core
from reconciler.state.stores.clocks import Clocks
from reconciler.state.stores.file_store import FileStore
from reconciler.state.stores.grouped import Grouped
from reconciler.state.stores.holder import Holder
from reconciler.state.stores.interface import Kept, Store, silent
from reconciler.state.stores.objects import Objects
from reconciler.state.stores.pages import Pages
from reconciler.state.stores.sealed_blobs import SealedBlobs
from tests.support import blobs, repository, single_page, terraform_server


def holder(who: str = "ann@here", command: str = "apply") -> Holder:
    """Return somebody who holds a lock."""
    return Holder(who, 4711, command, "2026-11-30T04:00:00Z")


def clocks() -> Clocks:
    """Return the clocks of a machine whose time is the loop's."""
    return Clocks(blobs.wall, lambda: asyncio.get_running_loop().time(), asyncio.sleep)


def clocks_beside_a_server() -> Clocks:
    """Return the clocks of a machine whose time is that of a real store, until it jumps."""
    return Clocks(
        lambda: time.time() + asyncio.get_running_loop().time(),
        lambda: asyncio.get_running_loop().time(),
        asyncio.sleep,
    )


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
        finally:
            await core.release()
        core.check_kept()

    def content(self) -> object:
        """Return all that is stored."""
        return self._content()


class Here:
    """A *core* as a whole store, in the event loop that runs: without a thread, as its clock may jump."""

    is_file = False

    def __init__(self, core: Core) -> None:
        self._core = core

    @classmethod
    def of(cls, core: Core) -> Store:
        """Return *core* as a store."""
        return cast("Store", cls(core))

    def __getattr__(self, name: str) -> object:
        return getattr(self._core, name)

    @asynccontextmanager
    async def lock_async(
        self,
        who: Holder,
        *,
        timeout: float,  # noqa: ASYNC109 - as that of a store
        waiting: Callable[[str], None] = silent,
        settle: float = 10,
        reading: bool = False,
    ) -> AsyncIterator[None]:
        """Hold the lock, unless the command only reads."""
        if reading:
            yield
            return
        await self._core.acquire(who, patience=timeout, waiting=waiting, settle=settle)
        try:
            yield
        finally:
            await self._core.release()
        self._core.check_kept()


def stored_state(there: blobs.Objects) -> State | None:
    """Return the state in objects at this moment, without a call; None if there is none."""
    head = there.blobs.get(segments.HEAD)
    if head is None:
        return None
    decoded = segments.decode_head(head.data, "there")
    tail = []
    for number in count(decoded.base):
        blob = there.blobs.get(segments.segment_name(number))
        if blob is None:
            break
        tail.append(segments.decode_segment(blob.data, number, "there"))
    return segments.replay(decoded, there.blobs[decoded.snapshot].data, tail, "there")


def paged_state(there: single_page.Server) -> State | None:
    """Return the state on a page at this moment, without a call; None if there is none."""
    if there.data is None:
        return None
    return page_document.state_of(page_document.decode(there.data, "there").kept, "there", NO_KEYS)


def object_kind(keys: Keys = NO_KEYS) -> CoreKind:
    """Return a state in objects in memory, sealed if there are *keys*."""
    there = blobs.Objects()
    return CoreKind(
        lambda: Objects(SealedBlobs(blobs.MemoryBlobs(there), keys), clocks=clocks()),
        lambda: {name: blob.data for name, blob in there.blobs.items()},
    )


def grouped_kind(keys: Keys = NO_KEYS) -> CoreKind:
    """Return a state in objects in memory that is kept by group, sealed if there are *keys*."""
    there = blobs.Objects()
    return CoreKind(
        lambda: Grouped(SealedBlobs(blobs.MemoryBlobs(there), keys), clocks=clocks()),
        lambda: {name: blob.data for name, blob in there.blobs.items()},
    )


def page_kind(*, swaps: bool, keys: Keys = NO_KEYS) -> CoreKind:
    """Return a state on a page in memory, which *swaps* or has a lock, sealed if there are *keys*."""
    server = single_page.Server(swaps=swaps)
    return CoreKind(
        lambda: Pages(single_page.MemoryPage(server), keys=keys, clocks=clocks()),
        lambda: (server.data, server.lock),
    )


def bucket_kind(store: ObjectStore | None = None, keys: Keys = NO_KEYS) -> CoreKind:
    """Return a state in the objects of an obstore, in memory where none is given."""
    there = MemoryStore() if store is None else store

    def make() -> Core:
        objects = SealedBlobs(BucketBlobs("s3://bucket/x", there, PROVIDERS["s3"]), keys)
        return Objects(objects, clocks=clocks_beside_a_server())

    def content() -> dict[str, bytes]:
        listed = obstore.list(there).collect()
        return {one["path"]: bytes(obstore.get(there, one["path"]).bytes()) for one in listed}

    return CoreKind(make, content)


def git_kind(folder: Path) -> CoreKind:
    """Return a state in a ref of a bare repository in *folder*, which a clone beside it reaches."""
    there = repository.Repository(folder)

    def page() -> GitPage:
        return GitPage(
            f"git:{repository.REF}",
            "origin",
            repository.REF,
            environ=repository.environ(folder),
            folder=there.clone("work"),
            protocols="file",
        )

    return CoreKind(lambda: Pages(page(), clocks=clocks()), there.refs)


def http_kind() -> CoreKind:
    """Return a state at a server of Terraform's HTTP protocol."""
    server = terraform_server.TerraformServer(blobs.wall)
    address = f"https://state.example{terraform_server.PATH}"

    def page() -> TerraformPage:
        return TerraformPage(
            address,
            Lock(f"{address}/lock", "POST", "DELETE"),
            credentials=(terraform_server.USERNAME, terraform_server.PASSWORD),
            transport=server.transport(),
        )

    return CoreKind(lambda: Pages(page(), clocks=clocks()), lambda: (server.data, server.lock))
