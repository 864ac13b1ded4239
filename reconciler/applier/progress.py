"""The progress of a saved plan: kept in the state, so that an apply that was killed can be continued."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from msgspec import Struct

from reconciler.applier.final_state import has_final_state
from reconciler.plans.actions import POSTING, Action
from reconciler.state.model import Carried, PlanOpened, PlanUsed, State


class Use(Struct, frozen=True):
    """The use of a saved plan; *numbers* are the positions of the actions that are still to be done."""

    plan_id: str
    numbers: Sequence[int]


class Progress:
    """Which actions of a saved plan are done. Of a plan that was not saved, nothing is kept."""

    def __init__(self, use: Use | None, actions: Iterable[Action]) -> None:
        self._use = use
        numbers = use.numbers if use is not None else ()
        self._left = {id(action): number for action, number in zip(actions, numbers, strict=False)}
        self._unwritten: list[int] = []

    def finished(self, action: Action) -> None:
        """Count *action*, which was reported as done.

        A conversation that is to end up inactive or closed is counted later, when it has that state.
        """
        if not (action.verb in POSTING and has_final_state(action)):
            self.carried(action)

    def carried(self, action: Action) -> None:
        """Count *action*: it needs nothing more once the next records are on disk."""
        number = self._left.pop(id(action), None)
        if number is not None:
            self._unwritten.append(number)

    def records(self, done: Action | None = None) -> tuple[Carried, ...]:
        """Return the progress to write with the next records, counting the action *done* too."""
        if done is not None:
            self.finished(done)
        if not self._unwritten:
            return ()
        numbers, self._unwritten = tuple(self._unwritten), []
        return (Carried(numbers),)

    def open(self, state: State, next_serial: Callable[[State], int]) -> None:
        """Note in *state*, before a snapshot of it, that the plan is begun, and how far it is.

        *next_serial* returns the serial of that snapshot.
        """
        if self._use is not None:
            self._say(state, PlanOpened(self._use.plan_id, next_serial(state)))

    def close(self, state: State, next_serial: Callable[[State], int]) -> None:
        """Note in *state*, before its last snapshot, whether all of the plan is done."""
        if self._use is not None and self._left:
            self.open(state, next_serial)
        elif self._use is not None:
            self._say(state, PlanUsed(self._use.plan_id))

    def _say(self, state: State, record: PlanOpened | PlanUsed) -> None:
        state.apply(record)
        for carried in self.records():
            state.apply(carried)
