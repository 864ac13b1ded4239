"""One run: a process, its ways to the store and to the API, and what a command does over them."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime
from random import Random
from typing import Final, cast

from msgspec import Struct, structs

from reconciler.emulator import Emulator
from reconciler.model import Desired
from reconciler.operations.apply import plan_and_apply
from reconciler.operations.apply_saved import apply_saved
from reconciler.operations.migrate import migrate
from reconciler.operations.plan import make_plan
from reconciler.operations.session import Settings
from reconciler.plans.actions import Action
from reconciler.plans.options import Options
from reconciler.plans.outcome import Result
from reconciler.plans.plan import Plan
from reconciler.plans.planfile import SavedPlan
from reconciler.runtime.interrupts import Interrupts
from reconciler.state import document, edit
from reconciler.state.deadlines import SETTLE_SECONDS
from reconciler.state.keys import NO_KEYS
from reconciler.state.stores.objects import Objects
from tests.simulation.machines import Process
from tests.simulation.mixes import Mix
from tests.simulation.network import Away, Line, Reached
from tests.simulation.witness import Witness
from tests.support.stores import Here, holder

_OPTIONS: Final = Options(duplicate=True)
_RECORDING: Final = structs.replace(_OPTIONS, record=True)
_PATIENT: Final = 900.0


class Faults(Struct, frozen=True):
    """Of a thousand, how many go wrong."""

    calls: int = 0
    """Calls to the store."""
    requests: int = 0
    """Requests to the API."""


NO_FAULTS: Final = Faults()


class Applier:
    """Approves what can be applied."""

    def __init__(self) -> None:
        self.refusals: list[str] = []

    def __call__(self, plan: Plan) -> Applier | None:
        """Be asked."""
        self.refusals = [refusal.text for refusal in plan.refusals]
        return self if plan.applyable else None

    def started(self, action: Action) -> None:
        """Be told."""

    def halfway(self, action: Action, sid: str | None) -> None:
        """Be told."""

    def finished(self, result: Result) -> None:
        """Be told."""


class Run:
    """What *process* does with the state in *objects* and with *emulator*, in trouble of *mix*."""

    def __init__(
        self,
        objects: Witness,
        emulator: Emulator,
        process: Process,
        chance: Random,
        *,
        faults: Faults,
        mix: Mix,
    ) -> None:
        self.process = process
        self.line = Line(emulator, process, chance, faulty=faults.requests, mix=mix)
        away = Away(objects, process, chance, faulty=faults.calls, mix=mix)
        self.store = Here.of(Objects(away, clocks=process.clocks))
        self._settings = Settings(
            endpoint=cast("Emulator", Reached(emulator, self.line)),
            state="unused",
            parallelism=4,
            settle=SETTLE_SECONDS,
            now=lambda: datetime.fromtimestamp(process.machine.wall(), UTC),
            held=self.store,
        )

    async def apply(self, desired: Desired, *, patience: float) -> list[str]:
        """Apply a manifest, and return why its plan was refused."""
        applier = Applier()
        who = holder(self.process.machine.name)
        async with self.store.lock_async(who, timeout=patience, settle=SETTLE_SECONDS):
            await plan_and_apply(desired, self._settings, _OPTIONS, approve=applier, interrupts=Interrupts())
        return applier.refusals

    async def plan(self, desired: Desired) -> SavedPlan | None:
        """Return the plan of a manifest as it is saved; None if it is refused. The lease is not taken."""
        saved = await make_plan(desired, self._settings, _RECORDING)
        return saved if saved.plan.applyable else None

    async def carry_out(self, saved: SavedPlan, *, patience: float) -> None:
        """Apply a saved plan, or what is left of it."""
        who = holder(self.process.machine.name)
        async with self.store.lock_async(who, timeout=patience, settle=SETTLE_SECONDS):
            await apply_saved(saved, self._settings, desired=None, watcher=Applier(), interrupts=Interrupts())

    async def pull(self) -> bytes | None:
        """Return what `state pull` prints; None if there is no state."""
        state = await self.store.read()
        return None if state is None else document.encode(state, state.serial)

    async def push(self, pulled: bytes) -> None:
        """Put what was pulled in the place of the state, as `state push` does."""
        pushed = document.decode(pulled, "pulled")
        async with self._locked("state push"):
            current = await self.store.read()
            edit.check_successor(current, pushed, older=False)
            if current is not None and self.store.is_unfolded:
                await self.store.write(current)
            await self.store.write(pushed)

    async def move(self, target: Run) -> None:
        """Move the state to the place of *target*, as `state migrate` does."""
        async with self._locked("state migrate"), target._locked("state migrate"):
            await migrate(self.store, target.store, "", NO_KEYS)

    def _locked(self, command: str) -> AbstractAsyncContextManager[None]:
        who = holder(self.process.machine.name, command)
        return self.store.lock_async(who, timeout=_PATIENT, settle=SETTLE_SECONDS)
