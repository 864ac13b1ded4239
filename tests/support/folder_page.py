"""A document in a folder that several processes share."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import blake2b
from pathlib import Path

from reconciler.state.stores.primitives import Changed, Sheet, Unheard
from tests.support.points import Points


class FolderPage:
    """The document of *folder*, whose versions are compared; each write has a *point* before and after it."""

    place = "folder://page"
    swaps = True

    def __init__(self, folder: Path, point: Points) -> None:
        self._folder = folder
        self._document = folder / "document"
        self._point = point

    async def read(self) -> Sheet:
        """Return the document."""
        with self._alone():
            return self._read()

    async def replace(self, data: bytes, version: str) -> str:
        """Replace the document of that version."""
        self._point("before replace")
        with self._alone():
            if self._read().version != version:
                raise Changed
            self._document.write_bytes(data)
            written = self._read().version
        if not self._point.written("replace"):
            raise Unheard("no answer")
        return written

    async def lock(self, info: bytes) -> None:
        """Do nothing: versions are compared."""

    async def unlock(self, info: bytes) -> None:
        """Do nothing."""

    async def close(self) -> None:
        """Hold nothing open."""

    @contextmanager
    def _alone(self) -> Iterator[None]:
        with self._point.served, (self._folder / "mutex").open("w") as mutex:
            fcntl.flock(mutex, fcntl.LOCK_EX)
            yield

    def _read(self) -> Sheet:
        if not self._document.exists():
            return Sheet(None)
        data = self._document.read_bytes()
        return Sheet(data, blake2b(data, digest_size=8).hexdigest())
