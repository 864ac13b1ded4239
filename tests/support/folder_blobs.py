"""Objects in a folder that several processes share, and a clock that they share too."""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from reconciler.state.stores.primitives import Blob, Changed, Exists, Unheard
from tests.support.points import Points

_JUMPED: Final = 5.0


class SharedClock:
    """The time of day, plus what the processes of *folder* have added to it.

    With *jumps* a sleep of a few seconds adds them, and takes no time; a longer one ends once others have
    added as much: so a lease is renewed while its holder waits.
    """

    def __init__(self, folder: Path, *, jumps: bool) -> None:
        self._ahead = folder / "ahead"
        self._jumps = jumps

    def now(self) -> float:
        """Return seconds since 1970."""
        return time.time() + float(self._ahead.read_text() if self._ahead.exists() else 0)

    def add(self, seconds: float) -> None:
        """Let so many seconds pass for everybody."""
        written = self._ahead.with_name(f"ahead.{os.getpid()}.{threading.get_ident()}")
        written.write_text(str(self.now() - time.time() + seconds))
        written.replace(self._ahead)

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        until = self.now() + seconds
        if self._jumps and seconds <= _JUMPED:
            self.add(seconds)
        while self.now() < until:  # noqa: ASYNC110 - another process may let the time pass
            await asyncio.sleep(0.01)


class FolderBlobs:
    """Objects in *folder*; each write has a *point* before it and one after it."""

    place = "folder://state"

    def __init__(self, folder: Path, clock: SharedClock, point: Points) -> None:
        self._folder = folder
        self._clock = clock
        self._point = point

    async def get(self, name: str) -> Blob | None:
        """Return the object, or None."""
        with self._alone():
            return self._read(name)

    async def create(self, name: str, data: bytes) -> str:
        """Write a new object."""
        with self._written("create", name):
            if self._read(name) is not None:
                raise Exists(name)
            return self._write(name, data, "1")

    async def swap(self, name: str, data: bytes, etag: str) -> str:
        """Replace an object of that version."""
        with self._written("swap", name):
            found = self._read(name)
            if found is None or found.etag != etag:
                raise Changed(name)
            return self._write(name, data, str(int(etag) + 1))

    async def delete(self, names: Sequence[str]) -> None:
        """Delete objects."""
        with self._written("delete", "objects"):
            for name in names:
                self._path(name).unlink(missing_ok=True)

    async def names(self, prefix: str) -> list[str]:
        """Return the names that begin with *prefix*."""
        with self._alone():
            found = [path.name.replace("+", "/") for path in (self._folder / "objects").iterdir()]
            return [name for name in found if name.startswith(prefix)]

    async def close(self) -> None:
        """Hold nothing open."""

    @contextmanager
    def _written(self, verb: str, name: str) -> Iterator[None]:
        what = f"{verb} {name.partition('/')[0]}"
        self._point(f"before {what}")
        with self._alone():
            yield
        if not self._point.written(what):
            raise Unheard("no answer")

    @contextmanager
    def _alone(self) -> Iterator[None]:
        (self._folder / "objects").mkdir(exist_ok=True)
        with self._point.served, (self._folder / "mutex").open("w") as mutex:
            fcntl.flock(mutex, fcntl.LOCK_EX)
            yield

    def _path(self, name: str) -> Path:
        return self._folder / "objects" / name.replace("/", "+")

    def _read(self, name: str) -> Blob | None:
        path = self._path(name)
        if not path.exists():
            return None
        head, _, data = path.read_bytes().partition(b"\n")
        etag, modified = json.loads(head)
        return Blob(data, etag, datetime.fromtimestamp(modified, UTC))

    def _write(self, name: str, data: bytes, etag: str) -> str:
        head = json.dumps([etag, int(self._clock.now())]).encode()
        self._path(name).write_bytes(head + b"\n" + data)
        return etag
