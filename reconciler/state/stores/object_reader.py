"""Read a state in objects at one moment, while others may write and fold it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from msgspec import Struct

from reconciler.errors import StateError
from reconciler.state.stores import segments
from reconciler.state.stores.clocks import Clocks
from reconciler.state.stores.primitives import Blob, Blobs, Unheard
from reconciler.state.stores.segments import HEAD, Head, Segment, segment_name

T = TypeVar("T")

_TRIES: Final = 5
"""How often a call is made whose answer does not arrive, with pauses that double from half a second."""
_AT_ONCE: Final = 8
"""Segments that are read side by side."""


class Loaded(Struct, frozen=True):
    """What was read of a state at one moment."""

    head: Head
    etag: str
    """The version of `head`."""
    snapshot: bytes
    tail: list[Segment]
    """The segments from the base on, without a hole."""


class Reader:
    """Reads from *blobs*; a call that is not heard is repeated."""

    def __init__(self, blobs: Blobs, clocks: Clocks) -> None:
        self._blobs = blobs
        self._clocks = clocks

    async def load(self, upto: int | None = None) -> Loaded | None:
        """Return head, snapshot and segments of one moment, or None if there is no head.

        The segments end with the first number that is missing. If *upto* is given they must reach it, and one
        missing before it is a hole: damage, unless `head` has changed meanwhile.
        """
        while True:
            found = await self._heard(lambda: self._blobs.get(HEAD))
            if found is None:
                return None
            head = segments.decode_head(found.data, self._blobs.place)
            snapshot, tail = await asyncio.gather(
                self.get(head.snapshot), self._segments_from(head.base, upto)
            )
            reached = upto is None or head.base > upto or head.base + len(tail) > upto
            again = await self._heard(lambda: self._blobs.get(HEAD))
            if again is not None and again.etag == found.etag:
                if snapshot is None:
                    raise segments.damaged(f"{self._blobs.place}/{head.snapshot}", "the snapshot is missing")
                if not reached:
                    name = segment_name(head.base + len(tail))
                    raise segments.damaged(f"{self._blobs.place}/{name}", "the segment is missing")
                return Loaded(head, found.etag, snapshot.data, tail)

    async def _segments_from(self, base: int, upto: int | None) -> list[Segment]:
        """Return the segments from *base* to the first that is missing; those up to *upto* are expected."""
        tail: list[Segment] = []
        count = 1 if upto is None else min(max(upto + 2 - base, 1), _AT_ONCE)  # after a fold there is none
        while True:
            first = base + len(tail)
            numbers, count = range(first, first + count), _AT_ONCE
            for blob in await asyncio.gather(*(self.get(segment_name(number)) for number in numbers)):
                if blob is None:
                    return tail
                tail.append(segments.decode_segment(blob.data, base + len(tail), self._blobs.place))

    async def get(self, name: str) -> Blob | None:
        """Return an object, or None; raises StateError if the store does not answer."""
        return await self._heard(lambda: self._blobs.get(name))

    async def _heard(self, call: Callable[[], Awaitable[T]]) -> T:
        """Return the answer to a read, which is repeated while there is none."""
        pause = 0.5
        for left in reversed(range(_TRIES)):
            try:
                return await call()
            except Unheard as error:
                if not left:
                    raise self._unreachable(error) from error
            await self._clocks.sleep(pause)
            pause *= 2
        raise AssertionError

    def _unreachable(self, error: Unheard) -> StateError:
        return StateError(
            f"the state `{self._blobs.place}` cannot be reached: {error}",
            hint="run the command again once the store answers; what was in flight is looked up then",
        )
