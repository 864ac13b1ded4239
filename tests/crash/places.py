"""Where the state of a trial is kept: how it is put back, and what a run sees of time."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import Final, Protocol

from reconciler.state.stores.adapters.git import GitPage
from reconciler.state.stores.adapters.obstore import PROVIDERS, BucketBlobs
from reconciler.state.stores.file import StateStore
from reconciler.state.stores.grouped import Grouped
from reconciler.state.stores.objects import Objects
from reconciler.state.stores.pages import Pages
from tests.support.database_server import postgres
from tests.support.object_servers import Server, azurite, seaweedfs
from tests.support.repository import REF, Repository, environ

STATE = "reconciler.state.json"
LEASE_OVER = 400.0
"""Seconds after which a lease has ended, and no request of its holder can be on its way."""


class Place(Protocol):
    """A place of states."""

    is_file: bool
    """Whether journal and snapshot are files in the folder, which can be lost or come back."""
    ahead: float
    """By how many seconds the clock of the next run goes ahead of a run that is killed now."""

    def environ(self) -> dict[str, str]:
        """Return the variables by which runs find it."""

    def begin(self, folder: Path) -> None:
        """Make it anew, for runs in *folder*, which is empty."""

    def save(self) -> None:
        """Remember what is in it."""

    def restore(self) -> None:
        """Go back to what was remembered."""

    def read(self) -> None:
        """Read the state; raises StateError."""

    def close(self) -> None:
        """End what runs for it."""


class FilePlace:
    """A file in the folder, which is put back with it."""

    is_file = True
    ahead = 0.0

    def environ(self) -> dict[str, str]:
        """Return nothing: it is the default."""
        return {}

    def begin(self, folder: Path) -> None:
        """Remember the folder."""
        self._folder = folder

    def save(self) -> None:
        """Do nothing."""

    def restore(self) -> None:
        """Do nothing."""

    def read(self) -> None:
        """Read the file; raises StateError."""
        StateStore(self._folder / STATE).read()

    def close(self) -> None:
        """Do nothing."""


class GitPlace:
    """A ref of a bare repository in *home*; the folder is a clone of it."""

    is_file = False
    ahead = LEASE_OVER

    def __init__(self, home: Path) -> None:
        home.mkdir()
        self._home = home

    def environ(self) -> dict[str, str]:
        """Return the ref, and variables under which git reads no settings of anybody."""
        mine = {"HOME": str(self._home), "XDG_CONFIG_HOME": str(self._home), "GIT_CONFIG_NOSYSTEM": "1"}
        return {"RECONCILER_STATE": f"git:{REF}", **mine}

    def begin(self, folder: Path) -> None:
        """Make an empty repository, and a clone of it."""
        self._folder = folder
        shutil.rmtree(self._home / "hub.git", ignore_errors=True)
        hub = Repository(self._home)
        hub.git("init", "--quiet", ".", at=folder)
        hub.git("remote", "add", "origin", str(hub.path), at=folder)

    def save(self) -> None:
        """Copy the repository."""
        shutil.rmtree(self._home / "kept.git", ignore_errors=True)
        shutil.copytree(self._home / "hub.git", self._home / "kept.git")

    def restore(self) -> None:
        """Copy it back."""
        shutil.rmtree(self._home / "hub.git")
        shutil.copytree(self._home / "kept.git", self._home / "hub.git")

    def read(self) -> None:
        """Read the ref; raises StateError."""
        page = GitPage(REF, "origin", REF, environ=environ(self._home), folder=self._folder, protocols="file")
        store = Pages(page)
        asyncio.run(store.read())
        asyncio.run(store.close())

    def close(self) -> None:
        """Do nothing."""


class BucketPlace:
    """A prefix in a bucket of a server that runs in *home*."""

    is_file = False
    ahead = LEASE_OVER
    _PREFIX = "trial/state"

    def __init__(self, home: Path, serve: Callable[[Path], AbstractContextManager[Server]]) -> None:
        home.mkdir()
        self._open = ExitStack()
        self._server = self._open.enter_context(serve(home))
        self._kept: dict[str, bytes] = {}

    def environ(self) -> dict[str, str]:
        """Return the address, and the variables by which the server is found."""
        address = self._server.address(self._PREFIX)
        return {**self._server.environ, "NO_PROXY": "127.0.0.1", "RECONCILER_STATE": address}

    def begin(self, folder: Path) -> None:
        """Delete what is there."""
        del folder
        self._kept = {}
        self.restore()

    def save(self) -> None:
        """Read every object."""
        self._kept = self._server.content(self._PREFIX)

    def restore(self) -> None:
        """Write these objects again, and delete all others."""
        self._server.replace(self._PREFIX, self._kept)

    def read(self) -> None:
        """Read the state; raises StateError."""
        asyncio.run(self._read())

    async def _read(self) -> None:
        blobs = BucketBlobs("the place", self._server.store(self._PREFIX), PROVIDERS[self._server.scheme])
        await Objects(blobs).read()
        await blobs.close()

    def close(self) -> None:
        """Stop the server."""
        self._open.close()


class DatabasePlace:
    """A schema of a PostgreSQL that runs in *home*; the state is kept by group of conversations."""

    is_file = False
    ahead = LEASE_OVER
    _SCHEMA = "trial"

    def __init__(self, home: Path) -> None:
        home.mkdir()
        self._open = ExitStack()
        self._server = self._open.enter_context(postgres(home))
        self._kept: dict[str, bytes] = {}

    def environ(self) -> dict[str, str]:
        """Return the address."""
        return {"RECONCILER_STATE": self._server.address(self._SCHEMA)}

    def begin(self, folder: Path) -> None:
        """Delete what is there."""
        del folder
        self._kept = {}
        self.restore()

    def save(self) -> None:
        """Read every object."""
        self._kept = self._server.content(self._SCHEMA)

    def restore(self) -> None:
        """Write these objects again, and delete all others."""
        self._server.replace(self._SCHEMA, self._kept)

    def read(self) -> None:
        """Read the state; raises StateError."""
        asyncio.run(self._read())

    async def _read(self) -> None:
        store = Grouped(self._server.blobs(self._SCHEMA))
        await store.read()
        await store.close()

    def close(self) -> None:
        """Stop the server."""
        self._open.close()


_SERVERS: Final = {"s3": seaweedfs, "az": azurite}
PLACES = ("file", "git", "postgresql", *_SERVERS)


def place_of(kind: str, home: Path) -> Place:
    """Return the place of that kind; *home* is its own folder."""
    if kind in _SERVERS:
        return BucketPlace(home, _SERVERS[kind])
    if kind == "postgresql":
        return DatabasePlace(home)
    return FilePlace() if kind == "file" else GitPlace(home)
