"""Make a plan that can be saved."""

from __future__ import annotations

import os
from collections.abc import Coroutine
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from reconciler._version import __version__
from reconciler.model import Address, Desired
from reconciler.model.canonical import canonical_instant
from reconciler.model.shard import group_of
from reconciler.operations.session import RestNeeded, Session, Settings, open_session
from reconciler.planner.targeted import named_by
from reconciler.plans.options import Options
from reconciler.plans.part import Part
from reconciler.plans.plan import Plan, PlanWarning
from reconciler.plans.planfile import FORMAT_VERSION, SavedPlan
from reconciler.state.recorded import recorded

P = TypeVar("P", Plan, Part)


async def make_plan(desired: Desired, settings: Settings, options: Options) -> SavedPlan:
    """Return what *desired* needs, ready to be saved. Nothing is written, remotely or to the state.

    A warning names whoever holds the lock of a state away from this machine, which a plan does not take. Of
    one that is kept by group, the groups of the conversations that are targeted are read first; the rest if
    something is lost or found.
    """
    named = named_by(options, desired) if settings.see is None else None
    groups = frozenset(map(group_of, named)) if named is not None else None
    async with open_session(settings, desired, groups=groups) as session:
        try:
            made = await decided(session, session.plan(desired, options))
        except RestNeeded:
            await session.read_rest()
            made = await decided(session, session.plan(desired, options))
        return SavedPlan(
            format_version=FORMAT_VERSION,
            id=os.urandom(16).hex(),
            reconciler_version=__version__,
            created_at=canonical_instant(datetime.now(UTC)),
            account_sid=session.state.account_sid,
            origin=session.state.origin,
            plan=replace(made.plan, warnings=(*made.plan.warnings, *made.locked)),
            destroy=options.destroy,
            environment=settings.environment,
            touched=made.touched,
        )


class Decided(Struct, Generic[P]):
    """A plan or a part of one, with what is saved beside it."""

    plan: P
    locked: tuple[PlanWarning, ...]
    """Who holds the lock of a state away from this machine."""
    touched: dict[Address, str]
    """The digest of what the state has of each place that is changed; empty for a state kept as a whole."""


async def decided(session: Session, planning: Coroutine[Any, Any, P]) -> Decided[P]:
    """Return the result of *planning*, a plan or a part, made once open creates were looked up."""
    is_grouped, state = session.store.is_grouped, session.state
    before = recorded(state, state.intents) if is_grouped else {}  # looking up closes them, in memory alone
    await session.settle(0)
    plan = await planning
    touched = recorded(state, plan.addresses()) if is_grouped else {}
    held = [] if session.store.is_file else await session.store.locks()
    return Decided(
        plan,
        tuple(PlanWarning("state_locked", "", f"the lock of the state is held by {one}") for one in held),
        touched | {place: digest for place, digest in before.items() if place in touched},
    )
