"""Apply a saved plan: exactly what was reviewed, or nothing.

Whatever the plan relied on is looked at again first; if any of it is different, the plan is stale
and is refused with the name of what changed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.applier.results import Watcher
from reconciler.errors import PlanError
from reconciler.model import Desired
from reconciler.operations import Settings, Workplace, account_of, carry_out, connected
from reconciler.planner.actions import Outcome, Plan
from reconciler.planner.document import SavedPlan
from reconciler.planner.sensitive import restored
from reconciler.stale import AGAIN, judge, look_again
from reconciler.state.model import PlanUsed, State
from reconciler.state.store import StateStore

if TYPE_CHECKING:
    from reconciler.interrupt import Interrupts


async def apply_saved(
    saved: SavedPlan,
    settings: Settings,
    *,
    desired: Desired | None,
    watcher: Watcher,
    interrupts: Interrupts,
) -> Outcome:
    """Carry out *saved*; raises PlanError if it is stale, was used, or belongs elsewhere.

    *desired* are the manifests if any were given: they must be those that the plan was made from. They are
    needed for sensitive values, which are not in the plan.
    """
    if desired is not None and desired.digest != saved.plan.manifest_digest:
        raise PlanError("stale plan: the manifests are not those that it was made from", hint=AGAIN)
    made = restored(saved.plan, desired)
    store = StateStore(settings.state, files=settings.files)
    state = _state_of(saved, store.read())
    async with connected(settings) as session:
        account_sid = await account_of(session, desired)
        _check_target(saved, account_sid, session.origin)
        work = Workplace(settings, session, store, state)
        await work.settle(settings.settle)
        _check_settlements(made, work)
        judge(made, await look_again(session.client, made, state))
        state.apply(PlanUsed(saved.id))
        return await carry_out(work, made, watcher, interrupts)


def _state_of(saved: SavedPlan, state: State | None) -> State:
    """Return the state that the plan continues; one made without a state brings its own lineage."""
    made = saved.plan
    if state is None:
        if made.serial:
            raise PlanError(
                f"stale plan: it was made at state serial {made.serial}, and now there is no state",
                hint="name the state with `--state`, or " + AGAIN,
            )
        return State(lineage=made.lineage, account_sid=saved.account_sid, origin=saved.origin)
    if saved.id in state.used_plans:
        raise PlanError("this plan was applied already", hint=AGAIN)
    if state.lineage != made.lineage:
        raise PlanError(
            f"stale plan: it was made for another state (lineage {made.lineage}, not {state.lineage})",
            hint=AGAIN,
        )
    if state.serial != made.serial:
        raise PlanError(
            f"stale plan: it was made at state serial {made.serial}, the state is now at {state.serial}",
            hint=AGAIN,
        )
    return state


def _check_target(saved: SavedPlan, account_sid: str, origin: str) -> None:
    if (saved.account_sid, saved.origin) != (account_sid, origin):
        raise PlanError(
            f"the plan was made for account {saved.account_sid} at {saved.origin}, "
            f"but this command uses account {account_sid} at {origin}",
            hint="use the credentials and the `--endpoint` that it was made with, or plan again with these",
        )


def _check_settlements(made: Plan, work: Workplace) -> None:
    """Compare what became of open creates with what the plan assumed of them."""
    assumed = {intent.address: sid for intent, sid in made.settlements}
    for one in work.settled:
        address = one.intent.address
        sid = one.binding.sid if one.binding is not None else None
        if one.unknown and address not in assumed:
            continue  # it was so when the plan was made, which does nothing there
        if one.unknown or address not in assumed or assumed[address] != sid:
            was = f"{sid} is there" if sid else "it is not there"
            raise PlanError(
                f"stale plan: the create of `{address}` was open when it was made, and now {was}",
                hint=AGAIN,
            )
