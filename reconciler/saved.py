"""Apply a saved plan: exactly what was reviewed, or nothing.

Whatever the plan relied on is looked at again first; if any of it is different, the plan is stale
and is refused with the name of what changed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from reconciler.applier.results import Watcher
from reconciler.concurrency import concurrently
from reconciler.errors import NotFound, PlanError
from reconciler.model import Address, Desired, ResourceType, parent_of
from reconciler.operations import Settings, Workplace, account_of, carry_out, connected
from reconciler.planner.actions import Action, Outcome, Plan, Verb
from reconciler.planner.document import SavedPlan
from reconciler.planner.messages import fingerprint
from reconciler.planner.people import live_participant_values
from reconciler.planner.sensitive import restored
from reconciler.refresh import read_messages
from reconciler.state.model import PlanUsed, State
from reconciler.state.store import StateStore

if TYPE_CHECKING:
    from reconciler.interrupt import Interrupts

_GONE = "it is gone"
_AGAIN = "run `reconciler plan --out FILE` again and review the result"


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
        raise PlanError("stale plan: the manifests are not those that it was made from", hint=_AGAIN)
    made = restored(saved.plan, desired)
    store = StateStore(settings.state, files=settings.files)
    state = _state_of(saved, store.read())
    async with connected(settings) as session:
        account_sid = await account_of(session, desired)
        _check_target(saved, account_sid, session.origin)
        work = Workplace(settings, session, store, state)
        await work.settle(settings.settle)
        _check_settlements(made, work)
        await _check_parents(work, made)
        await _check_messages(work, made)
        await _check_people(work, made)
        state.apply(PlanUsed(saved.id))
        return await carry_out(work, made, watcher, interrupts)


def _state_of(saved: SavedPlan, state: State | None) -> State:
    """Return the state that the plan continues; one made without a state brings its own lineage."""
    made = saved.plan
    if state is None:
        if made.serial:
            raise PlanError(
                f"stale plan: it was made at state serial {made.serial}, and now there is no state",
                hint="name the state with `--state`, or " + _AGAIN,
            )
        return State(lineage=made.lineage, account_sid=saved.account_sid, origin=saved.origin)
    if saved.id in state.used_plans:
        raise PlanError("this plan was applied already", hint=_AGAIN)
    if state.lineage != made.lineage:
        raise PlanError(
            f"stale plan: it was made for another state (lineage {made.lineage}, not {state.lineage})",
            hint=_AGAIN,
        )
    if state.serial != made.serial:
        raise PlanError(
            f"stale plan: it was made at state serial {made.serial}, the state is now at {state.serial}",
            hint=_AGAIN,
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
        if one.unknown or address not in assumed or assumed[address] != sid:
            was = f"{sid} is there" if sid else "it is not there"
            raise PlanError(
                f"stale plan: the create of `{address}` was open when it was made, and now {was}",
                hint=_AGAIN,
            )


async def _check_parents(work: Workplace, made: Plan) -> None:
    """Refuse a plan that would create a service or a conversation that exists by now."""
    sids = {parent.address: parent.sid for parent in made.parents}
    services = {
        action.send["friendly_name"]: action.address
        for action in made.actions
        if action.verb is Verb.CREATE and action.type is ResourceType.SERVICE
    }
    if services:
        async for page in work.session.client.service_pages():
            for service in page:
                if service.friendly_name in services:
                    raise _stale(services[service.friendly_name], f"it exists by now ({service.sid})")

    async def check(action: Action) -> None:
        service_sid = sids.get(parent_of(action.address))
        if service_sid is None:
            return
        try:
            live = await work.session.client.fetch_conversation(service_sid, action.send["unique_name"])
        except NotFound:
            return
        raise _stale(action.address, f"it exists by now ({live.sid})")

    await concurrently(
        check(action)
        for action in made.actions
        if action.verb is Verb.CREATE and action.type is ResourceType.CONVERSATION
    )


async def _check_messages(work: Workplace, made: Plan) -> None:
    """Read every message that the plan touches again; any difference makes it stale."""
    touched: dict[Address, list[Action]] = {}
    for action in made.actions:
        if action.type is ResourceType.MESSAGE and action.sid is not None and action.fingerprint:
            touched.setdefault(parent_of(action.address), []).append(action)
    places = _places(work.state, made)

    async def check(conversation: Address, actions: list[Action]) -> None:
        indexes = {action.sid: action.index for action in actions if action.sid is not None}
        try:
            messages = await read_messages(work.session.client, *places[conversation], indexes)
        except NotFound:
            raise _stale(conversation, _GONE) from None
        for action in actions:
            live = messages.get(action.sid or "")
            if live is None:
                raise _stale(action.address, f"{action.sid} is gone")
            if fingerprint(live) != action.fingerprint:
                raise _stale(action.address, f"{action.sid} was changed since")

    await concurrently(check(*item) for item in touched.items())


async def _check_people(work: Workplace, made: Plan) -> None:
    """Refuse to post where somebody outside the chat is by now, whom the plan did not speak of."""
    told = {warning.address for warning in made.warnings if warning.code == "delivers_externally"}
    places = _places(work.state, made)

    async def check(conversation: Address) -> None:
        try:
            people = [
                live
                async for page in work.session.client.participant_pages(*places[conversation])
                for live in page
            ]
        except NotFound:
            raise _stale(conversation, _GONE) from None
        for live in people:
            if "address" in live_participant_values(live):
                raise _stale(conversation, f"{live.sid}, outside the chat, would really get the messages")

    await concurrently(
        check(conversation) for conversation in made.posting if conversation in places.keys() - told
    )


def _places(state: State, made: Plan) -> Mapping[Address, tuple[str, str]]:
    """Return service and conversation sid of every conversation that the plan does not make itself.

    What the state says of one that the plan makes again is the sid of the one that is gone.
    """
    sids = {address: binding.sid for address, binding in state.bindings.items() if address.count("/") <= 1}
    sids |= {parent.address: parent.sid for parent in made.parents if parent.sid is not None}
    for action in made.actions:
        if action.verb is Verb.CREATE:
            sids.pop(action.address, None)
    return {
        address: (sids[parent_of(address)], sid)
        for address, sid in sids.items()
        if "/" in address and parent_of(address) in sids
    }


def _stale(address: Address, why: str) -> PlanError:
    return PlanError(f"stale plan: `{address}` is not as it was: {why}", hint=_AGAIN)
