"""The result of each action of a plan: kept once, and passed on to a watcher."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final, Protocol

from reconciler.errors import OutcomeUnknown, RemoteError, Throttled
from reconciler.plans.actions import Action
from reconciler.plans.outcome import Result, Status
from reconciler.plans.plan import PlanWarning
from reconciler.state.remembered import Binding

CLOSED: Final = 50377
"""Twilio's code for a change in a conversation that is closed."""
_WITHHELD: Final = "(what it says is withheld, as it may repeat a sensitive value)"


class Watcher(Protocol):
    """Is told of the progress while a plan is applied."""

    def started(self, action: Action) -> None:
        """Take note that *action* begins."""

    def halfway(self, action: Action, sid: str | None) -> None:
        """Take note that the first half of a replacement is done; *sid* is the new object, or None."""

    def finished(self, result: Result) -> None:
        """Take note of how an action ended."""


class Results:
    """The results of one run, by the plan's own actions.

    *is_stopping* returns whether no new request may start. *on_done* is called with each action that is done.
    """

    def __init__(
        self, watcher: Watcher, is_stopping: Callable[[], bool], on_done: Callable[[Action], None]
    ) -> None:
        self.warnings: list[PlanWarning] = []
        self._watcher = watcher
        self._is_stopping = is_stopping
        self._on_done = on_done
        self._results: dict[int, Result] = {}
        self._started: set[int] = set()

    def start(self, action: Action) -> None:
        """Tell the watcher that *action* begins, once for all its requests and attempts."""
        if id(action) not in self._started:
            self._started.add(id(action))
            self._watcher.started(action)

    def halfway(self, action: Action, *, sid: str | None) -> None:
        """Tell the watcher that the first half of a replacement is done; *sid* is a new object."""
        self._watcher.halfway(action, sid)

    def finish(self, action: Action, status: Status, *, sid: str | None) -> None:
        """Keep how *action* ended."""
        if status is Status.DONE:
            self._on_done(action)
        self._end(action, Result(action.address, action.verb, status, sid=sid, importing=action.importing))

    def fail(self, action: Action, error: RemoteError, status: Status = Status.FAILED) -> None:
        """Keep that *action* failed, or that its outcome is unknown.

        A plan has no actions in closed conversations, so one that turns out to be closed was open then.
        """
        if error.code == CLOSED:
            self.refuse(action, "its conversation was closed since the plan was made; plan again")
            return
        if (
            status is Status.FAILED
            and self._is_stopping()
            and (isinstance(error, Throttled) or not (error.status or isinstance(error, OutcomeUnknown)))
        ):
            return  # not sent because the run stops: the action is not reached
        text = error.text_with(_WITHHELD) if action.sensitive else error.text
        self._end(
            action,
            Result(
                action.address, action.verb, status, action.sid, kind=error.kind, code=error.code, text=text
            ),
        )

    def refuse(self, action: Action, text: str) -> None:
        """Keep that *action* was not carried out, as something that it relies on has changed."""
        self._end(
            action, Result(action.address, action.verb, Status.FAILED, action.sid, kind="stale", text=text)
        )

    def notice_rewritten(self, action: Action, binding: Binding) -> None:
        """Warn if the reply shows other values than were sent."""
        if binding.observed:
            names = ", ".join(f"`{name}`" for name in binding.observed)
            text = f"{names} differs from what was sent: a webhook or the server rewrote it"
            self.warnings.append(PlanWarning("rewritten_by_server", action.address, text))

    def are_done(self, actions: Iterable[Action]) -> bool:
        """Return whether all of *actions* were carried out."""
        return all(self.of(action).status is Status.DONE for action in actions)

    def of(self, action: Action) -> Result:
        """Return the result of *action* so far."""
        result = self._results.get(id(action))
        return result or Result(action.address, action.verb, Status.NOT_REACHED, action.sid)

    def _end(self, action: Action, result: Result) -> None:
        self._results[id(action)] = result
        self._watcher.finished(result)
