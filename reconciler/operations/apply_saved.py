"""Apply a saved plan: exactly what was reviewed, or nothing.

Everything that the plan relies on is read again first. If any of it has changed, the plan is stale, and the
error names what changed. A plan whose apply was killed or left something undone is continued.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.applier.progress import Use
from reconciler.applier.results import Watcher
from reconciler.errors import PlanError
from reconciler.model import Desired
from reconciler.operations.apply import carry_out
from reconciler.operations.own_secrets import refuse_own_credentials
from reconciler.operations.session import NOTHING, Session, Settings, account_of, open_connection
from reconciler.operations.staleness import AGAIN, already_created, judge, look_again
from reconciler.planner.open_creates import hold_back
from reconciler.planner.resume import Numbered, continued, remaining, without_made
from reconciler.plans.outcome import Outcome
from reconciler.plans.plan import Plan
from reconciler.plans.planfile import SavedPlan
from reconciler.plans.redact import is_whole, restored
from reconciler.state.model import Carried, OpenPlan, State
from reconciler.state.stores.interface import read_in

if TYPE_CHECKING:
    from reconciler.runtime.interrupts import Interrupts


async def apply_saved(
    saved: SavedPlan,
    settings: Settings,
    *,
    desired: Desired | None,
    watcher: Watcher,
    interrupts: Interrupts,
) -> Outcome:
    """Apply *saved*, or what is left of it.

    *desired* are the manifests that the plan was made from, if they are given. They are needed for sensitive
    values, which are not in the plan. Raises PlanError if the plan is stale, was applied already, or was made
    for another account, state or endpoint.
    """
    if desired is not None and desired.digest != saved.plan.manifest_digest:
        raise PlanError("stale plan: the manifests are not those that it was made from", hint=AGAIN)
    if desired is None and not is_whole(saved.plan):
        raise PlanError(
            "the plan was saved without its sensitive values",
            hint="name the manifests too, with the same variables: `reconciler apply PLAN MANIFESTS…`",
        )
    if saved.environment != settings.environment:
        made, here = (
            f"`--env {name}`" if name else "no `--env`" for name in (saved.environment, settings.environment)
        )
        raise PlanError(
            f"the plan was made with {made}, but this command has {here}",
            hint="apply it in the environment that it was made for, or " + AGAIN,
        )
    store = settings.store()
    keys = settings.keyring()
    state, begun = _state_of(saved, await read_in(store, settings.environment, keys))
    state.digest_keys = keys.of_digests
    async with open_connection(settings) as connection:
        account_sid = await account_of(connection, desired)
        _check_target(saved, account_sid, connection.origin)
        connection.client.guard(store.may_send)
        session = Session(settings, connection, store, state)
        await session.settle(settings.settle)
        if begun is None:
            _check_settlements(saved.plan, session)
        left = _left(saved.plan, begun, session)
        _check_unknown(saved, continued(saved.plan, left), session)
        seen = await look_again(connection.client, continued(saved.plan, left), state)
        if begun is not None:
            left = without_made(left, already_created((action for _, action in left), seen, state))
        plan = continued(saved.plan, left) if begun is not None else saved.plan
        plan = restored(plan, desired or NOTHING, seen.objects, state.digest)
        refuse_own_credentials(plan, settings.endpoint)
        judge(plan, seen, state.digest, begun=begun is not None)
        use = Use(saved.id, tuple(number for number, _ in left))
        if begun is not None:  # the next apply must know what is done, if this one is killed
            state.apply(Carried(tuple({*range(len(saved.plan.actions))}.difference(use.numbers, begun.done))))
        return await carry_out(session, plan, watcher, interrupts, use)


def _left(plan: Plan, begun: OpenPlan | None, session: Session) -> Numbered:
    """Return the actions that are still to be done: all, unless the plan was begun."""
    if begun is None:
        return list(enumerate(plan.actions))
    settled = {one.intent.address for one in session.settled if one.binding is not None}
    return remaining(plan, begun.done, settled, session.state)


def _state_of(saved: SavedPlan, state: State | None) -> tuple[State, OpenPlan | None]:
    """Return the state that the plan continues, and its progress if the plan was begun.

    A plan that was made without a state brings the lineage of a new one.
    """
    plan = saved.plan
    if state is None:
        if plan.serial:
            raise PlanError(
                f"stale plan: it was made at state serial {plan.serial}, and now there is no state",
                hint="name the state with `--state`, or " + AGAIN,
            )
        return State(plan.lineage, saved.account_sid, saved.origin, saved.environment), None
    if saved.id in state.used_plans:
        raise PlanError("this plan was applied already", hint=AGAIN)
    if state.lineage != plan.lineage:
        raise PlanError(
            f"stale plan: it was made for another state (lineage {plan.lineage}, not {state.lineage})",
            hint=AGAIN,
        )
    begun = state.open_plan
    if begun is not None and begun.plan_id == saved.id and begun.serial == state.serial:
        return state, begun
    if state.serial != plan.serial:
        raise PlanError(
            f"stale plan: it was made at state serial {plan.serial}, the state is now at {state.serial}",
            hint=AGAIN,
        )
    return state, None


def _check_target(saved: SavedPlan, account_sid: str, origin: str) -> None:
    if (saved.account_sid, saved.origin) != (account_sid, origin):
        raise PlanError(
            f"the plan was made for account {saved.account_sid} at {saved.origin}, "
            f"but this command uses account {account_sid} at {origin}",
            hint="use the credentials and the `--endpoint` that it was made with, or plan again with these",
        )


def _check_settlements(plan: Plan, session: Session) -> None:
    """Raise PlanError unless the creates that were open when the plan was made ended as it assumes."""
    assumed = {intent.address: sid for intent, sid in plan.settlements}
    for one in session.settled:
        address = one.intent.address
        sid = one.binding.sid if one.binding is not None else None
        if one.unknown and address not in assumed:
            continue  # its outcome was unknown when the plan was made, too
        if one.unknown or address not in assumed or assumed[address] != sid:
            was = f"{sid} is there" if sid else "it is not there"
            raise PlanError(
                f"stale plan: the create of `{address}` was open when it was made, and now {was}",
                hint=AGAIN,
            )


def _check_unknown(saved: SavedPlan, left: Plan, session: Session) -> None:
    """Raise PlanError for actions that depend on a create whose outcome is unknown."""
    unknown = {one.intent.address: one.unknown for one in session.settled if one.unknown}
    for refusal in hold_back(left, unknown, destroy=saved.destroy).refusals[:1]:
        raise PlanError(refusal.text, hint=refusal.hint)
