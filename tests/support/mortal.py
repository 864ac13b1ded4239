"""Processes that are gone at any moment: at a request, or at a call to the disk or the store."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from reconciler.state.files import Files
from tests.support.blobs import MemoryBlobs, Objects
from tests.support.single_page import MemoryPage, Server

T = TypeVar("T")

SLOW = 0.5
"""Seconds that a call to a page takes there, and as long back."""


class PowerOff(BaseException):
    """The process is gone."""


@dataclass
class Death:
    """When a process dies: at its call to the disk or store, or its request, number *at*; the last it does.

    A write to the disk may be *torn* then; one to a store is then done, but not answered.
    """

    what: str
    at: int
    torn: bool
    dead: bool = False
    count: int = 0

    def request(self) -> None:
        """Be told of a request of the kind that counts."""
        self._meet(counts=self.what != "call")

    def call(self) -> None:
        """Be told of a call to the disk."""
        self._meet(counts=self.what == "call")

    def _meet(self, *, counts: bool) -> None:
        self.count += counts
        self.dead = self.dead or self.count >= self.at
        if self.dead:
            raise PowerOff


class MortalFiles(Files):
    """Stops with the process that it belongs to."""

    def __init__(self, death: Death) -> None:
        self._death = death

    def create(self, path: Path, mode: int = 0o600) -> int:
        """Create, or be gone."""
        self._death.call()
        return super().create(path, mode)

    def append(self, path: Path) -> int:
        """Open, or be gone."""
        self._death.call()
        return super().append(path)

    def write(self, fd: int, data: bytes) -> None:
        """Write all, none, or half."""
        try:
            self._death.call()
        except PowerOff:
            if self._death.torn and self._death.count == self._death.at:
                super().write(fd, data[: len(data) // 2])
            raise
        super().write(fd, data)

    def sync(self, fd: int) -> None:
        """Flush, or be gone."""
        self._death.call()
        super().sync(fd)

    def replace(self, source: Path, path: Path) -> None:
        """Rename, or be gone."""
        self._death.call()
        super().replace(source, path)

    def remove(self, path: Path) -> None:
        """Remove, or be gone."""
        self._death.call()
        super().remove(path)

    def sync_folder(self, folder: Path) -> None:
        """Flush the names, or be gone."""
        self._death.call()
        super().sync_folder(folder)


class MortalBlobs(MemoryBlobs):
    """Stops with the process that it belongs to."""

    def __init__(self, objects: Objects, death: Death) -> None:
        super().__init__(objects, latency=0.03)
        self._death = death

    async def _call(self, name: str, act: Callable[[], Awaitable[T]]) -> T:
        if self._death.dead or not self._death.torn:
            self._death.call()
        result = await super()._call(name, act)
        if self._death.torn:
            self._death.call()
        return result


class MortalPage(MemoryPage):
    """Stops with the process that it belongs to."""

    def __init__(self, server: Server, death: Death) -> None:
        super().__init__(server, latency=SLOW)
        self._death = death

    async def _call(self, name: str, act: Callable[[], Awaitable[T]]) -> T:
        if self._death.dead or not self._death.torn:
            self._death.call()
        result = await super()._call(name, act)
        if self._death.torn:
            self._death.call()
        return result
