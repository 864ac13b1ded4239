"""One history: machines that apply the same manifests to one account, and what is there in the end."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, closing, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from reconciler.emulator import Emulator
from reconciler.errors import ReconcilerError
from reconciler.manifest.load import load
from reconciler.model import Desired
from reconciler.plans.planfile import SavedPlan
from reconciler.state.deadlines import SETTLE_SECONDS
from reconciler.state.document import Moved
from tests.simulation.machines import Machine, Process
from tests.simulation.mixes import MIXES, Mix
from tests.simulation.run import NO_FAULTS, Faults, Run
from tests.simulation.witness import Witness
from tests.support import blobs
from tests.support.desk import conversation, together
from tests.support.jumping import run_jumping
from tests.support.mortal import PowerOff

_HALF: Final = 0.5
CONVERSATIONS: Final = ("c", "d")
_POINTS: Final[dict[str, int]] = {"write": 24, "read": 12, "request": 50}
"""By kind, among how many of its first points a process sleeps or dies; two to a call, one to a request."""
_NAPS: Final = (60, 150, 290, 330, 400, 600)
"""Seconds for which a machine sleeps."""
_GLANCE: Final = 0.5
"""Seconds after which people look again whether a run is busy."""
_GLANCES: Final = 600
"""How often they do."""
_AGAIN: Final = 3
"""How often the last run, which nothing troubles, may be started again."""


@dataclass
class Verdict:
    """What became of a history."""

    seed: int
    wrong: list[str] = field(default_factory=list)
    """What is wrong in the end; empty if nothing is."""
    runs: int = 0
    killed: int = 0
    cancelled: int = 0
    refused: int = 0
    """The runs that ended with an error."""
    unlocked: int = 0
    folds: int = 0
    takeovers: int = 0
    """The leases taken from runs that had not released them."""
    sleeps: int = 0
    reviewed: int = 0
    """The plans that were saved, to be applied later."""
    pushed: int = 0
    moved: int = 0
    """How often the state was moved to another place."""


def live_through(seed: int, mix: Mix | None = None) -> Verdict:
    """Let the history of *seed* happen; without a *mix* of trouble, the seed chooses it."""
    random.seed(seed)  # for back-offs
    verdict = Verdict(seed)
    try:
        run_jumping(_History(verdict, mix or MIXES[seed % len(MIXES)]).happen())
    except Exception as error:  # noqa: BLE001 - an error that no run may end with
        verdict.wrong.append(f"broken: {error!r}")
    return verdict


def bodies(messages: int) -> list[str]:
    """Return the texts of a conversation of so many messages; some are equal."""
    return ["Hello" if number % 3 == 1 else f"Text {number}" for number in range(messages)]


@cache
def manifest(messages: int) -> Desired:
    """Return a manifest with so many messages in each conversation."""
    texts = [f"m{number:02}: {body}" for number, body in enumerate(bodies(messages))]
    with TemporaryDirectory() as folder:
        path = Path(folder) / "desk.yaml"
        path.write_text(together(*(conversation(*texts, name=name) for name in CONVERSATIONS)))
        return load((path,))


class _History:
    """One history; *verdict* is filled in."""

    def __init__(self, verdict: Verdict, mix: Mix) -> None:
        self.verdict = verdict
        self.mix = mix
        self.chance = random.Random(verdict.seed)
        self._serials: list[int] = []
        self._places = [Witness(f"memory://{name}", self._serials) for name in ("here", "there")]
        self._at = 0
        """The number of the place where the state is."""
        self._runs: list[Run] = []
        self._living = 0

    async def happen(self) -> None:
        """Let machines apply, and somebody unlock, then apply once more in peace, and look."""
        chance, mix = self.chance, self.mix
        with closing(Emulator(clock=self._present, sleep=asyncio.sleep)) as self.emulator:
            machines = [
                Machine(name, skew=chance.choice(mix.skews), monotonic=chance.random() < _HALF)
                for name in ("ann", "bob", "cid")[: chance.choice(mix.machines)]
            ]
            self._faults = Faults(chance.choice(mix.calls), chance.choice(mix.requests))
            if mix.reviews:
                await self._run(Process(Machine("first")), NO_FAULTS, self._at).apply(
                    manifest(self._messages), patience=0
                )
                await asyncio.sleep(mix.version_seconds)
            lives = [asyncio.create_task(self._life(machine)) for machine in machines]
            operator = asyncio.create_task(self._operate(chance.choice(mix.unlocks)))
            await asyncio.wait([*lives, operator])
            for life in (*lives, operator):
                life.result()
            await asyncio.sleep(60)  # what is under way arrives, or never does
            await self._end()
        self.verdict.folds = sum(place.folds for place in self._places)
        self.verdict.takeovers = sum(place.takeovers for place in self._places)
        self.verdict.sleeps = sum(machine.sleeps for machine in machines)

    async def _life(self, machine: Machine) -> None:
        """Apply a few times on *machine*."""
        chance, mix = self.chance, self.mix
        self._living += 1
        saved: SavedPlan | None = None
        at = self._at
        for _ in range(chance.randint(2, 3)):
            await asyncio.sleep(chance.choice(mix.gaps))
            process = Process(
                machine,
                naps={self._point(): nap for nap in chance.sample(_NAPS, chance.choice(mix.naps))},
                dies_at=self._point() if chance.random() < mix.dies else None,
            )
            seconds = chance.uniform(1, 60) if chance.random() < mix.cancelled else None
            run = self._run(process, self._faults, at)
            self.verdict.runs += 1
            try:
                async with asyncio.timeout(None) as limit, self._cancelling(limit, run, seconds):
                    if mix.reviews:
                        saved = await self._review(run, saved)
                    if saved is None:
                        await run.apply(manifest(self._messages), patience=chance.choice(mix.patience))
                    else:
                        await run.carry_out(saved, patience=chance.choice(mix.patience))
            except PowerOff:
                self.verdict.killed += 1
            except TimeoutError:
                self.verdict.cancelled += 1
            except Moved:
                self.verdict.refused += 1
                at = self._at
            except ReconcilerError:
                self.verdict.refused += 1
            process.dead = True
        self._living -= 1

    async def _review(self, run: Run, before: SavedPlan | None) -> SavedPlan | None:
        """Return the plan that *run* is to apply: a new one, the one of the run before it, or none."""
        fate = self.chance.choice(["new", "again", "none"])
        if fate == "none" or (fate == "again" and before is not None):
            return before if fate == "again" else None
        if self.chance.random() < _HALF:
            await self._moment(self._runs)
        saved = await run.plan(manifest(self._messages))
        await asyncio.sleep(self.chance.choice(self.mix.reviews))
        self.verdict.reviewed += saved is not None
        return saved

    def _point(self) -> tuple[str, int]:
        kind = self.chance.choice(self.mix.points)
        return kind, self.chance.randint(1, _POINTS[kind])

    @asynccontextmanager
    async def _cancelling(
        self, limit: asyncio.Timeout, run: Run, seconds: float | None
    ) -> AsyncIterator[None]:
        """Cancel what is done in the block after *seconds*; None: never."""

        async def cancel() -> None:
            if seconds is not None:
                await asyncio.sleep(seconds)
                await self._moment([run])
                limit.reschedule(asyncio.get_running_loop().time())

        cancelling = asyncio.create_task(cancel())
        try:
            yield
        finally:
            cancelling.cancel()

    async def _moment(self, runs: Sequence[Run]) -> None:
        """Wait until one of *runs* changes something, if that is when people interfere."""
        for _ in range(_GLANCES):
            if not (self.mix.busy and self._living) or any(run.line.is_changing for run in runs):
                return
            await asyncio.sleep(_GLANCE)

    async def _operate(self, unlocks: int) -> None:
        """Unlock the state, push what was pulled before, and move it to the other place and back."""
        chance, mix = self.chance, self.mix
        acts: list[Callable[[], Awaitable[None]]] = [self._unlock] * unlocks
        if mix.pushes:
            acts += [self._push] * chance.choice(mix.pushes) + [self._move] * chance.choice(mix.moves)
            chance.shuffle(acts)
        for act in acts:
            await asyncio.sleep(chance.uniform(0.5, mix.unlocked_after))
            with suppress(ReconcilerError):
                await act()

    async def _unlock(self) -> None:
        await self._moment(self._runs)
        if await self._by_hand().store.unlock(SETTLE_SECONDS) is not None:
            self.verdict.unlocked += 1

    async def _push(self) -> None:
        pulled = await self._by_hand().pull()
        if pulled is not None:
            await asyncio.sleep(self.chance.uniform(0, self.mix.unlocked_after))
            await self._moment(self._runs)
            await self._by_hand().push(pulled)
            self.verdict.pushed += 1

    async def _move(self) -> None:
        await self._moment(self._runs)
        target = 1 - self._at
        await self._by_hand().move(self._run(Process(Machine("operator")), NO_FAULTS, target))
        self._at = target
        self.verdict.moved += 1

    def _by_hand(self) -> Run:
        return self._run(Process(Machine("operator")), NO_FAULTS, self._at)

    def _run(self, process: Process, faults: Faults, at: int) -> Run:
        run = Run(self._places[at], self.emulator, process, self.chance, faults=faults, mix=self.mix)
        self._runs.append(run)
        return run

    async def _end(self) -> None:
        """Apply in peace, and hold what is there against what is declared."""
        wrong, messages = self.verdict.wrong, self._messages
        for left in reversed(range(_AGAIN)):
            try:
                process = Process(Machine("last"))
                refusals = await self._run(process, NO_FAULTS, self._at).apply(
                    manifest(messages), patience=2000
                )
            except ReconcilerError as error:
                if not left:
                    wrong.append(f"stuck: {error}")
                    return
                await asyncio.sleep(600)
            else:
                wrong += [f"refused: {text}" for text in refusals]
                break
        if self._serials != sorted(self._serials):
            wrong.append(f"the serial falls: {self._serials}")
        wanted = bodies(messages)
        wrong += [
            f"`{name}` holds {found}, not {wanted}"
            for name, found in zip(CONVERSATIONS, map(list, map(self._bodies, CONVERSATIONS)), strict=True)
            if found != wanted
        ]

    def _bodies(self, name: str) -> Iterator[str]:
        store = self.emulator.store
        rows = store._database.all(
            "SELECT document ->> 'body' FROM messages WHERE conversation ="
            " (SELECT id FROM conversations WHERE unique_name = ?) ORDER BY number",
            (name,),
        )
        return (body for (body,) in rows)

    @property
    def _messages(self) -> int:
        """The messages in each conversation, by the version of the manifest at this time."""
        version = int(asyncio.get_running_loop().time() / self.mix.version_seconds)
        return self.mix.messages[min(version, len(self.mix.messages) - 1)]

    def _present(self) -> datetime:
        return datetime.fromtimestamp(blobs.wall(), UTC)
