"""The rules of the protocol, each taken out of our own code: without any of them, histories go wrong."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

import pytest
from msgspec import Struct, structs

from reconciler.applier.windows import Windows
from reconciler.operations.apply_saved import apply_saved
from reconciler.operations.session import Settings
from reconciler.plans.actions import Action
from reconciler.plans.outcome import Outcome
from reconciler.plans.planfile import SavedPlan
from reconciler.state import edit
from reconciler.state.model import State
from reconciler.state.stores import lease as leases
from reconciler.state.stores.lease import Lease, Tenure
from reconciler.state.stores.leaseholder import Leaseholder
from reconciler.state.stores.object_reader import Loaded
from reconciler.state.stores.object_writer import Writer
from reconciler.state.stores.objects import Objects
from reconciler.state.stores.primitives import Unheard
from reconciler.state.stores.segments import HEAD, LEASE, SEGMENTS, SNAPSHOTS, Head, segment_name
from tests.simulation import run
from tests.simulation.mixes import (
    ANY,
    CONTENDED,
    DREAMING,
    EDITED,
    HALTED,
    NAPPING,
    REVIEWED,
    SKEWED,
    SLEEPY,
    TAKEN,
    UNLOCKED,
    Mix,
)
from tests.simulation.network import Away

Patch = pytest.MonkeyPatch


class Mutant(Struct, frozen=True):
    """Our own code without one rule."""

    name: str
    rule: int
    """The rule of the protocol, by its number in the design."""
    take_out: Callable[[Patch], None]
    """Takes the rule out, until the patch is undone."""
    mix: Mix
    """The trouble in which it matters."""
    seed: int
    """The first history to look at: one that was seen to go wrong."""


def _deleted_lease(patch: Patch) -> None:
    async def release(self: Leaseholder, *, unsettled: bool) -> None:
        del unsettled
        if self._taken and self._renewal is not None:
            self._renewal.cancel()
            await asyncio.wait([self._renewal])
            with suppress(Unheard):
                await self._blobs.delete([LEASE])

    patch.setattr(Leaseholder, "release", release)


def _unheard_renewal(patch: Patch) -> None:
    real = Leaseholder._renew_once

    async def renew_once(self: Leaseholder) -> float:
        asked = (self._clocks.wall(), self._clocks.steady())
        self._tenure.heard(self._tenure.lease.renewed(asked[0]), asked)
        return await real(self)

    patch.setattr(Leaseholder, "_renew_once", renew_once)


def _uncompared_clocks(patch: Patch) -> None:
    patch.setattr(leases, "check_clock", lambda *_args, **_given: None)


def _overwritten_segments(patch: Patch) -> None:
    real = Away.create

    async def create(self: Away, name: str, data: bytes) -> str:
        if name.startswith(SEGMENTS):
            self.objects.blobs.pop(name, None)
        return await real(self, name, data)

    patch.setattr(Away, "create", create)


def _no_fence(patch: Patch) -> None:
    async def fence(self: Objects, held: Leaseholder, head: Head, number: int) -> int:
        del held, head
        while await self._reader.get(segment_name(number)) is not None:
            number += 1
        return number

    async def take_over(self: Objects, held: Leaseholder) -> Loaded | None:
        del held
        loaded = await self._reader.load()
        if loaded is not None:
            self._next = loaded.head.base + len(loaded.tail)
        return loaded

    patch.setattr(Objects, "_fence", fence)
    patch.setattr(Objects, "_take_over", take_over)


def _unannounced(patch: Patch) -> None:
    async def reach(self: Windows, action: Action) -> None:
        number = self._numbers[action.address]
        self._begin(number)
        self._begin(number + 1)

    patch.setattr(Windows, "reach", reach)


def _no_deadline(patch: Patch) -> None:
    patch.setattr(Tenure, "may_send", lambda _self: None)


def _clock_that_ignores_sleep(patch: Patch) -> None:
    def left(self: Tenure) -> float:
        return self._ends[1] - self._clocks.steady()

    patch.setattr(Tenure, "left", left)


def _unlock_without_end(patch: Patch) -> None:
    def freed(self: Lease, settle: float) -> Lease:
        del settle
        return structs.replace(self, free=True, expiry=0.0)

    patch.setattr(Lease, "freed", freed)


def _fresh_version_of_head(patch: Patch) -> None:
    real = Writer.swap_head

    async def swap_head(self: Writer, held: Leaseholder, head: Head, etag: str) -> str:
        found = await self._reader.get(HEAD)
        return await real(self, held, head, etag if found is None else found.etag)

    patch.setattr(Writer, "swap_head", swap_head)


def _deletion_before_the_swap(patch: Patch) -> None:
    real = Objects._publish

    async def publish(self: Objects, held: Leaseholder, head: Head) -> None:
        gone = [segment_name(one.header.number) for one in self._tail]
        if self._head is not None:
            gone.append(self._head.snapshot)
        with suppress(Unheard):
            await self._blobs.delete(gone)
        await real(self, held, head)

    patch.setattr(Objects, "_publish", publish)


def _no_quiet_time(patch: Patch) -> None:
    async def wait_until_quiet(self: Leaseholder) -> None:
        del self

    patch.setattr(Leaseholder, "wait_until_quiet", wait_until_quiet)


def _quiet_not_handed_on(patch: Patch) -> None:
    real = Leaseholder._released

    def released(self: Leaseholder, *, unsettled: bool) -> Lease:
        return structs.replace(real(self, unsettled=unsettled), quiet=0.0)

    patch.setattr(Leaseholder, "_released", released)


def _folds_that_delete_by_listing(patch: Patch) -> None:
    real = Objects._publish

    async def publish(self: Objects, held: Leaseholder, head: Head) -> None:
        await real(self, held, head)
        with suppress(Unheard):
            gone = [one for one in await self._blobs.names(SNAPSHOTS) if one != head.snapshot]
            gone += [one for one in await self._blobs.names(SEGMENTS) if one < segment_name(head.base)]
            await self._blobs.delete(gone)

    patch.setattr(Objects, "_publish", publish)


def _state_read_before_the_fence(patch: Patch) -> None:
    async def take_over(self: Objects, held: Leaseholder) -> Loaded | None:
        loaded = await self._reader.load()
        if loaded is not None:
            number = loaded.head.base + len(loaded.tail)
            self._next = await self._fence(held, loaded.head, number) + 1
        return loaded

    patch.setattr(Objects, "_take_over", take_over)


def _lease_swapped_in_any_version(patch: Patch) -> None:
    real = Away.swap

    async def swap(self: Away, name: str, data: bytes, etag: str) -> str:
        if name != LEASE:
            return await real(self, name, data, etag)

        async def act() -> str:
            return self.objects.put(name, data, self.now())

        return await self._call("swap", act)

    patch.setattr(Away, "swap", swap)


def _serial_not_compared(patch: Patch) -> None:
    async def apply_whatever_the_serial(saved: SavedPlan, settings: Settings, **given: Any) -> Outcome:
        state = await settings.store().read()
        if state is not None:
            saved = structs.replace(saved, plan=structs.replace(saved.plan, serial=state.serial))
        return await apply_saved(saved, settings, **given)

    patch.setattr(run, "apply_saved", apply_whatever_the_serial)


def _older_state_pushed(patch: Patch) -> None:
    patch.setattr(edit, "check_successor", lambda *_args, **_given: None)


def _no_marker(patch: Patch) -> None:
    async def mark(self: Objects, state: State, moved_to: str) -> None:
        del self, state, moved_to

    patch.setattr(Objects, "mark", mark)


def _numbers_from_one(patch: Patch) -> None:
    patch.setattr(Objects, "next_serial", lambda self, _state: self._next)


MUTANTS: Final = (
    Mutant("a lease deleted at release", 1, _deleted_lease, ANY, 3),
    Mutant("an unheard renewal counts", 1, _unheard_renewal, ANY, 32),
    Mutant("clocks that are not compared", 1, _uncompared_clocks, SKEWED, 101),
    Mutant("a lease swapped in any version", 1, _lease_swapped_in_any_version, CONTENDED, 32),
    Mutant("segments that are overwritten", 2, _overwritten_segments, UNLOCKED, 0),
    Mutant("no fence", 3, _no_fence, TAKEN, 26),
    Mutant("a state that is read before the fence", 3, _state_read_before_the_fence, TAKEN, 29),
    Mutant("creates sent before they are announced", 4, _unannounced, ANY, 36),
    Mutant("no send deadline", 5, _no_deadline, DREAMING, 33),
    Mutant("a clock that ignores sleep", 5, _clock_that_ignores_sleep, DREAMING, 52),
    Mutant("an unlock that ends the lease at once", 6, _unlock_without_end, TAKEN, 41),
    Mutant("no quiet time", 6, _no_quiet_time, TAKEN, 22),
    Mutant("a quiet time that is not handed on", 6, _quiet_not_handed_on, HALTED, 5),
    Mutant("a head swapped in a fresh version", 7, _fresh_version_of_head, SLEEPY, 45),
    Mutant("folds that delete by listing", 7, _folds_that_delete_by_listing, NAPPING, 95),
    Mutant("folds that delete before they swap", 7, _deletion_before_the_swap, ANY, 108),
    Mutant("saved plans that are not compared", 8, _serial_not_compared, REVIEWED, 7),
    Mutant("an older state that is pushed", 8, _older_state_pushed, EDITED, 1),
    Mutant("a move that leaves no marker", 8, _no_marker, EDITED, 8),
    Mutant("numbers that begin anew at another place", 8, _numbers_from_one, EDITED, 0),
)
