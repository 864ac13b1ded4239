"""What a run knows of its own lease, wherever that is stored: what is left of it, and whether it was lost."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from typing import Final, Generic, TypeVar

from reconciler.errors import Locked, NotSent, StateError
from reconciler.state.stores import lease as leases
from reconciler.state.stores.clocks import Clocks
from reconciler.state.stores.holder import Holder
from reconciler.state.stores.lease import Lease, Tenure
from reconciler.state.stores.primitives import Unheard

RETRY_SECONDS: Final = 5.0
TRIES: Final = 5
_LONGEST_POLL: Final = 5.0


class Holding:
    """One run that wants, has or had the lease of the state at *place*.

    *settle* is its settle window in seconds. *waiting* is called with a sentence before it waits.
    """

    def __init__(
        self, place: str, clocks: Clocks, holder: Holder, *, settle: float, waiting: Callable[[str], None]
    ) -> None:
        self.nonce = os.urandom(16).hex()
        self._place = place
        self._clocks = clocks
        self._holder = holder
        self._settle = settle
        self._waiting = waiting
        self._tenure: Tenure
        """What is left of the lease; set once it is taken."""
        self._stops: list[Callable[[], None]] = []
        self._fenced: StateError | None = None
        """Set once another holder was seen: from then on nothing is written."""
        self._lapsing: StateError | None = None
        """Set once the lease could not be renewed in time: from then on nothing is sent."""
        self._began: float | None = None
        self._poll = 1.0

    @property
    def epoch(self) -> int:
        """The epoch of the lease."""
        return self._tenure.lease.epoch

    @property
    def is_fenced(self) -> bool:
        """Whether another holder was seen."""
        return self._fenced is not None

    @property
    def loss(self) -> StateError | None:
        """Why the lease is lost, or could not be renewed in time; None while it is held."""
        return self._fenced or self._lapsing

    # Waiting for others.

    async def wait_for_other(self, other: str, patience: float, *, at_most: float = _LONGEST_POLL) -> None:
        """Wait a little, *at_most* so many seconds, for *other*, who holds the lock.

        Raises StateError once *patience* seconds have passed since the first call.
        """
        now = self._clocks.steady()
        began = now if self._began is None else self._began
        left = began + patience - now
        if left <= 0:
            raise Locked(
                f"the state `{self._place}` is locked by {other}; waited {patience:g} s",
                hint="let it finish, or wait longer with `--lock-timeout SECONDS`; the lease of a run that "
                "died ends by itself, or at once with `reconciler state unlock`",
            )
        if self._began is None:
            self._began = now
            self._waiting(f"waiting for the lock of the state, which is held by {other}")
        await self._clocks.sleep(min(self._poll, left, max(at_most, 0.05)))
        self._poll = min(self._poll * 2, _LONGEST_POLL)

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
            await self._clocks.sleep(min(left, RETRY_SECONDS))
            left = moment - self._clocks.wall()
        self.check_kept()

    # Losing it.

    async def _adopt_or_lose(self) -> None:
        """Take the version of our own lease as it is stored, or note that it is another's; raises Unheard."""
        raise NotImplementedError

    def owns(self, lease: Lease | None) -> bool:
        """Return whether *lease*, as it is stored, is still that of this run; else note the loss."""
        if lease is None:
            self._lose(self._taken_over("its lease was deleted"))
        elif lease.nonce != self.nonce:
            self._lose(self._taken_over(f"it was taken over by {lease.holder}"))
        elif lease.free:
            self._lose(self._taken_over("it was unlocked by `reconciler state unlock`"))
        else:
            return True
        return False

    def fenced(self, by: str) -> StateError:
        """Note that another run took over, and return the error that says so."""
        if self._fenced is None:
            self._lose(self._taken_over(f"another run took over ({by})"))
        assert self._fenced is not None  # noqa: S101 - just set
        return self._fenced

    def _taken_over(self, what: str) -> StateError:
        return StateError(
            f"the state `{self._place}` is no longer held by this run: {what}",
            hint="what this run sent is looked up by the other; let it finish, then run the command again",
        )

    def _lose(self, error: StateError) -> None:
        self._fenced = self._fenced or error
        self._stop()

    def _lapse(self, why: str) -> None:
        self._lapsing = self._lapsing or StateError(
            f"the lease of the state `{self._place}` ended before the run did: {why}",
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

    # Asking.

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
        if error := self.loss:
            raise error

    async def pause_before_retry(self, error: Unheard) -> None:
        """Wait before a write is tried again; raises StateError once the lease has ended or is lost."""
        if self._tenure.left() <= 0:
            with suppress(Unheard):
                await self._adopt_or_lose()
            self.check_not_fenced()
            raise StateError(
                f"the state `{self._place}` could not be written: {error}",
                hint="run the command again once the store answers: it finds out what was in flight",
            ) from error
        await self._clocks.sleep(1.0)

    def _released(self, *, unsettled: bool) -> Lease:
        """Return the lease as this run leaves it; *unsettled* says that creates may be open."""
        now, lease = self._clocks.wall(), self._tenure.lease
        quiet = max(lease.quiet, leases.quiet_from(now, self._settle)) if unsettled else lease.quiet
        not_before = self._tenure.not_before if self._tenure.not_before > now else 0.0
        return lease.released(quiet=quiet, not_before=not_before)


H = TypeVar("H", bound=Holding)


class Leased(Generic[H]):
    """The part of a store that asks the run which holds its lease; the store takes and releases it."""

    _held: H | None = None
    _loss: StateError | None = None
    """Why the lease that was released last had been lost; None if it was not."""

    @property
    def place(self) -> str:
        """The address."""
        raise NotImplementedError

    def may_send(self) -> None:
        """Return if a request may be handed over; raises NotSent."""
        self._holding().may_send()

    def on_loss(self, stop: Callable[[], None]) -> None:
        """Let *stop* be called once the lease is lost."""
        self._holding().on_loss(stop)

    def check_kept(self) -> None:
        """Raise StateError if the lease was lost since it was taken, also once it is released."""
        if error := self._loss if self._held is None else self._held.loss:
            raise error

    def _holding(self) -> H:
        if self._held is None:
            raise StateError(
                f"the state `{self.place}` is not locked by this run, so it can change nothing",
                hint="report this with the command that you ran",
            )
        return self._held

    def _check_lineage(self, stored: str | None, given: str) -> None:
        """Raise StateError if a state of another lineage is *stored*; None if there is none."""
        if stored not in (None, given):
            raise StateError(
                f"the state `{self.place}` has another lineage: {stored}, not {given}",
                hint="these are two histories; name another place for this one with `--state`",
            )
