"""Move a state to another place; where it was, a marker is left that names the new one."""

from __future__ import annotations

from copy import copy

from reconciler.errors import StateError
from reconciler.state.document import Moved
from reconciler.state.keys import Keys
from reconciler.state.model import State
from reconciler.state.stores.interface import Store, read_in


async def migrate(source: Store, target: Store, environment: str, keys: Keys) -> State:
    """Move the state in *source* to *target*, and return it; the caller holds the locks of both.

    The lineage stays, and the serial rises. A move that was cut short can be repeated: the marker is written
    last. Raises StateError if there is no state in *source*, if it was moved already, belongs to another
    *environment*, or if *target* has another state. *keys* make its hard digests.
    """
    state = await read_in(source, environment, keys)
    if state is None:
        raise StateError(f"there is no state at `{source.place}`", hint="name the place that has it as FROM")
    moved = copy(state)
    if not await _is_there(target, state, environment, keys):
        moved.serials, moved.uses = {}, {}
        await target.write(moved)
    await source.mark(state, target.place)
    return moved


async def _is_there(target: Store, state: State, environment: str, keys: Keys) -> bool:
    """Return whether *target* has *state* already, by an earlier move; raises StateError for another one."""
    try:
        there = await read_in(target, environment, keys)
    except Moved as moved:
        if moved.lineage == state.lineage:
            return False  # it moves back
        raise StateError(
            f"another state was at `{target.place}`, and was moved away from there",
            hint="name another place as TO",
        ) from moved
    if there is None:
        return False
    same = copy(there)
    same.serial, same.open_plan = state.serial, state.open_plan  # which a write raises
    same.serials, same.uses = state.serials, state.uses  # which are those of its place
    if same == state:
        return True
    raise StateError(
        f"there is a state at `{target.place}` already: lineage {there.lineage[:64]}, serial {there.serial}",
        hint="name another place as TO; nothing was moved",
    )
