"""How far a saved plan was carried out on a state that is kept by group of conversations. No I/O."""

from __future__ import annotations

from msgspec import Struct

from reconciler.errors import PlanError
from reconciler.model import group_at
from reconciler.operations.extent import Extent
from reconciler.operations.staleness import AGAIN, stale
from reconciler.state.groups import NOTHING
from reconciler.state.model import OpenPlan, State
from reconciler.state.recorded import recorded


class Progress(Struct, frozen=True):
    """How far a plan is."""

    begun: OpenPlan | None = None
    """What of it is done; None if it was not begun."""
    fresh: frozenset[int] = frozenset()
    """The groups in which it was not begun, of one that was begun in others."""


class AlreadyApplied(PlanError):
    """Nothing of what is to be done of a plan is left."""

    def __init__(self) -> None:
        super().__init__("this plan was applied already", hint=AGAIN)


def progress(extent: Extent, state: State) -> Progress:
    """Return how far the plan is, by what each group remembers of it.

    Raises AlreadyApplied, and PlanError if it was not begun in a conversation that changed since the plan was
    made.
    """
    saved = extent.saved
    done: list[int] = []
    used, fresh = set(), set()
    for group in extent.groups:
        uses = state.uses.get(group, NOTHING)
        if saved.id in uses.used:
            used.add(group)
            done += [number for number, address in extent.actions.items() if group_at(address) == group]
        elif _goes_on(uses.open, saved.id, state.serials.get(group, 0)):
            done += uses.open.done if uses.open is not None else ()
        else:
            fresh.add(group)
    if used == extent.groups and saved.id in state.used_plans:
        raise AlreadyApplied
    rests_on = {place: digest for place, digest in saved.touched.items() if group_at(place) in fresh}
    for place, digest in recorded(state, rests_on).items():
        if rests_on[place] != digest:
            raise stale(place, "the state has recorded something of it since")
    begun = OpenPlan(saved.id, state.serial, sorted(done)) if fresh != extent.groups else None
    return Progress(begun, frozenset(fresh))


def _goes_on(begun: OpenPlan | None, plan_id: str, serial: int) -> bool:
    """Return whether *begun* is the plan of that id, and nothing else was recorded beside it since."""
    return begun is not None and begun.plan_id == plan_id and begun.serial == serial
