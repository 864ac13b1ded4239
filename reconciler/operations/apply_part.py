"""Apply one part of all conversations, beside the runs that apply the others.

    1. services that are lacking are made, under the lease of what belongs to services
    2. the conversations of the part, under the leases of its groups
    3. services that no manifest has go, under the first lease again, by the run that finds them empty

Leases are not held across these steps, so that no two runs wait for each other. Whoever comes second to a
step reads what the first did.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, Protocol

from msgspec.structs import replace

from reconciler.errors import StateError, UsageError
from reconciler.model import SERVICES, Address, Desired, Move, Shard
from reconciler.operations.apply import Approve, carry_out
from reconciler.operations.extent import Extent, of_part, services_first, services_last
from reconciler.operations.plan_uses import AlreadyApplied
from reconciler.operations.session import Session, Settings, open_session
from reconciler.planner.cut import groups_needed
from reconciler.planner.join import join, join_alone
from reconciler.plans.options import Options
from reconciler.plans.outcome import Outcome, Status
from reconciler.plans.part import Part, Piece, only_services, without_services
from reconciler.plans.plan import Plan
from reconciler.plans.planfile import SavedPlan
from reconciler.state.model import State

if TYPE_CHECKING:
    from reconciler.runtime.interrupts import Interrupts

OF_SERVICES: Final = frozenset({SERVICES})
"""What is locked to make and delete services."""
_ROUNDS: Final = 3
"""How often services are made that another run deletes meanwhile."""
_ALONE: Final = "let the runs that delete them end, and run the command again"
NOTHING_DONE: Final = Outcome(results=())
"""The outcome of a step that another run has done."""
ApplyExtent = Callable[[Settings, Extent], Coroutine[Any, Any, Outcome]]
Step = Callable[[Settings], Coroutine[Any, Any, Outcome | None]]
Under = Callable[[frozenset[int] | None, Step], Outcome | None]
"""Takes the leases of groups, does a step with settings that hold them, and returns its outcome."""


class Steps(Protocol):
    """What is done for a part, step by step; each returns None if it was declined or must not be done."""

    lacks_services: bool
    """Whether services have to be made first; known before the first step, or found by `part`."""
    may_remove_services: bool
    """Whether services are to go; found by `part`."""

    async def services(self, settings: Settings) -> Outcome | None:
        """Make the services that are lacking."""

    async def part(self, settings: Settings) -> Outcome | None:
        """Do what is to be done in the conversations of the part; nothing if services are lacking."""

    async def removals(self, settings: Settings) -> Outcome | None:
        """Let go of services in which nothing is bound."""


def in_steps(steps: Steps, groups: frozenset[int], under: Under) -> Outcome | None:
    """Do *steps*, of which that of the part holds *groups*, and return the outcome of all, or None."""
    done: list[Outcome] = []

    def goes_on(groups: frozenset[int], step: Step) -> bool | None:
        """Do a step; return whether the next may follow, None if this one was declined."""
        outcome = under(groups, step)
        if outcome is None:
            return None
        done.append(outcome)
        return not outcome.interrupted and all(one.status is Status.DONE for one in outcome.results)

    for _ in range(_ROUNDS):
        if steps.lacks_services:
            if (follows := goes_on(OF_SERVICES, steps.services)) is None:
                return None
            if not follows:
                return _together(done)
        steps.lacks_services = False
        follows = goes_on(groups, steps.part)
        if not steps.lacks_services:
            break
    else:
        raise StateError("services were deleted again and again while this run made them", hint=_ALONE)
    if follows is None:
        return None
    if follows and steps.may_remove_services and goes_on(OF_SERVICES, steps.removals) is None:
        return None
    return _together(done)


def groups_of_part(shard: Shard, moves: Iterable[Move]) -> frozenset[int]:
    """Return the groups that a run of *shard* locks.

    Raises UsageError where a service moves to another address: that changes every part.
    """
    groups = groups_needed(shard, moves)
    if groups is None:
        raise UsageError(
            "a `moved:` block renames a service, which concerns every part of the state",
            hint="run this once without `--shard`",
        )
    return groups


class ManifestSteps:
    """The steps for *desired*, whose plans *approve* shows and approves."""

    def __init__(
        self,
        desired: Desired,
        state: State | None,
        options: Options,
        approve: Approve,
        interrupts: Interrupts,
    ) -> None:
        """*state* is what is known of services before."""
        bound = state.bindings if state is not None else {}
        lacking = not options.destroy and any(one.name not in bound for one in desired.services)
        self.lacks_services = lacking or _are_open(state)
        self.may_remove_services = False
        self._desired = desired
        self._options = replace(options, record=True)
        self._approve = approve
        self._interrupts = interrupts

    async def services(self, settings: Settings) -> Outcome | None:
        """Make the services that are lacking."""
        async with open_session(settings, self._desired) as session:
            await session.settle(settings.settle)
            part = await session.plan_part(self._desired, self._options)
            made = _of_services(part, [one for one in part.services if one.removal is None])
            return await self._carried_out(session, join_alone(made), asks=False)

    async def part(self, settings: Settings) -> Outcome | None:
        """Do what is to be done in the conversations of the part."""
        async with open_session(settings, self._desired) as session:
            await session.settle(settings.settle, services=False)
            part = await session.plan_part(self._desired, self._options)
            self.may_remove_services = any(one.removal is not None for one in part.services)
            self.lacks_services = any(
                one.removal is None and (one.actions or one.first or one.records) for one in part.services
            )
            if self.lacks_services:
                return Outcome(results=(), read=session.client.counters.read)
            return await self._carried_out(session, join_alone(without_services(part)), asks=True)

    async def removals(self, settings: Settings) -> Outcome | None:
        """Let go of services in which nothing is bound any more, nor being created."""
        filled = await filled_services(settings)
        async with open_session(settings, self._desired) as session:
            await session.settle(settings.settle)
            part = await session.plan_part(self._desired, self._options)
            empty = [one for one in part.services if one.removal is not None and one.address not in filled]
            return await self._carried_out(session, join([_of_services(part, empty)]), asks=False)

    async def _carried_out(self, session: Session, plan: Plan, *, asks: bool) -> Outcome | None:
        """Show the plan if it does anything, or *asks*; carry it out if it is approved."""
        if not (asks or plan.actions or plan.refusals):
            await session.keep(plan)
            return Outcome(results=(), read=session.client.counters.read)
        with self._interrupts.at_once():
            watcher = self._approve(plan)
        if watcher is None or not plan.applyable:
            return None
        return await carry_out(session, plan, watcher, self._interrupts)


def _are_open(state: State | None) -> bool:
    """Return whether an earlier run left open if it made a service."""
    return state is not None and any("/" not in one for one in (*state.intents, *state.in_flight))


def _of_services(part: Part, services: Sequence[Piece]) -> Part:
    """Return *part* with these services and no conversations."""
    return replace(only_services(part), services=tuple(services), doubts=())


async def state_of_services(settings: Settings) -> State | None:
    """Return what the state knows of services alone, without a lease; None if there is no state."""
    store = replace(settings, held=None, groups=OF_SERVICES).store()
    try:
        return await store.read()
    finally:
        await store.close()


async def filled_services(settings: Settings) -> set[Address]:
    """Return the services in which something is bound, or may have been created, by whichever run."""
    store = replace(settings, held=None, groups=None).store()
    try:
        state = await store.read()
    finally:
        await store.close()
    if state is None:
        return set()
    kept = (state.bindings, state.intents, state.in_flight)
    return {address.partition("/")[0] for one in kept for address in one if "/" in address}


def _together(outcomes: Sequence[Outcome]) -> Outcome:
    """Return the outcomes of several steps as one."""
    return Outcome(
        results=tuple(result for one in outcomes for result in one.results),
        warnings=tuple(warning for one in outcomes for warning in one.warnings),
        read=sum(one.read for one in outcomes),
        write=sum(one.write for one in outcomes),
        retried=sum(one.retried for one in outcomes),
        interrupted=any(one.interrupted for one in outcomes),
    )


class SavedSteps:
    """The steps for a saved plan; *apply* carries out an extent of it with settings that hold the leases."""

    def __init__(self, saved: SavedPlan, shard: Shard, apply: ApplyExtent) -> None:
        first, last = services_first(saved), services_last(saved, lambda _: True)
        self.lacks_services = bool(first.groups)
        self.may_remove_services = bool(last.groups)
        self._saved = saved
        self._shard = shard
        self._apply = apply

    async def services(self, settings: Settings) -> Outcome | None:
        """Make the services that are lacking, unless another part has done so."""
        with suppress(AlreadyApplied):
            return await self._apply(settings, services_first(self._saved))
        return NOTHING_DONE

    async def part(self, settings: Settings) -> Outcome | None:
        """Do what is to be done in the conversations of the part."""
        extent = of_part(self._saved, self._shard)
        return await self._apply(settings, extent) if extent.groups else NOTHING_DONE

    async def removals(self, settings: Settings) -> Outcome | None:
        """Let go of services in which nothing is bound any more, nor being created."""
        filled = await filled_services(settings)
        extent = services_last(self._saved, lambda service: service not in filled)
        if extent.groups:
            with suppress(AlreadyApplied):
                return await self._apply(settings, extent)
        return NOTHING_DONE
