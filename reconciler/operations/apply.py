"""Make a plan, ask for approval, and carry it out."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final, TypeAlias

import msgspec

from reconciler.model import Desired
from reconciler.operations.session import Session, Settings, open_session
from reconciler.plans.options import Options
from reconciler.plans.outcome import Outcome
from reconciler.plans.plan import Plan

if TYPE_CHECKING:
    from reconciler.applier.progress import Use
    from reconciler.applier.results import Watcher
    from reconciler.runtime.interrupts import Interrupts


Approve: TypeAlias = "Callable[[Plan], Watcher | None]"
"""Shows a plan and returns the watcher of its apply, or None to decline."""

_ADVICE: Final = "what was in flight is looked up by the next `plan` or `apply`"


async def plan_and_apply(
    desired: Desired,
    settings: Settings,
    options: Options,
    *,
    approve: Approve,
    interrupts: Interrupts,
) -> Outcome | None:
    """Plan, and apply the plan if *approve* returns a watcher; it returns None to decline.

    Return None too if the plan must not be applied. The caller holds the lock of the state.
    """
    async with open_session(settings, desired) as session:
        await session.settle(settings.settle)
        plan = await session.plan(desired, msgspec.structs.replace(options, record=True))
        with interrupts.at_once():
            watcher = approve(plan)
        if watcher is None or not plan.applyable:
            return None
        return await carry_out(session, plan, watcher, interrupts)


async def carry_out(
    session: Session, plan: Plan, watcher: Watcher, interrupts: Interrupts, use: Use | None = None
) -> Outcome:
    """Apply an approved plan; *use* is given if it was saved."""
    from reconciler.applier.apply import Run  # noqa: PLC0415 - a plan needs nothing of it

    if not plan.actions:
        await session.keep(plan, use)
        return Outcome(results=(), read=session.client.counters.read)
    run = Run(
        session.client,
        session.state,
        plan,
        settle=session.settings.settle,
        parallelism=session.settings.parallelism,
        watcher=watcher,
        now=session.settings.now,
        use=use,
    )

    def stop() -> None:
        run.stop()
        session.connection.pace.stop()

    interrupts.stop_gently(stop, _ADVICE)
    session.store.on_loss(stop)
    return await run(session.store)
