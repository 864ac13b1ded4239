"""Make a plan, ask for approval, and carry it out."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec

from reconciler.model import Desired
from reconciler.operations.session import Settings, Workplace, open_workplace
from reconciler.plans.options import Options
from reconciler.plans.outcome import Outcome
from reconciler.plans.plan import Plan

if TYPE_CHECKING:
    from reconciler.applier.progress import Use
    from reconciler.applier.results import Watcher
    from reconciler.runtime.interrupts import Interrupts


async def plan_and_apply(
    desired: Desired,
    settings: Settings,
    options: Options,
    *,
    approve: Callable[[Plan], Watcher | None],
    interrupts: Interrupts,
) -> Outcome | None:
    """Plan, let *approve* decide, and carry out; None if it was not approved or must not be.

    *approve* sees the plan and returns who is told of the progress, or None.
    """
    async with open_workplace(settings, desired) as work:
        await work.settle(settings.settle)
        made = await work.plan(desired, msgspec.structs.replace(options, record=True))
        with interrupts.at_once():
            watcher = approve(made)
        if watcher is None or not made.applyable:
            return None
        return await carry_out(work, made, watcher, interrupts)


async def carry_out(
    work: Workplace, made: Plan, watcher: Watcher, interrupts: Interrupts, use: Use | None = None
) -> Outcome:
    """Apply a plan that was approved; *use* is there if it was saved."""
    from reconciler.applier.apply import Run  # noqa: PLC0415 - a plan needs nothing of it

    if not made.actions:
        work.keep(made, use)
        return Outcome(results=(), read=work.session.client.counters.read)
    run = Run(
        work.session.client,
        work.state,
        made,
        settle=work.settings.settle,
        parallelism=work.settings.parallelism,
        watcher=watcher,
        now=work.settings.now,
        use=use,
    )

    def stop() -> None:
        run.stop()
        work.session.pace.stop()

    interrupts.stop_gently(stop)
    return await run(work.store)
