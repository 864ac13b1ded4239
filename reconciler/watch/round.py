"""One round: read the manifests, look, ask the command, apply, and say how it ended."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import msgspec

from reconciler._version import __version__
from reconciler.errors import Locked, ReconcilerError
from reconciler.model import Address, Desired
from reconciler.operations.session import Settings
from reconciler.operations.watched import Newest, apply_as_seen, conversations_of, look, look_quickly
from reconciler.plans.actions import Action
from reconciler.plans.options import Options
from reconciler.plans.outcome import Result
from reconciler.plans.plan import Plan
from reconciler.report.errors import in_one_line
from reconciler.report.json import encode, plan_document
from reconciler.runtime.interrupts import Interrupts
from reconciler.state.stores.holder import Holder
from reconciler.watch.events import FAILURES, Ending, Requests, Told, tell_outcome, tell_plan
from reconciler.watch.notify import Command
from reconciler.watch.schedule import Kind


@dataclass(slots=True)
class Rounds:
    """What every round of a watch needs."""

    load: Callable[[], Desired]
    """Reads the manifests; each round does, so that a change of them is seen."""
    settings: Settings
    """Where the API and the state are."""
    holder: Callable[[], Holder]
    """This process, as it names itself in the lock."""
    interrupts: Interrupts
    """What a signal does; a round lets it stop what it is doing."""
    now: Callable[[], str]
    """The time as an RFC 3339 text of UTC."""
    applies: bool = False
    """Whether changes are applied."""
    command: Command | None = None
    """What gets each plan that changes something, and may refuse it."""
    lease: Callable[[bool], None] = lambda _: None
    """Called with True before the lock is taken to apply, and with False after."""
    newest: Newest = field(default_factory=Newest)
    """What the last quick look saw."""
    _told: list[Action] = field(default_factory=list)
    """The actions that the command last let through: where nothing is applied, it is not told again."""

    async def run(self, kind: Kind, marked: frozenset[str] = frozenset()) -> Told:
        """Carry out one round; *marked* are the sids of conversations for a hinted one.

        Errors of every kind that a command reports end the round, never the watch.
        """
        told = Told(kind, Ending.IN_SYNC if kind is Kind.FULL else Ending.NOTHING_NEW)
        spent, newest = _Spent(), self.newest.indexes
        settings = msgspec.structs.replace(self.settings, activity=spent)
        try:
            await self._round(told, marked, settings)
        except Locked as error:
            told.ending, told.error, told.hint = Ending.LOCKED, error.text, error.hint or ""
        except ReconcilerError as error:
            told.ending, told.error, told.hint = Ending.FAILED, in_one_line(error), error.hint or ""
        if told.ending in FAILURES:
            self.newest.indexes = newest  # what changed since then was not looked at
        if self.interrupts.signum is not None and told.ending in {Ending.FAILED, Ending.LOCKED}:
            told.ending, told.error, told.hint = Ending.STOPPED, "", ""  # it ended our reading
        told.requests = spent.requests
        return told

    async def _round(self, told: Told, marked: frozenset[str], settings: Settings) -> None:
        desired = self.load()
        targets: tuple[Address, ...] = ()
        if told.kind is not Kind.FULL:
            targets = tuple(await self._changed(told.kind, marked, desired, settings))
            if not targets:
                return
        options = Options(targets=targets)
        seen = await look(desired, settings, options, self.holder(), self.interrupts)
        tell_plan(told, seen)
        if seen.actions and not await self._permitted(told, seen, desired):
            return
        if self.applies and seen.applyable and (seen.actions or seen.records or seen.settlements):
            await self._apply(told, seen, desired, settings, options)

    async def _changed(
        self, kind: Kind, marked: frozenset[str], desired: Desired, settings: Settings
    ) -> list[Address]:
        if kind is Kind.QUICK:
            return await look_quickly(desired, settings, self.newest, self.interrupts)
        return await conversations_of(marked, settings)

    async def _permitted(self, told: Told, seen: Plan, desired: Desired) -> bool:
        """Tell the command of *seen*, and of what stays as *desired*; return whether it may be applied.

        Where nothing is applied, the command is told of the same actions until it succeeds.
        """
        if self.command is None or (not self.applies and self._told == [*seen.actions]):
            return True
        document = plan_document(seen, timestamp=self.now(), version=__version__, desired=desired)
        if await self.command.permits(encode(document), self.interrupts):
            self._told = [*seen.actions]
            return True
        if self.interrupts.signum is not None:
            told.ending = Ending.STOPPED
            return False
        told.ending = Ending.HELD_BACK
        told.error = "the command of `--on-change` refuses it"
        return False

    async def _apply(
        self, told: Told, seen: Plan, desired: Desired, settings: Settings, options: Options
    ) -> None:
        self.lease(True)  # noqa: FBT003 - whether it is held is all that it is told
        try:
            outcome = await apply_as_seen(
                seen,
                desired,
                settings,
                options,
                holder=self.holder(),
                watcher=_Unwatched,
                interrupts=self.interrupts,
            )
        finally:
            self.lease(False)  # noqa: FBT003
        if outcome is None:
            told.ending, told.error = Ending.HELD_BACK, "what is to be done changed meanwhile"
        elif outcome.results:
            tell_outcome(told, outcome)


class _Spent:
    """Adds up what the connections of one round cost."""

    def __init__(self) -> None:
        self.requests = Requests()

    def reading(self, done: int, total: int) -> None:
        """Show nothing."""

    def waiting(self, seconds: float, why: str) -> None:
        """Add a pause that the server asked for."""
        del why
        self.requests.throttled += seconds

    def spent(self, read: int, write: int, retried: int, statuses: Mapping[int, int]) -> None:
        """Add the requests of one connection."""
        total = self.requests
        total.read += read
        total.write += write
        total.retried += retried
        counts = {**total.statuses}
        for status, number in statuses.items():
            counts[str(status)] = counts.get(str(status), 0) + number
        missing = read + write - sum(statuses.values())
        if missing > 0:
            counts["none"] = counts.get("none", 0) + missing
        total.statuses = counts


class _Unwatched:
    """Shows no progress: the event of the round says what was done."""

    def __init__(self, plan: Plan) -> None:
        del plan

    def started(self, action: Action) -> None:
        """Show nothing."""

    def halfway(self, action: Action, sid: str | None) -> None:
        """Show nothing."""

    def finished(self, result: Result) -> None:
        """Show nothing."""
