"""Apply a saved plan: exactly what was reviewed, or nothing.

Everything that the plan relies on is read again first. If any of it has changed, the plan is stale, and the
error names what changed. A plan whose apply was killed or left something undone is continued.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from msgspec.structs import replace

from reconciler.applier.progress import Use
from reconciler.applier.results import Watcher
from reconciler.errors import PlanError
from reconciler.model import SERVICES, Desired, conversation_of, group_at
from reconciler.operations.apply import carry_out
from reconciler.operations.extent import Extent, whole
from reconciler.operations.own_secrets import refuse_own_credentials
from reconciler.operations.plan_uses import AlreadyApplied, Progress, progress
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
    extent: Extent | None = None,
) -> Outcome:
    """Apply *saved*, or what is left of it; only its *extent* if that is given.

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
    stored = await read_in(store, settings.environment, keys)
    state = stored or await store.establish(_first_state(saved))
    state.digest_keys = keys.of_digests
    _check_origin(saved, state, is_new=stored is None)
    rests_on_groups = store.is_grouped and (saved.touched or not saved.plan.addresses())
    extent = extent or whole(saved)
    saved = extent.saved
    done = progress(extent, state) if rests_on_groups else _progress(saved, state, is_new=stored is None)
    begun = done.begun
    if begun is not None:
        state.open_plan = begun
    store.follow(saved.id, extent.actions, extent.records)
    async with open_connection(settings) as connection:
        account_sid = await account_of(connection, desired)
        _check_target(saved, account_sid, connection.origin)
        connection.client.guard(store.may_send)
        session = Session(settings, connection, store, state)
        await session.settle(settings.settle, services=SERVICES in extent.groups or settings.shard is None)
        if begun is None:
            _check_settlements(saved.plan, session)
        left = _left(extent, begun, session)
        _check_unknown(saved, continued(saved.plan, left), session)
        seen = await look_again(connection.client, continued(saved.plan, left), state)
        if begun is not None:
            left = without_made(left, already_created((action for _, action in left), seen, state))
        plan = _left_of(saved.plan, left, None if begun is None else done.fresh)
        plan = restored(plan, desired or NOTHING, seen.objects, state.digest)
        refuse_own_credentials(plan.actions, settings.endpoint)
        judge(plan, seen, state.digest, begun=begun is not None)
        use = Use(saved.id, tuple(number for number, _ in left))
        if begun is not None:  # the next apply must know what is done, if this one is killed
            state.apply(Carried(tuple({*extent.actions}.difference(use.numbers, begun.done))))
        return await carry_out(session, plan, watcher, interrupts, use)


def _left(extent: Extent, begun: OpenPlan | None, session: Session) -> Numbered:
    """Return the actions that are still to be done: all, unless the plan was begun."""
    plan, settled = extent.saved.plan, session.settled
    left: Numbered = list(enumerate(plan.actions))
    if begun is not None:
        happened = {one.intent.address for one in settled if one.binding is not None}
        left = remaining(plan, begun.done, happened, session.state)
    return [(number, action) for number, action in left if number in extent.actions]


def _first_state(saved: SavedPlan) -> State:
    """Return the state that *saved* begins: it was made without one, and brings the lineage of a new one."""
    return State(saved.plan.lineage, saved.account_sid, saved.origin, saved.environment)


def _check_origin(saved: SavedPlan, state: State, *, is_new: bool) -> None:
    """Raise PlanError if *state* has another history than the plan."""
    plan = saved.plan
    if is_new and plan.serial:
        raise PlanError(
            f"stale plan: it was made at state serial {plan.serial}, and now there is no state",
            hint="name the state with `--state`, or " + AGAIN,
        )
    if saved.id in state.used_plans and not state.uses:
        raise AlreadyApplied
    if state.lineage != plan.lineage:
        raise PlanError(
            f"stale plan: it was made for another state (lineage {plan.lineage}, not {state.lineage})",
            hint=AGAIN,
        )


def _progress(saved: SavedPlan, state: State, *, is_new: bool) -> Progress:
    """Return how far the plan is; raises PlanError if *state* is not the one that it continues."""
    begun, made_at = state.open_plan, saved.plan.serial
    if begun is not None and begun.plan_id == saved.id and begun.serial == state.serial:
        return Progress(begun)
    if not is_new and state.serial != made_at:
        raise PlanError(
            f"stale plan: it was made at state serial {made_at}, the state is now at {state.serial}",
            hint=AGAIN,
        )
    return Progress()


def _left_of(plan: Plan, left: Numbered, fresh: Collection[int] | None) -> Plan:
    """Return *plan* with the actions that are *left*, and all records of the *fresh* groups; None are all."""
    if fresh is None:
        return replace(plan, actions=tuple(action for _, action in left))
    rest = continued(plan, left)
    records = (one for one in plan.records if one in rest.records or group_at(one.address) in fresh)
    return replace(rest, records=tuple(records))


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
    changed = {conversation_of(address) for address in plan.addresses()}
    for one in session.settled:
        address = one.intent.address
        if plan.selection is not None and "/" in address and conversation_of(address) not in changed:
            continue  # of a conversation that it is not about, and of which it may have read nothing
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
