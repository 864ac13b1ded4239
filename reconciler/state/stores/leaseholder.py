"""The holder of a lease in objects: takes it, renews it, notices its loss, and releases it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress

from reconciler.errors import StateError
from reconciler.runtime.concurrency import to_the_end
from reconciler.state.deadlines import REQUEST_SECONDS
from reconciler.state.stores import lease as leases
from reconciler.state.stores.clocks import Clocks
from reconciler.state.stores.holder import Holder
from reconciler.state.stores.holding import RETRY_SECONDS, TRIES, Holding
from reconciler.state.stores.lease import LEASE_SECONDS, Lease, Tenure
from reconciler.state.stores.primitives import Blob, Blobs, Changed, Exists, Unheard
from reconciler.state.stores.segments import LEASE


class Leaseholder(Holding):
    """One run that has, or had, the lease of the state in *blobs*."""

    def __init__(
        self,
        blobs: Blobs,
        clocks: Clocks,
        holder: Holder,
        *,
        settle: float,
        waiting: Callable[[str], None],
    ) -> None:
        super().__init__(blobs.place, clocks, holder, settle=settle, waiting=waiting)
        self._blobs = blobs
        self._etag = ""
        self._taken = False
        self._renewal: asyncio.Task[None] | None = None

    # Taking it.

    async def acquire(self, patience: float) -> None:
        """Take the lease; wait at most *patience* seconds for another holder. Raises StateError."""
        clocks, failures = self._clocks, 0
        while True:
            try:
                found = await self._blobs.get(LEASE)
                now = clocks.wall()
                before = None if found is None else leases.decode(found.data, self._place)
                if before is not None and before.nonce != self.nonce and before.is_held(now):
                    await self.wait_for_other(str(before.info(now)), patience, at_most=before.expiry - now)
                elif await to_the_end(self._try(found, before)):
                    break
            except Unheard as error:
                failures += 1
                if failures >= TRIES:
                    raise StateError(
                        f"the lease of the state `{self._place}` cannot be taken: {error}",
                        hint="run the command again once the store answers",
                    ) from error
                await clocks.sleep(0.5 * 2**failures)
        self._renewal = asyncio.create_task(self._renew())

    async def _try(self, found: Blob | None, before: Lease | None) -> bool:
        """Swap the lease in; return whether that was heard, and the clocks agree."""
        asked = (self._clocks.wall(), self._clocks.steady())
        try:
            if found is None or before is None:
                lease = leases.first(self._holder, self.nonce, now=asked[0])
                self._etag = await self._blobs.create(LEASE, leases.encode(lease))
            else:
                lease = (
                    before.renewed(asked[0])  # taken by a swap whose answer was lost
                    if before.nonce == self.nonce
                    else before.taken(self._holder, self.nonce, now=asked[0], settle=self._settle)
                )
                self._etag = await self._blobs.swap(LEASE, leases.encode(lease), found.etag)
        except (Exists, Changed):
            return False
        heard = self._clocks.wall()
        self._tenure, self._taken = Tenure(lease, self._clocks, asked_at=asked), True
        if before is not None and before.free:
            self._tenure.not_before = before.expiry
        written = await self._look()
        if written is not None and written.etag == self._etag:
            try:
                leases.check_clock(
                    self._place, asked=asked[0], heard=heard, modified=written.modified.timestamp()
                )
            except StateError:
                await self.release(unsettled=False)
                raise
        return True

    async def _look(self) -> Blob | None:
        for _ in range(TRIES):
            with suppress(Unheard):
                return await self._blobs.get(LEASE)
            await self._clocks.sleep(1.0)
        return None

    # Keeping it.

    async def _renew(self) -> None:
        pause = LEASE_SECONDS / 3
        while self._fenced is None and self._lapsing is None:
            await self._clocks.sleep(pause)
            pause = await self._renew_once()

    async def _renew_once(self) -> float:
        """Renew the lease, or note its loss; return the seconds until the next attempt."""
        pause = 0.0
        asked = (self._clocks.wall(), self._clocks.steady())
        lease = self._tenure.lease.renewed(asked[0])
        try:
            self._etag = await self._blobs.swap(LEASE, leases.encode(lease), self._etag)
            self._tenure.heard(lease, asked)
            pause = LEASE_SECONDS / 3
        except Changed:
            with suppress(Unheard):
                await self._adopt_or_lose()
        except Unheard:
            pause = RETRY_SECONDS
            with suppress(Unheard):
                await self._adopt_or_lose()
        except StateError:  # such as credentials that are renewed later
            pause = RETRY_SECONDS
        if self._tenure.left() <= REQUEST_SECONDS:
            self._lapse("it could not be renewed in time")
        return pause

    async def _adopt_or_lose(self) -> None:
        """Take the version of our own lease, whose write was not heard, or note that it is another's."""
        found = await self._blobs.get(LEASE)
        lease = None if found is None else leases.decode(found.data, self._place)
        if self.owns(lease) and found is not None:
            self._etag = found.etag

    async def fenced_by(self, epoch: int) -> StateError:
        """Note that a run of *epoch* took over, and return the error that names it as far as is known."""
        with suppress(Unheard, StateError):
            await self._adopt_or_lose()
        return self.fenced(f"epoch {epoch}")

    # Giving it up.

    async def release(self, *, unsettled: bool) -> None:
        """Release the lease, unless it is another's by now; *unsettled* says that creates may be open."""
        if not self._taken:
            return
        if self._renewal is not None:
            self._renewal.cancel()
            await asyncio.wait([self._renewal])
        data = leases.encode(self._released(unsettled=unsettled))
        for _ in range(TRIES):
            if self._fenced is not None:
                return
            try:
                await self._blobs.swap(LEASE, data, self._etag)
            except (Changed, Unheard, StateError) as error:
                if not isinstance(error, Changed):
                    await self._clocks.sleep(1.0)
                with suppress(Unheard):
                    if await self._is_stored(data):
                        return
            else:
                return

    async def _is_stored(self, data: bytes) -> bool:
        """Return whether the lease is *data*, whose write was not heard; if not, adopt ours, or lose it."""
        found = await self._blobs.get(LEASE)
        if found is not None and found.data == data:
            return True
        await self._adopt_or_lose()
        return False
