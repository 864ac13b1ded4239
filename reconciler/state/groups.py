"""A state that is kept by groups of conversations: its parts, and the state that they make together. No I/O.

Each group has a state of its own, with the bindings and open creates of its conversations; one more has what
belongs to services. Each remembers the saved plans that changed something in it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final

from msgspec import Struct

from reconciler.errors import StateError
from reconciler.model import SERVICES, Address, conversation_of, group_at
from reconciler.state.model import OpenPlan, PlanUses, State

NOTHING: Final = PlanUses()


class Use(Struct, frozen=True):
    """A saved plan that is being applied: where in the groups it is recorded."""

    plan_id: str
    """The id of the plan."""
    numbers: dict[int, int]
    """The group of each of its actions, by the number of the action."""
    groups: frozenset[int]
    """The groups that it changes."""


def use_of(plan_id: str, actions: Mapping[int, Address], records: Collection[Address]) -> Use:
    """Return the use of a plan with *actions*, by number, and *records* that need no request."""
    numbers = {number: group_at(address) for number, address in actions.items()}
    return Use(plan_id, numbers, frozenset((*numbers.values(), *map(group_at, records))))


def uses_of(part: State) -> PlanUses:
    """Return the saved plans that *part* remembers."""
    return PlanUses(tuple(part.used_plans), part.open_plan)


def join(parts: Mapping[int, State], groups: Collection[int]) -> State:
    """Return the state that *parts*, of which there is at least one, make together, with those *groups* only.

    What an older release kept in one part counts where the group itself has nothing of that address.
    """
    first = next(iter(parts.values()))
    state = State(first.lineage, first.account_sid, first.origin)
    bindings = state.bindings
    homes = _Homes()
    for group, part in sorted(parts.items()):
        if part.lineage != state.lineage:
            raise StateError(
                f"the state is damaged: its parts are of two lineages, {state.lineage} and {part.lineage}",
                hint="put back the objects of one moment; nothing was changed",
            )
        state.environment = state.environment or part.environment
        if group != SERVICES:
            bindings |= part.bindings
            state.intents |= part.intents
            state.in_flight |= part.in_flight
        else:
            _take_over(state, part, homes, {SERVICES, *groups})
        state.serials[group] = part.serial
        state.uses[group] = uses_of(part)
    state.bindings = dict(sorted(bindings.items()))
    state.used_plans = list(dict.fromkeys(one for uses in state.uses.values() for one in uses.used))
    state.serial = sum(state.serials.values())
    return state


def _take_over(state: State, services: State, homes: _Homes, groups: Collection[int]) -> None:
    """Take what the part of services has: it comes first, so that the other parts replace it."""
    state.bindings |= {one: kept for one, kept in services.bindings.items() if homes[one] in groups}
    state.intents |= {one: kept for one, kept in services.intents.items() if homes[one] in groups}
    state.in_flight |= {one: kept for one, kept in services.in_flight.items() if homes[one] in groups}


def is_whole(services: State) -> bool:
    """Return whether *services* has what belongs to conversations, as an older release kept it."""
    inside = (services.bindings, services.intents, services.in_flight)
    return any("/" in address for kept in inside for address in kept)


def split(state: State, groups: Collection[int], use: Use | None) -> dict[int, State]:
    """Return the parts of *state*, one of each of *groups*; *use* is that of the plan that is applied.

    The serials are those that the groups have; that of services also takes up what *state* is ahead of them.
    Raises StateError if *state* has something outside of *groups*.
    """
    parts = {group: _empty(state, group) for group in groups}
    homes = _Homes()
    try:
        for address, binding in state.bindings.items():
            parts[homes[address]].bindings[address] = binding
        for address, intent in state.intents.items():
            parts[homes[address]].intents[address] = intent
        for address, flight in state.in_flight.items():
            parts[homes[address]].in_flight[address] = flight
    except KeyError:
        raise StateError(
            f"`{address}` is in another part of the state than this run works on, so it cannot be written",
            hint="report this with the command that you ran",
        ) from None
    if SERVICES in parts:
        parts[SERVICES].serial += max(0, state.serial - sum(state.serials.values()))
    _record_plans(state, parts, use)
    return parts


def _empty(state: State, group: int) -> State:
    """Return the part of *group* without an address in it."""
    uses = state.uses.get(group, NOTHING)
    return State(
        state.lineage,
        state.account_sid,
        state.origin,
        state.environment,
        serial=state.serials.get(group, 0),
        used_plans=list(uses.used),
        open_plan=uses.open,
    )


def _record_plans(state: State, parts: dict[int, State], use: Use | None) -> None:
    """Record in *parts* the plan that is being applied, and those that the state knows from elsewhere."""
    known = {one for uses in state.uses.values() for one in uses.used}
    if SERVICES in parts:  # of a state that was kept as a whole
        elsewhere = (one for one in state.used_plans if one not in known)
        parts[SERVICES].used_plans += [one for one in elsewhere if use is None or one != use.plan_id]
    if use is None:
        return
    begun = state.open_plan
    is_begun = begun is not None and begun.plan_id == use.plan_id
    for group in (use.groups or {SERVICES}) & parts.keys():
        part = parts[group]
        if use.plan_id in part.used_plans:
            continue
        if begun is not None and is_begun:
            done = [number for number in begun.done if use.numbers.get(number) == group]
            part.open_plan = OpenPlan(use.plan_id, part.serial, done)
        elif use.plan_id in state.used_plans:
            part.used_plans.append(use.plan_id)
            part.open_plan = None


def differs(part: State, before: State | None) -> bool:
    """Return whether *part* has to be written where *before* is kept; None: nothing is."""
    if before is None:
        kept = (part.bindings, part.intents, part.in_flight, part.used_plans, part.open_plan)
        return any(kept)
    return (
        part.bindings != before.bindings
        or part.intents != before.intents
        or part.in_flight != before.in_flight
        or part.used_plans != before.used_plans
        or part.open_plan != before.open_plan
    )


class _Homes(dict[Address, int]):
    """The group of each address; that of a conversation is computed once."""

    def __missing__(self, address: Address) -> int:
        conversation = conversation_of(address)
        if conversation == address:
            self[address] = group_at(address)
            return self[address]
        return self[conversation]
