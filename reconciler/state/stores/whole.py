"""What a store does that keeps a state as a whole: there are no groups of conversations to tell apart."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from reconciler.model import Address
from reconciler.state.model import State


class Whole:
    """The part of `Kept` that concerns groups, for a store that has none."""

    is_grouped = False

    def narrow(self, groups: Collection[int] | None) -> None:
        """Do nothing: all of the state is read."""

    def follow(self, plan_id: str, actions: Mapping[int, Address], records: Collection[Address]) -> None:
        """Do nothing: the progress of a plan is recorded in the state."""

    async def establish(self, state: State) -> State:
        """Return *state*: it begins with the first write, under the lock."""
        return state
