"""The holder of the lease in a page: every write of the document renews it.

A page without comparison (HTTP) has a lock of its own, which keeps writers apart; the lease in its document
bounds what may be sent and written, as a server may take a write of a run whose lock was forced.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final

import msgspec
from msgspec import Struct

from reconciler.errors import StateError
from reconciler.runtime.concurrency import to_the_end
from reconciler.state.deadlines import REQUEST_SECONDS
from reconciler.state.stores import lease as leases
from reconciler.state.stores.clocks import Clocks
from reconciler.state.stores.holder import Holder
from reconciler.state.stores.holding import RETRY_SECONDS, TRIES, Holding
from reconciler.state.stores.lease import LEASE_SECONDS, Lease, Tenure
from reconciler.state.stores.page_document import Document, Kept, decode, document_of, encode
from reconciler.state.stores.primitives import CALL_SECONDS, Changed, Held, Page, Sheet, Unheard

BEAT_SECONDS: Final = 30.0
"""How often what was recorded is written; a run that records nothing renews at every second beat."""


class PageHolder(Holding):
    """One run that has, or had, the lease in *page*."""

    def __init__(
        self,
        page: Page,
        clocks: Clocks,
        holder: Holder,
        *,
        settle: float,
        waiting: Callable[[str], None],
    ) -> None:
        super().__init__(page.place, clocks, holder, settle=settle, waiting=waiting)
        self.kept = Kept()
        """What the document holds besides the lease, as it was read, or last written."""
        self._page = page
        self._serial = 0
        self._version = ""
        self._lock = lock_info(holder, self.nonce)
        self._is_locked = False
        self._taken = False
        self._one_at_a_time = asyncio.Lock()
        self._beats: asyncio.Task[None] | None = None

    # Taking it.

    async def acquire(self, patience: float, beat: Callable[[], Awaitable[bool]]) -> None:
        """Take the lock and the lease; wait at most *patience* seconds for another holder.

        From then on *beat* is called every `BEAT_SECONDS`; it returns whether it has written. Raises
        StateError.
        """
        failures = 0
        while not self._taken:
            try:
                if not self._is_locked:
                    await self._take_lock(patience)
                sheet = await self._read_and_compare_clocks()
                now = self._clocks.wall()
                before = None if sheet.data is None else decode(sheet.data, self._place)
                if before is not None and before.lease.nonce != self.nonce and before.lease.is_held(now):
                    at_most = before.lease.expiry - now
                    await self.wait_for_other(str(before.lease.info(now)), patience, at_most=at_most)
                else:
                    await to_the_end(self._try(sheet, before))
            except Unheard as error:
                failures += 1
                if failures >= TRIES:
                    raise StateError(
                        f"the lease of the state `{self._place}` cannot be taken: {error}",
                        hint="run the command again once the store answers",
                    ) from error
                await self._clocks.sleep(0.5 * 2**failures)
        self._beats = asyncio.create_task(self._go_on(beat))

    async def _take_lock(self, patience: float) -> None:
        """Take the server's lock once; wait a little if another has it."""
        try:
            await to_the_end(self._lock_page())
        except Held as held:
            await self.wait_for_other(who_holds(held.info), patience)
        except Unheard:
            with suppress(Unheard, StateError):
                await self._page.unlock(self._lock)  # it may be ours
            raise

    async def _lock_page(self) -> None:
        await self._page.lock(self._lock)
        self._is_locked = True

    async def _read_and_compare_clocks(self) -> Sheet:
        """Return the document; raises StateError if the server's clock differs from ours."""
        asked = self._clocks.wall()
        sheet = await self._page.read()
        if sheet.date is not None:
            leases.check_clock(
                self._place, asked=asked, heard=self._clocks.wall(), modified=sheet.date.timestamp()
            )
        return sheet

    async def _try(self, sheet: Sheet, before: Document | None) -> None:
        """Write the lease in; raises Unheard if it is not known to be there."""
        if not self._is_locked:
            return
        asked = (self._clocks.wall(), self._clocks.steady())
        if before is None:
            lease, kept, serial = leases.first(self._holder, self.nonce, now=asked[0]), Kept(), 0
        else:
            kept, serial = before.kept, before.serial
            lease = (
                before.lease.renewed(asked[0])  # taken by a write whose answer was lost
                if before.lease.nonce == self.nonce
                else before.lease.taken(self._holder, self.nonce, now=asked[0], settle=self._settle)
            )
        try:
            self._version = await self._page.replace(
                encode(document_of(serial + 1, lease, kept)), sheet.version
            )
        except Changed as error:  # another was faster, which the next look tells
            raise Unheard(str(error) or "the write is refused") from error
        except Unheard:
            await self._let_it_land(asked[1])
            raise
        self.kept, self._serial = kept, serial + 1
        self._tenure, self._taken = Tenure(lease, self._clocks, asked_at=asked), True
        if before is not None and before.lease.free:
            self._tenure.not_before = before.lease.expiry

    async def _let_it_land(self, asked: float) -> None:
        """Wait out the time limit of a write without comparison that was begun at *asked* and not heard."""
        if not self._page.swaps:
            await self._clocks.sleep(max(asked + CALL_SECONDS - self._clocks.steady(), 0))

    # Keeping it.

    async def _go_on(self, beat: Callable[[], Awaitable[bool]]) -> None:
        pause = BEAT_SECONDS
        while self._fenced is None and self._lapsing is None:
            await self._clocks.sleep(pause)
            pause = BEAT_SECONDS
            try:
                if not await beat() and self._tenure.left() < LEASE_SECONDS - 1.5 * BEAT_SECONDS:
                    await self.put(None)
            except StateError:  # such as credentials that are renewed later
                pause = RETRY_SECONDS
            self._watch()

    def _watch(self) -> None:
        if self._tenure.left() <= REQUEST_SECONDS:
            self._lapse("it could not be renewed in time")

    async def put(self, make: Callable[[], Kept] | None) -> None:
        """Write what *make* returns (None: what is there) and a renewed lease; repeats until it is heard.

        Raises StateError if somebody else has taken over, and once the lease has ended.
        """
        async with self._one_at_a_time:
            kept = self.kept if make is None else make()
            while not await self._put(kept):
                pass

    async def write_under_way(self) -> None:
        """Return once no write is under way."""
        async with self._one_at_a_time:
            pass

    async def _put(self, kept: Kept) -> bool:
        """Write once; return whether that was heard."""
        self.check_not_fenced()
        asked = (self._clocks.wall(), self._clocks.steady())
        lease = self._tenure.lease.renewed(asked[0])
        try:
            if not self._page.swaps:
                await self._adopt_or_lose()
                self.check_not_fenced()
                self._check_not_ended()
            self._serial += 1
            data = encode(document_of(self._serial, lease, kept))
            self._version = await self._page.replace(data, self._version)
        except (Changed, Unheard) as error:
            self._watch()
            await self._after(error, asked[1])
            return False
        self._tenure.heard(lease, asked)
        self.kept = kept
        return True

    def _check_not_ended(self) -> None:
        """Raise StateError once the lease has ended: a server without comparison would take the write."""
        if self._tenure.left() <= 0:
            self._lapse("it could not be renewed in time")
            self.check_kept()

    async def _after(self, error: Changed | Unheard, asked: float) -> None:
        """See who is there after a write that was refused or not heard, and wait before the next."""
        if isinstance(error, Changed):
            with suppress(Unheard):
                await self._adopt_or_lose(is_locked=self._page.swaps)
            self.check_not_fenced()
            error = Unheard(str(error) or "the write is refused")
        await self.pause_before_retry(error)
        await self._let_it_land(asked)
        if self._page.swaps:
            with suppress(Unheard):
                await self._adopt_or_lose()

    async def _adopt_or_lose(self, *, is_locked: bool = True) -> None:
        """Take the version of our own document, or note that another's is there, or took the lock."""
        sheet = await self._page.read()
        found = None if sheet.data is None else decode(sheet.data, self._place)
        if self.owns(None if found is None else found.lease) and found is not None:
            self._version, self._serial = sheet.version, max(self._serial, found.serial)
            if not is_locked:
                self.fenced("its lock was forced")

    # Giving it up.

    async def release(self, last: Callable[[], Kept], *, unsettled: bool) -> None:
        """Write what *last* returns with a released lease, then release the lock.

        *unsettled* says that creates may be open. Writes nothing once another has taken over.
        """
        if self._beats is not None:
            async with self._one_at_a_time:  # a write that is cancelled could still arrive
                self._beats.cancel()
            await asyncio.wait([self._beats])
        if self._taken:
            await self._free(last(), unsettled=unsettled)
        if self._is_locked and self._fenced is None:
            for _ in range(TRIES):
                with suppress(Unheard, StateError):
                    await self._page.unlock(self._lock)
                    return
                await self._clocks.sleep(1.0)

    async def _free(self, kept: Kept, *, unsettled: bool) -> None:
        """Write the released lease, as often as it takes while it is ours."""
        lease = self._released(unsettled=unsettled)
        async with self._one_at_a_time:
            for _ in range(TRIES):
                if self._fenced is not None:
                    return
                with suppress(Unheard, StateError):
                    if self._tenure.left() <= 0:  # too late to write, and the loss is to be told
                        await self._is_free()
                        return
                    if await self._free_once(lease, kept):
                        return

    async def _free_once(self, lease: Lease, kept: Kept) -> bool:
        """Write the released lease once; return whether it is there."""
        asked = self._clocks.steady()
        with suppress(Changed):
            try:
                if self._page.swaps or not await self._is_free():
                    self._serial += 1
                    data = encode(document_of(self._serial, lease, kept))
                    await self._page.replace(data, self._version)
            except Unheard:
                await self._clocks.sleep(1.0)
                await self._let_it_land(asked)
            else:
                return True
        return await self._is_free()

    async def _is_free(self) -> bool:
        """Return whether our lease is released already; if not, take its version, or note its loss."""
        sheet = await self._page.read()
        found = None if sheet.data is None else decode(sheet.data, self._place)
        if found is not None and found.lease.nonce == self.nonce and found.lease.free:
            return True
        if self.owns(None if found is None else found.lease) and found is not None:
            self._version, self._serial = sheet.version, max(self._serial, found.serial)
        return self.is_fenced


class _Lock(Struct, rename="pascal", omit_defaults=True):
    """What Terraform's HTTP protocol calls lock info."""

    id: str = msgspec.field(default="", name="ID")
    operation: str = ""
    info: str = ""
    who: str = ""
    version: str = ""
    created: str = ""
    path: str = ""


def lock_info(holder: Holder, nonce: str) -> bytes:
    """Return the lock info of *holder*, whose lock has the id *nonce*."""
    who = f"{holder.who} (`{holder.command}`, pid {holder.pid})"
    lock = {
        "ID": nonce,
        "Operation": holder.command,
        "Info": holder.run,
        "Who": who,
        "Version": "reconciler",
        "Created": holder.since,
        "Path": "",
    }
    return msgspec.json.encode(lock)


def who_holds(info: bytes) -> str:
    """Return for a person who has a lock with that *info*, which a stranger may have written."""
    try:
        lock = msgspec.json.decode(info, type=_Lock)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return "another run"
    text = f"{lock.who or 'another run'}{f' since {lock.created}' if lock.created else ''}"
    return "".join(char if char.isprintable() else "?" for char in text[:200])
