"""A folder of a folder of objects: many states beside each other, each with a lease and a head of its own."""

from __future__ import annotations

from collections.abc import Sequence

from reconciler.state.stores.primitives import Blob, Blobs


class PrefixedBlobs:
    """The objects of *blobs* whose names begin with *prefix*, by the rest of their names."""

    def __init__(self, blobs: Blobs, prefix: str) -> None:
        self._blobs = blobs
        self._prefix = prefix

    @property
    def place(self) -> str:
        """The address of all of them: that is the state which a person knows."""
        return self._blobs.place

    async def get(self, name: str) -> Blob | None:
        """Return the object, or None."""
        return await self._blobs.get(self._prefix + name)

    async def create(self, name: str, data: bytes) -> str:
        """Write a new object."""
        return await self._blobs.create(self._prefix + name, data)

    async def swap(self, name: str, data: bytes, etag: str) -> str:
        """Replace the object of that version."""
        return await self._blobs.swap(self._prefix + name, data, etag)

    async def delete(self, names: Sequence[str]) -> None:
        """Delete objects."""
        await self._blobs.delete([self._prefix + name for name in names])

    async def names(self, prefix: str) -> list[str]:
        """Return the names that begin with *prefix*."""
        return [one.removeprefix(self._prefix) for one in await self._blobs.names(self._prefix + prefix)]

    async def close(self) -> None:
        """Free what is held open."""
        await self._blobs.close()
