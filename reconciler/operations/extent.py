"""What of a saved plan one run carries out: all, a part of the conversations, or what is of services."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from reconciler.model import SERVICES, Address, Shard, conversation_of, group_at
from reconciler.plans.actions import Action, Verb
from reconciler.plans.plan import Plan
from reconciler.plans.planfile import SavedPlan
from reconciler.state.model import Bound, Unbound

_LAST: Final = "/last"
"""What stands behind the id of a plan where the state records that its services are gone."""
_REMOVALS: Final = frozenset({Verb.DELETE, Verb.FORGET})


class Extent(Struct, frozen=True):
    """The actions and records of a plan that a run carries out."""

    saved: SavedPlan
    """The plan, with all its actions, these records alone, and the id by which the state knows this use."""
    actions: dict[int, Address]
    """The addresses of these actions, by their numbers in the plan."""

    @property
    def groups(self) -> frozenset[int]:
        """The groups in which the state remembers the use: those of actions, and of what is bound.

        What is only unbound may be the rest of a conversation that moved here from another part, which has a
        use of its own there.
        """
        return frozenset(map(group_at, (*self.actions.values(), *self.records)))

    @property
    def records(self) -> list[Address]:
        """The addresses of the records that make up the use, beside the actions."""
        records = self.saved.plan.records
        bound = [one.address for one in records if isinstance(one, Bound)]
        return bound if bound or self.actions else [one.address for one in records]


def whole(saved: SavedPlan) -> Extent:
    """Return all of a plan."""
    return Extent(saved, {number: action.address for number, action in enumerate(saved.plan.actions)})


def of_part(saved: SavedPlan, shard: Shard) -> Extent:
    """Return what is to be done in the conversations of *shard*."""
    targets = _targets(saved.plan)

    def has(address: Address) -> bool:
        conversation = conversation_of(address)
        return "/" in conversation and shard.has(targets.get(conversation, conversation))

    return _cut(saved, lambda action: has(action.address), lambda record: has(record.address), has)


def groups_to_lock(saved: SavedPlan, shard: Shard) -> frozenset[int]:
    """Return the groups that *shard* changes: its own, and those from which a conversation moves to it."""
    moved = (group_at(old) for old, new in _targets(saved.plan).items() if shard.has(new))
    return frozenset((*shard.groups(), *moved)) - {SERVICES}


def services_first(saved: SavedPlan) -> Extent:
    """Return what makes services and binds them."""
    return _cut(
        saved,
        lambda action: "/" not in action.address and action.verb not in _REMOVALS,
        lambda record: "/" not in record.address and isinstance(record, Bound),
        lambda place: "/" not in place,
    )


def services_last(saved: SavedPlan, empty: Callable[[Address], bool]) -> Extent:
    """Return what lets go of those services that are *empty*."""
    return _cut(
        replace(saved, id=saved.id + _LAST),
        lambda action: "/" not in action.address and action.verb in _REMOVALS and empty(action.address),
        lambda record: "/" not in record.address and isinstance(record, Unbound) and empty(record.address),
        lambda _: False,  # making others has recorded something since
    )


def _cut(
    saved: SavedPlan,
    has_action: Callable[[Action], bool],
    has_record: Callable[[Bound | Unbound], bool],
    rests_on: Callable[[Address], bool],
) -> Extent:
    plan = saved.plan
    actions = {number: one.address for number, one in enumerate(plan.actions) if has_action(one)}
    records = tuple(one for one in plan.records if has_record(one))
    touched = {place: digest for place, digest in saved.touched.items() if rests_on(place)}
    return Extent(replace(saved, plan=replace(plan, records=records), touched=touched), actions)


def _targets(plan: Plan) -> dict[Address, Address]:
    """Return the new address of each conversation that moves, by its old one."""
    moved: Iterable[tuple[Address, Address]] = (
        (conversation_of(action.previous_address), conversation_of(action.address))
        for action in plan.actions
        if action.previous_address is not None
    )
    return {old: new for old, new in moved if "/" in old and old != new}
