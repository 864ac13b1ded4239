"""Objects that are sealed: what a store writes away from this machine, but for the lease.

The lease says who works on the state, which whoever waits for it must be able to read; no text is in it.
Every other object is sealed as its name, which holds its number and serial. Its lineage is inside, where the
protocol compares it.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from reconciler.state.keys import Keys
from reconciler.state.sealed import OF_A_STATE, is_sealed, require_sealed, seal, unseal
from reconciler.state.stores.primitives import Blob, Blobs
from reconciler.state.stores.segments import LEASE


class SealedBlobs:
    """*blobs*, sealed and opened by *keys*."""

    def __init__(self, blobs: Blobs, keys: Keys) -> None:
        self._blobs = blobs
        self._keys = keys

    @property
    def place(self) -> str:
        """The address."""
        return self._blobs.place

    async def get(self, name: str) -> Blob | None:
        """Return the object in the clear; raises StateError if it cannot be opened, or must be sealed."""
        found = await self._blobs.get(name)
        if found is None or _is_lease(name):
            return found
        where = f"{self.place}/{name}"
        if not is_sealed(found.data):
            require_sealed(self._keys, where, OF_A_STATE)
            return found
        _, clear = unseal(found.data, self._keys, where, place=name, refuse=OF_A_STATE)
        return replace(found, data=clear)

    async def create(self, name: str, data: bytes) -> str:
        """Write a new object, sealed."""
        return await self._blobs.create(name, self._sealed(name, data))

    async def swap(self, name: str, data: bytes, etag: str) -> str:
        """Replace the object of that version, sealed."""
        return await self._blobs.swap(name, self._sealed(name, data), etag)

    async def delete(self, names: Sequence[str]) -> None:
        """Delete objects."""
        await self._blobs.delete(names)

    async def names(self, prefix: str) -> list[str]:
        """Return the names that begin with *prefix*."""
        return await self._blobs.names(prefix)

    async def close(self) -> None:
        """Free what is held open."""
        await self._blobs.close()

    def _sealed(self, name: str, data: bytes) -> bytes:
        return seal(data, self._keys, name) if self._keys and not _is_lease(name) else data


def _is_lease(name: str) -> bool:
    return name.rpartition("/")[2] == LEASE
