"""The lease: who may change a state, until when, and what follows for the next. Nothing here does I/O.

Twilio cannot be fenced: a request of a run that lost its lease may still arrive. So a run sends nothing that
could arrive after its lease (`Tenure.may_send`), and the next run believes "not found" only after `quiet`.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

import msgspec
from msgspec import Struct, structs

from reconciler.errors import NotSent, StateError
from reconciler.state.deadlines import REQUEST_SECONDS
from reconciler.state.stores.clocks import Clocks
from reconciler.state.stores.holder import Holder
from reconciler.state.stores.interface import LockInfo

FORMAT_VERSION: Final = 1
LEASE_SECONDS: Final = 180.0
"""The time from before its request is sent for which a lease is asked."""
SLACK_SECONDS: Final = 5.0
"""The most by which a clock may differ from the store's, and the reserve in every comparison."""


class Lease(Struct, frozen=True, forbid_unknown_fields=True):
    """The lease of a state as it is stored. It is replaced, never deleted: epochs must not repeat."""

    format_version: int
    epoch: int
    """Counts the holders."""
    nonce: str
    """128 random bits in hex, by which a run knows its own writes."""
    holder: Holder
    """For messages."""
    expiry: float
    """When it ends, in seconds since 1970; of a free one: until when nothing may be changed at Twilio."""
    quiet: float = 0.0
    """Since when "not found" counts, in seconds since 1970; requests of earlier runs arrive before."""
    free: bool = False
    """Whether it was released, or freed by `state unlock`."""

    def is_held(self, now: float) -> bool:
        """Return whether somebody holds it at *now*."""
        return not self.free and now < self.expiry

    def quiet_after(self, settle: float) -> float:
        """Return since when "not found" counts for whoever takes it; *settle* is the settle window."""
        return self.quiet if self.free else max(self.quiet, quiet_from(self.expiry, settle))

    def taken(self, holder: Holder, nonce: str, *, now: float, settle: float) -> Lease:
        """Return the lease of the next holder, which begins at *now*."""
        return Lease(
            FORMAT_VERSION,
            self.epoch + 1,
            nonce,
            holder,
            expiry=now + LEASE_SECONDS,
            quiet=self.quiet_after(settle),
        )

    def renewed(self, now: float) -> Lease:
        """Return the lease as it is after a renewal at *now*."""
        return structs.replace(self, expiry=now + LEASE_SECONDS)

    def released(self, *, quiet: float, not_before: float) -> Lease:
        """Return the lease as its holder leaves it."""
        return structs.replace(self, free=True, quiet=quiet, expiry=not_before)

    def freed(self, settle: float) -> Lease:
        """Return the lease as `state unlock` leaves it: its holder may send until the expiry."""
        return structs.replace(self, free=True, quiet=self.quiet_after(settle))

    def info(self, now: float) -> LockInfo:
        """Return it for a person."""
        return LockInfo(self.holder, instant(self.expiry), expired=not self.is_held(now))


def first(holder: Holder, nonce: str, *, now: float) -> Lease:
    """Return the lease of the first holder ever."""
    return Lease(FORMAT_VERSION, 1, nonce, holder, expiry=now + LEASE_SECONDS)


def quiet_from(moment: float, settle: float) -> float:
    """Return since when "not found" counts, if nothing was sent after *moment*."""
    return moment + REQUEST_SECONDS + settle + SLACK_SECONDS


def instant(seconds: float) -> str:
    """Return *seconds* since 1970 as a person reads it: whole seconds of UTC."""
    try:
        return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (OverflowError, ValueError, OSError):
        return "an impossible time"


def encode(lease: Lease) -> bytes:
    """Return the object that holds *lease*."""
    return msgspec.json.encode(lease) + b"\n"


def decode(data: bytes, place: str) -> Lease:
    """Return the lease in *data*; raises StateError for anything else."""
    try:
        lease = msgspec.json.decode(data, type=Lease)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise StateError(
            f"the lease of the state `{place}` cannot be read: it is damaged, or of a newer release",
            hint="upgrade reconciler; or, if nobody else uses that place, name another one with `--state`",
        ) from error
    return lease


class Tenure:
    """The time of one holder: what is left of its lease, by the stricter of two clocks."""

    def __init__(self, lease: Lease, clocks: Clocks, *, asked_at: tuple[float, float]) -> None:
        """*asked_at* are wall and steady clock from before the request that was answered."""
        self.lease = lease
        self._clocks = clocks
        self.not_before = 0.0
        """Until when nothing may be changed at Twilio, in seconds since 1970: an unlocked run may send."""
        self.heard(lease, asked_at)

    def heard(self, lease: Lease, asked_at: tuple[float, float]) -> None:
        """Count on *lease*, whose write was answered."""
        self.lease = lease
        self._ends = (lease.expiry, asked_at[1] + lease.expiry - asked_at[0])

    def left(self) -> float:
        """Return the seconds until the lease ends."""
        wall, steady = self._ends
        return min(wall - self._clocks.wall(), steady - self._clocks.steady())

    def may_send(self) -> None:
        """Return if a request that is handed over now ends before the lease does; else raise NotSent."""
        if not self.left() > REQUEST_SECONDS + SLACK_SECONDS:
            raise NotSent("not sent: the lease of the state could end before the answer comes")
        if self._clocks.wall() < self.not_before:
            raise NotSent(f"not sent: a run that was unlocked may send until {instant(self.not_before)}")


def check_clock(place: str, *, asked: float, heard: float, modified: float) -> None:
    """Raise StateError unless the store's date of a write fits our clock before and after it.

    All are in seconds since 1970; *modified* is cut to whole seconds.
    """
    if asked - SLACK_SECONDS - 1 <= modified <= heard + SLACK_SECONDS:
        return
    raise StateError(
        f"the clock of this machine says {instant(heard)}, and that of the state `{place}` says "
        f"{instant(modified)}",
        hint="set this machine's clock (NTP): leases compare times, and may differ by 5 s at most",
    )
