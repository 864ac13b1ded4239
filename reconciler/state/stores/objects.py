"""The store over objects: a lease, a head, snapshots, and a journal of segments (S3, Azure, GCS).

    lease                     who may change the state (`lease`)
    head                      which snapshot and which segments are the state (`segments`)
    snapshots/EPOCH-SERIAL-…  a whole state
    journal/NUMBER            what was recorded after it, one object for each flush

Whoever takes the lease creates a fence at the next free number: from then on an earlier holder can append
nothing, as segments are only ever created. A fold writes a snapshot and swaps `head` against the version that
the holder loaded or wrote, never a fresh one. So of two that believe to be the holder only one can go on.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from msgspec import Struct

from reconciler.errors import StateError
from reconciler.state import document
from reconciler.state.deadlines import SETTLE_SECONDS
from reconciler.state.document import Moved
from reconciler.state.model import Opened, Record, State
from reconciler.state.stores import others_lease, segments
from reconciler.state.stores.clocks import Clocks
from reconciler.state.stores.group_commit import GroupCommit
from reconciler.state.stores.holder import Holder
from reconciler.state.stores.holding import Leased
from reconciler.state.stores.interface import LockInfo
from reconciler.state.stores.leaseholder import Leaseholder
from reconciler.state.stores.object_reader import Loaded, Reader
from reconciler.state.stores.object_writer import Writer
from reconciler.state.stores.primitives import Blobs
from reconciler.state.stores.segments import HEAD, Head, Segment, SegmentHeader, segment_name
from reconciler.state.stores.sweeping import Sweeping
from reconciler.state.stores.whole import Whole

WINDOW: Final = 8
"""Creates of a conversation that one segment announces (K in the design)."""
_LONG_TAIL: Final = 16
"""The segments, fences among them, from which a run folds them though it recorded nothing."""


class Staged(Struct, frozen=True):
    """A snapshot that is written, and is not the state yet."""

    head: Head
    """What will name it."""
    unsettled: bool
    """Whether it has creates whose outcome is open."""


class Objects(Whole, Leased[Leaseholder]):
    """The state in *blobs*, as an async `Store` for one event loop (`background` makes it one for any)."""

    is_file = False
    window = WINDOW
    announces = False
    fences = True

    def __init__(self, blobs: Blobs, *, clocks: Clocks | None = None) -> None:
        self._blobs = blobs
        self._clocks = clocks or Clocks()
        self._reader = Reader(blobs, self._clocks)
        self._writer = Writer(blobs, self._reader, self._clocks)
        self._sweeping = Sweeping(blobs, self._writer)
        self._head: Head | None = None
        self._etag = ""
        """The version of `head` that was loaded, or last written by this store."""
        self._next = 1
        """The number of the next segment."""
        self._tail: list[Segment] = []
        """The segments from the base on that were read or written: known by name, so they may be deleted."""
        self._fresh: State | None = None
        """The state as it was taken over, for the first `read`."""
        self._snapshots = 0
        self._unsettled = False
        """Whether what is stored may hold an open create of this run."""

    @property
    def place(self) -> str:
        """The address."""
        return self._blobs.place

    @property
    def is_there(self) -> bool:
        """Whether the holder of the lease found or wrote a state."""
        return self._head is not None

    @property
    def is_unfolded(self) -> bool:
        """Whether a segment records anything that the snapshot does not have."""
        return any(not one.header.fence for one in self._tail)

    # Reading.

    async def read(self) -> State | None:
        """Return the state of one moment; raises StateError if it is damaged or was moved away."""
        if self._fresh is not None:
            state, self._fresh = self._fresh, None
            return state
        loaded = await self._reader.load()
        if loaded is None:
            return None
        if self._held is None:
            self._tail = loaded.tail
        return self._state(loaded)

    def _state(self, loaded: Loaded) -> State:
        head = loaded.head
        if head.moved_to:
            raise Moved(self.place, head.moved_to, lineage=head.lineage, serial=head.serial)
        return segments.replay(head, loaded.snapshot, loaded.tail, self.place)

    # The lease.

    async def acquire(
        self, holder: Holder, *, patience: float, waiting: Callable[[str], None], settle: float
    ) -> None:
        """Take the lease, fence off whoever had it, and read the state.

        Raises StateError as `Store.lock` does. A wait that is needed until requests of an earlier run can no
        longer arrive is waited for, however short *patience* is.
        """
        held = Leaseholder(self._blobs, self._clocks, holder, settle=settle, waiting=waiting)
        self._held = held
        try:
            await held.acquire(patience)
            loaded = await self._take_over(held)
            if loaded is not None:
                self._head, self._etag, self._tail = loaded.head, loaded.etag, loaded.tail
                if not loaded.head.moved_to:
                    self._fresh = self._state(loaded)
                    if self._fresh.intents or self._fresh.in_flight:
                        self._unsettled = True
                        await held.wait_until_quiet()
        except BaseException:
            await self.release()
            raise

    async def _take_over(self, held: Leaseholder) -> Loaded | None:
        """Create a fence, and return what was recorded before it; None if there is no state yet."""
        found = await self._reader.get(HEAD)
        if found is None:
            return None
        head = segments.decode_head(found.data, self.place)
        number = head.base
        while True:
            number = await self._fence(held, head, number)
            loaded = await self._reader.load(number)
            if loaded is None:
                raise segments.damaged(f"{self.place}/{HEAD}", "it was deleted")
            if loaded.head.base <= number:
                break
            head, number = loaded.head, loaded.head.base  # an earlier holder folded: fence above that
        highest = max([loaded.head.epoch, *(one.header.epoch for one in loaded.tail)])
        if highest > held.epoch:
            raise await held.fenced_by(highest)
        self._next = number + 1
        return loaded

    async def _fence(self, held: Leaseholder, head: Head, number: int) -> int:
        """Create a fence at the first free number from *number* on, and return where it is."""
        while True:
            header = SegmentHeader(
                segments.FORMAT_VERSION, head.lineage, number, held.epoch, held.nonce, fence=True
            )
            there = await self._writer.put(held, segment_name(number), segments.encode_segment(header, []))
            if there is None:
                return number
            other = segments.decode_segment(there.data, number, self.place).header
            if other.nonce == held.nonce:
                return number
            if other.epoch > held.epoch:
                raise await held.fenced_by(other.epoch)
            number += 1

    async def release(self) -> None:
        """Release the lease, with the time from which its open creates can be looked up."""
        held, self._held = self._held, None
        if held is None:
            return
        if len(self._tail) >= _LONG_TAIL and not self.is_unfolded and self._head is not None:
            with suppress(StateError):  # the next run folds them
                await self._fold_fences(held)
        failed, _ = await asyncio.gather(self._sweeping.finish(), held.release(unsettled=self._unsettled))
        self._loss = held.loss or failed

    async def _fold_fences(self, held: Leaseholder) -> None:
        """Move the base above fences that runs without a change left, so that reading stays short."""
        head = self._head
        if head is None or head.moved_to or held.is_fenced:
            return
        snapshot = await self._reader.get(head.snapshot)
        if snapshot is not None:
            state = segments.replay(head, snapshot.data, self._tail, self.place)
            staged = await self._stage(held, state, serial=head.serial, base=self._next)
            await self._publish(held, staged)

    async def locks(self) -> list[LockInfo]:
        """Return who has the lease, or had it and has not released it."""
        return await others_lease.holders(self._blobs, self._clocks)

    async def unlock(self, settle: float = SETTLE_SECONDS) -> LockInfo | None:
        """Free the lease; its holder notices at its next renewal, and sends nothing after the expiry."""
        return await others_lease.free(self._blobs, self._clocks, settle=settle)

    # Writing.

    def next_serial(self, state: State) -> int:
        """Return the number that the next snapshot takes up."""
        return max(self._next, state.serial + 1)

    async def begin(self, state: State) -> GroupCommit:
        """Write *state*, and return the journal of segments that continues it.

        What a window announces is open from then on, so the snapshot needs no announcement.
        """
        await self.wait_until_allowed()
        state.in_flight.clear()
        await self.write(state)
        return GroupCommit(self.append)

    async def wait_until_allowed(self) -> None:
        """Wait until a run that was unlocked can send nothing more."""
        await self._holding().wait_until_allowed()

    async def write(self, state: State, *, anew: bool = False) -> None:
        """Make *state* the snapshot; its serial is a number that no segment has."""
        del anew  # it is always written
        await self.publish(await self.stage(state))

    async def stage(self, state: State) -> Staged:
        """Write a snapshot of *state* that counts once what is returned is published."""
        held = self._holding()
        self._check_lineage(None if self._head is None else self._head.lineage, state.lineage)
        serial = self.next_serial(state)
        head = await self._stage(held, state, serial=serial, base=serial + 1)
        state.serial = serial
        return Staged(head, unsettled=bool(state.intents or state.in_flight))

    async def publish(self, staged: Staged) -> None:
        """Let the snapshot that was *staged* be the state."""
        await self._publish(self._holding(), staged.head)
        self._unsettled = staged.unsettled

    async def mark(self, state: State, moved_to: str) -> None:
        """Leave a marker: `head` names the new address, and the snapshot stays."""
        held, head = self._holding(), self._head
        if head is None or head.lineage != state.lineage:
            raise StateError(f"the state `{self.place}` is not the one that was moved")
        marker = Head(
            segments.FORMAT_VERSION,
            head.lineage,
            head.snapshot,
            self._next,
            held.epoch,
            state.serial,
            moved_to,
        )
        self._etag = await self._writer.swap_head(held, marker, self._etag)
        self._head = marker

    async def close(self) -> None:
        """Free what the adapter holds open."""
        await self._blobs.close()

    async def _stage(self, held: Leaseholder, state: State, *, serial: int, base: int) -> Head:
        """Write a snapshot, and return the head that names it."""
        self._snapshots += 1
        name = segments.snapshot_name(held.epoch, serial, f"{held.nonce[:16]}-{self._snapshots}")
        await self._writer.put(held, name, document.encode(state, serial))
        return Head(segments.FORMAT_VERSION, state.lineage, name, base, held.epoch, serial)

    async def _publish(self, held: Leaseholder, head: Head) -> None:
        """Swap `head`, and begin to delete what it replaced."""
        before, base = self._head, head.base
        self._etag = await self._writer.swap_head(held, head, self._etag)
        self._head = head
        gone = [
            segment_name(one.header.number)
            for one in self._tail
            if one.header.number < base and not one.header.fence
        ]
        self._tail = [one for one in self._tail if one.header.number >= base]
        self._next = base
        if before is not None:
            gone.append(before.snapshot)
        first = before is None or before.epoch < held.epoch
        self._sweeping.begin(held, head, gone, outlived=first)

    async def append(self, records: list[Record]) -> None:
        """Create the next segment with *records*."""
        held, head = self._holding(), self._head
        if head is None:
            raise AssertionError
        if any(isinstance(record, Opened) for record in records):
            self._unsettled = True
        while True:
            header = SegmentHeader(segments.FORMAT_VERSION, head.lineage, self._next, held.epoch, held.nonce)
            there = await self._writer.put(
                held, segment_name(self._next), segments.encode_segment(header, records)
            )
            other = (
                header
                if there is None
                else segments.decode_segment(there.data, self._next, self.place).header
            )
            self._next += 1
            if other.nonce == held.nonce:
                self._tail.append(Segment(header, ()))
                return
            if other.epoch >= held.epoch:
                raise await held.fenced_by(other.epoch)
