"""Cut a state into parts of whole conversations, as `model.cut` does with the manifests.

A conversation that a `moved:` block renames belongs to the part of its new address, so that its manifest and
its bindings are looked at together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import msgspec

from reconciler.model import Address, Move, conversation_of
from reconciler.model.shard import Shard, group_of
from reconciler.planner.refactoring import at_last
from reconciler.state.model import State


def part_of_state(state: State, has: Callable[[Address], bool]) -> State:
    """Return *state* with only what it remembers of addresses that the part *has*, as `belongs_to` tells."""
    return msgspec.structs.replace(
        state,
        bindings={address: one for address, one in state.bindings.items() if has(address)},
        in_flight={address: one for address, one in state.in_flight.items() if has(address)},
        intents={address: one for address, one in state.intents.items() if has(address)},
    )


def belongs_to(shard: Shard, moves: Iterable[Move]) -> Callable[[Address], bool]:
    """Return whether an address is that of a service, or within *shard* once *moves* are done."""
    targets = {move.previous: move.address for move in moves}
    known: dict[Address, bool] = {}

    def has(address: Address) -> bool:
        if "/" not in address:
            return True
        conversation = conversation_of(address)
        if conversation not in known:
            known[conversation] = shard.has(at_last(conversation, targets))
        return known[conversation]

    return has


def groups_needed(shard: Shard, moves: Iterable[Move]) -> frozenset[int] | None:
    """Return the groups that `part_of_state` needs of a state that is kept by group; None if it needs all."""
    targets = {move.previous: move.address for move in moves}
    if any("/" not in previous for previous in targets):  # its conversations are not known by name
        return None
    return frozenset(shard.groups()) | _left_behind(shard, targets)


def _left_behind(shard: Shard, targets: Mapping[Address, Address]) -> set[int]:
    """Return the groups of conversations that move to one of *shard*."""
    return {
        group_of(previous)
        for previous in map(conversation_of, targets)
        if shard.has(at_last(previous, targets))
    }
