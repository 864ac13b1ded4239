"""Write objects under a lease: repeat what is not heard, and notice who has taken over."""

from __future__ import annotations

from typing import Final

from reconciler.state.stores import segments
from reconciler.state.stores.clocks import Clocks
from reconciler.state.stores.leaseholder import Leaseholder
from reconciler.state.stores.object_reader import Reader
from reconciler.state.stores.primitives import Blob, Blobs, Changed, Exists, Unheard
from reconciler.state.stores.segments import HEAD, Head, segment_name

_FENCES_LAST: Final = 86_400.0
"""Seconds after which a fence can keep nobody out any more."""
_LOOKED_AT: Final = 16
"""Old segments whose dates are read, at most."""


class Writer:
    """Writes to *blobs* in the name of a leaseholder, and looks by *reader* at what was not heard."""

    def __init__(self, blobs: Blobs, reader: Reader, clocks: Clocks) -> None:
        self._blobs = blobs
        self._reader = reader
        self._clocks = clocks

    async def put(self, held: Leaseholder, name: str, data: bytes) -> Blob | None:
        """Create an object and return None, or return what has that name; repeats until it is heard."""
        while True:
            held.check_not_fenced()
            try:
                await self._blobs.create(name, data)
            except Exists:
                found = await self._reader.get(name)
                if found is not None:
                    return None if found.data == data else found
            except Changed as error:  # only a database knows the lease when it creates an object
                raise await held.fenced_by(held.epoch) from error
            except Unheard as error:
                await held.pause_before_retry(error)
            else:
                return None

    async def swap_head(self, held: Leaseholder, head: Head, etag: str) -> str:
        """Put *head* in place of that of version *etag* (empty: there was none); return its own version.

        Raises StateError if somebody else has swapped it.
        """
        data = segments.encode_head(head)
        while True:
            held.check_not_fenced()
            try:
                if not etag:
                    return await self._blobs.create(HEAD, data)
                return await self._blobs.swap(HEAD, data, etag)
            except (Exists, Changed, Unheard) as error:
                found = await self._reader.get(HEAD)
                if found is not None and found.data == data:
                    return found.etag
                if not isinstance(error, Unheard) or (found.etag if found else "") != etag:
                    other = segments.decode_head(found.data, self._blobs.place).epoch if found else 0
                    raise await held.fenced_by(other) from error
                await held.pause_before_retry(error)

    async def outlived(self, head: Head, known: list[str]) -> list[str]:
        """Return snapshots that killed runs left, and fences that can keep nobody out any more, oldest first.

        Those that are *known* go anyway.
        """
        lower, base = f"{segments.SNAPSHOTS}{head.epoch:08d}", segment_name(head.base)
        try:
            gone = [one for one in await self._blobs.names(segments.SNAPSHOTS) if one < lower]
            numbered = [one for one in await self._blobs.names(segments.SEGMENTS) if one < base]
            for name in sorted(set(numbered).difference(known))[:_LOOKED_AT]:
                blob = await self._blobs.get(name)
                if blob is None or blob.modified.timestamp() + _FENCES_LAST > self._clocks.wall():
                    break
                gone.append(name)
        except Unheard:
            return []
        return gone
