"""The holder of a lease in objects: takes it, renews it, notices its loss, and releases it."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from reconciler.errors import NotSent, StateError
from reconciler.state.deadlines import REQUEST_SECONDS
from reconciler.state.stores import lease as leases
from reconciler.state.stores.clocks import Clocks
from reconciler.state.stores.holder import Holder
from reconciler.state.stores.lease import LEASE_SECONDS, Lease, Tenure
from reconciler.state.stores.primitives import Blob, Blobs, Changed, Exists, Unheard
from reconciler.state.stores.segments import LEASE

_LONGEST_POLL: Final = 5.0
_RETRY: Final = 5.0
_TRIES: Final = 5


class Leaseholder:
    """One run that has, or had, the lease of the state in *blobs*.

    *settle* is its settle window in seconds. *waiting* is called with a sentence before it waits.
    """

    def __init__(
        self,
        blobs: Blobs,
        clocks: Clocks,
        holder: Holder,
        *,
        settle: float,
        waiting: Callable[[str], None],
    ) -> None:
        self.nonce = os.urandom(16).hex()
        self._blobs = blobs
        self._clocks = clocks
        self._holder = holder
        self._settle = settle
        self._waiting = waiting
        self._etag = ""
        self._tenure: Tenure
        """What is left of the lease; set by `acquire`."""
        self._taken = False
        self._stops: list[Callable[[], None]] = []
        self._fenced: StateError | None = None
        """Set once another holder was seen: from then on nothing is written."""
        self._lapsing: StateError | None = None
        """Set once the lease could not be renewed in time: from then on nothing is sent."""
        self._renewal: asyncio.Task[None] | None = None

    @property
    def epoch(self) -> int:
        """The epoch of the lease."""
        return self._tenure.lease.epoch

    @property
    def is_fenced(self) -> bool:
        """Whether another holder was seen."""
        return self._fenced is not None

    # Taking it.

    async def acquire(self, patience: float) -> None:
        """Take the lease; wait at most *patience* seconds for another holder. Raises StateError."""
        clocks, began, told, poll, failures = self._clocks, self._clocks.steady(), False, 1.0, 0
        while True:
            try:
                found = await self._blobs.get(LEASE)
                now = clocks.wall()
                before = None if found is None else leases.decode(found.data, self._blobs.place)
                if before is not None and before.nonce != self.nonce and before.is_held(now):
                    left = began + patience - clocks.steady()
                    if left <= 0:
                        raise self._locked(before, patience)
                    if not told:
                        told = True
                        self._waiting(
                            f"waiting for the lock of the state, which is held by {before.info(now)}"
                        )
                    await clocks.sleep(min(poll, left, max(before.expiry - now, 0.05)))
                    poll = min(poll * 2, _LONGEST_POLL)
                    continue
                if await self._try(found, before):
                    break
            except Unheard as error:
                failures += 1
                if failures >= _TRIES:
                    raise StateError(
                        f"the lease of the state `{self._blobs.place}` cannot be taken: {error}",
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
                    self._blobs.place, asked=asked[0], heard=heard, modified=written.modified.timestamp()
                )
            except StateError:
                await self.release(unsettled=False)
                raise
        return True

    async def _look(self) -> Blob | None:
        for _ in range(_TRIES):
            with suppress(Unheard):
                return await self._blobs.get(LEASE)
            await self._clocks.sleep(1.0)
        return None

    def _locked(self, lease: Lease, patience: float) -> StateError:
        return StateError(
            f"the state `{self._blobs.place}` is locked by {lease.info(self._clocks.wall())}; "
            f"waited {patience:g} s",
            hint="let it finish, or wait longer with `--lock-timeout SECONDS`; the lease of a run that died "
            "ends by itself, or at once with `reconciler state unlock`",
        )

    async def wait_until_quiet(self) -> None:
        """Wait until no request of an earlier run can be on its way, so that "not found" counts."""
        await self._wait_until(
            self._tenure.lease.quiet, "until no request of the run before can be on its way"
        )

    async def wait_until_allowed(self) -> None:
        """Wait until a run that was unlocked can send nothing more."""
        await self._wait_until(self._tenure.not_before, "until the lease of the run that was unlocked ends")

    async def _wait_until(self, moment: float, why: str) -> None:
        left = moment - self._clocks.wall()
        if left > 0:
            self._waiting(f"waiting {left:.0f} s {why}")
        while left > 0 and self._fenced is None and self._lapsing is None:
            await self._clocks.sleep(min(left, _RETRY))
            left = moment - self._clocks.wall()
        self.check_kept()

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
            pause = _RETRY
            with suppress(Unheard):
                await self._adopt_or_lose()
        except StateError:  # such as credentials that are renewed later
            pause = _RETRY
        if self._tenure.left() <= REQUEST_SECONDS:
            self._lapse("it could not be renewed in time")
        return pause

    async def _adopt_or_lose(self) -> None:
        """Take the version of our own lease, whose write was not heard, or note that it is another's."""
        found = await self._blobs.get(LEASE)
        lease = None if found is None else leases.decode(found.data, self._blobs.place)
        if found is None or lease is None:
            self._lose(self._taken_over("its lease was deleted"))
        elif lease.nonce != self.nonce:
            self._lose(self._taken_over(f"it was taken over by {lease.holder}"))
        elif lease.free:
            self._lose(self._taken_over("it was unlocked by `reconciler state unlock`"))
        else:
            self._etag = found.etag

    def fenced(self, by: str) -> StateError:
        """Note that another run took over, and return the error that says so."""
        if self._fenced is None:
            self._lose(self._taken_over(f"another run took over ({by})"))
        assert self._fenced is not None  # noqa: S101 - just set
        return self._fenced

    def _taken_over(self, what: str) -> StateError:
        return StateError(
            f"the state `{self._blobs.place}` is no longer held by this run: {what}",
            hint="what this run sent is looked up by the other; let it finish, then run the command again",
        )

    def _lose(self, error: StateError) -> None:
        self._fenced = self._fenced or error
        self._stop()

    def _lapse(self, why: str) -> None:
        self._lapsing = self._lapsing or StateError(
            f"the lease of the state `{self._blobs.place}` ended before the run did: {why}",
            hint="run the command again: it finds out what was in flight, and does the rest",
        )
        self._stop()

    def _stop(self) -> None:
        stops, self._stops = self._stops, []
        for stop in stops:
            stop()

    def on_loss(self, stop: Callable[[], None]) -> None:
        """Call *stop* once the lease is lost or cannot be kept; at once if it is already."""
        self._stops.append(stop)
        if self._fenced is not None or self._lapsing is not None:
            self._stop()

    def may_send(self) -> None:
        """Return if a request that is handed over now ends before the lease; raises NotSent."""
        if self._fenced is not None:
            raise NotSent("not sent: another run has taken over the state")
        self._tenure.may_send()

    def check_not_fenced(self) -> None:
        """Raise StateError once another holder was seen."""
        if self._fenced is not None:
            raise self._fenced

    def check_kept(self) -> None:
        """Raise StateError once the lease was lost or not renewed in time."""
        if error := self._fenced or self._lapsing:
            raise error

    async def pause_before_retry(self, error: Unheard) -> None:
        """Wait before a write is tried again; raises StateError once the lease has ended."""
        if self._tenure.left() <= 0:
            raise StateError(
                f"the state `{self._blobs.place}` could not be written: {error}",
                hint="run the command again once the store answers: it finds out what was in flight",
            ) from error
        await self._clocks.sleep(1.0)

    # Giving it up.

    async def release(self, *, unsettled: bool) -> None:
        """Release the lease, unless it is another's by now; *unsettled* says that creates may be open."""
        if not self._taken:
            return
        if self._renewal is not None:
            self._renewal.cancel()
            await asyncio.wait([self._renewal])
        now = self._clocks.wall()
        quiet = self._tenure.lease.quiet
        if unsettled:
            quiet = max(quiet, leases.quiet_from(now, self._settle))
        not_before = self._tenure.not_before if self._tenure.not_before > now else 0.0
        data = leases.encode(self._tenure.lease.released(quiet=quiet, not_before=not_before))
        for _ in range(_TRIES):
            if self._fenced is not None:
                return
            try:
                await self._blobs.swap(LEASE, data, self._etag)
            except Changed:
                with suppress(Unheard):
                    await self._adopt_or_lose()
            except (Unheard, StateError):
                await self._clocks.sleep(1.0)
                with suppress(Unheard):
                    await self._adopt_or_lose()
            else:
                return
