"""Terraform's event stream: one JSON object a line, as things happen.

The objects follow Terraform's machine-readable UI, version 1.2, so that its readers understand them. Of our
own are the codes of reasons and the types of resources.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, BinaryIO, Final

from msgspec import Struct, structs

from reconciler.errors import Interrupted, ReconcilerError
from reconciler.model import Address, type_of
from reconciler.plans.actions import Action, Reason, Verb
from reconciler.plans.halves import halves
from reconciler.plans.outcome import Outcome, Result, Status
from reconciler.plans.plan import Counts, Plan
from reconciler.report import json, summary
from reconciler.report.diagnostics import (
    Diagnostic,
    of_error,
    of_interruption,
    of_refusal,
    of_result,
    of_warning,
)
from reconciler.report.progress import describe
from reconciler.report.terraform import TERRAFORM_VERSION, UI_VERSION

_ACTIONS: Final = {
    Verb.CREATE: "create",
    Verb.UPDATE: "update",
    Verb.REPLACE: "replace",
    Verb.DELETE: "delete",
    Verb.ADOPT: "import",
    Verb.MOVE: "move",
    Verb.FORGET: "remove",
    Verb.NO_OP: "noop",
}
_STARTS: Final = {
    Verb.CREATE: "Creating",
    Verb.UPDATE: "Modifying",
    Verb.DELETE: "Destroying",
    Verb.ADOPT: "Importing",
    Verb.MOVE: "Moving",
    Verb.FORGET: "Removing from state",
    Verb.NO_OP: "Checking",
}


class _Running(Struct, frozen=True):
    """An action that has begun."""

    action: Action
    """The action."""
    step: Verb
    """What of it is being done: one half of a replacement, else all of it."""
    began: float
    """When that began, in seconds."""


class EventStream:
    """Writes events to *stream*; during an apply it is a `Progress`.

    *timestamp* returns the time as RFC 3339, and *seconds* that of a monotonic clock.
    """

    def __init__(
        self, stream: BinaryIO, *, version: str, timestamp: Callable[[], str], seconds: Callable[[], float]
    ) -> None:
        self._stream = stream
        self._timestamp = timestamp
        self._seconds = seconds
        self._running: dict[tuple[Address, Verb], _Running] = {}
        versions = {"terraform": TERRAFORM_VERSION, "reconciler": version, "ui": UI_VERSION}
        self._write("info", f"reconciler {version}", "version", **versions)

    def plan(self, plan: Plan) -> None:
        """Write a plan: drift first, then every change, the warnings, and the counts."""
        listed = [action for action in plan.actions if action.verb is not Verb.NO_OP]
        for action in plan.drift.objects if plan.drift is not None else listed:
            if action.reason in {Reason.DRIFTED, Reason.MISSING_REMOTELY}:
                verb = "update" if action.reason is Reason.DRIFTED else "delete"
                change = {"resource": _resource(action.address), "action": verb}
                self._write(
                    "info", f"{action.address}: Drift detected ({verb})", "resource_drift", change=change
                )
        for action in listed:
            planned = f"{action.address}: Plan to {_ACTIONS[action.verb]}"
            self._write("info", planned, "planned_change", change=_change(action))
        for warning in plan.warnings:
            self._diagnostic(of_warning(warning))
        self._summary(summary.plan_line(plan), plan.counts, "plan")
        for refusal in plan.refusals:
            self._diagnostic(of_refusal(refusal))

    def error(self, error: ReconcilerError | Interrupted) -> None:
        """Write the error that ends the command: a diagnostic for each of its problems."""
        for diagnostic in of_error(error):
            self._diagnostic(diagnostic)

    def started(self, action: Action) -> None:
        """Write `apply_start`; for a replacement, that of its first half."""
        self._start(action, halves(action)[0])
        if action.verb is Verb.REPLACE and action.with_parent:  # the old one went with its conversation
            self.halfway(action, None)

    def halfway(self, action: Action, sid: str | None) -> None:
        """Write `apply_complete` for the first half of a replacement, and `apply_start` for the second."""
        first, second = halves(action)
        self._end(Result(action.address, action.verb, Status.DONE, sid=sid), first, action)
        self._start(action, second)

    def finished(self, result: Result) -> None:
        """Write `apply_complete`, or `apply_errored` and a diagnostic; nothing if it was not reached."""
        if result.status is Status.NOT_REACHED:
            return
        running = self._running.get((result.address, result.verb))
        if running is None:
            self._end(result, result.verb, None)
            return
        if result.status is Status.DONE and running.step is not halves(running.action)[-1]:
            self.halfway(running.action, result.sid)
        self._end(result, self._running[result.address, result.verb].step, running.action)

    def close(self) -> None:
        """Write nothing, as the outcome ends the stream."""

    def outcome(self, outcome: Outcome, *, destroy: bool = False) -> None:
        """Write the warnings of the apply, and the counts of its results."""
        for warning in outcome.warnings:
            self._diagnostic(of_warning(warning))
        line = summary.outcome_line(outcome, destroy=destroy)
        self._summary(line, summary.done(outcome), "destroy" if destroy else "apply")
        for diagnostic in of_interruption(outcome):
            self._diagnostic(diagnostic)

    def _start(self, action: Action, step: Verb) -> None:
        self._running[action.address, action.verb] = _Running(action, step, self._seconds())
        sid = action.sid if action.verb is not Verb.REPLACE or step is Verb.DELETE else None
        message = f"{action.address}: {_STARTS[step]}..."
        self._write("info", message, "apply_start", hook=_hook(action.address, step, sid))

    def _end(self, result: Result, step: Verb, action: Action | None) -> None:
        """Write how *step* of *action* ended; None for an action that never began."""
        running = self._running.pop((result.address, result.verb), None)
        if action is not None and action.verb is Verb.REPLACE:
            made = result.sid if result.status is Status.DONE else None
            result = structs.replace(result, verb=step, sid=action.sid if step is Verb.DELETE else made)
        elapsed = 0 if running is None else round(self._seconds() - running.began)
        hook = {**_hook(result.address, step, result.sid), "elapsed_seconds": elapsed}
        if result.status is Status.DONE:
            self._write("info", describe(result), "apply_complete", hook=hook)
        else:
            self._write("error", describe(result), "apply_errored", hook=hook)
            self._diagnostic(of_result(result))

    def _summary(self, message: str, counts: Counts, operation: str) -> None:
        changes = {
            "add": counts.add,
            "change": counts.change,
            "import": counts.imported,
            "remove": counts.destroy,
            "operation": operation,
        }
        self._write("info", message, "change_summary", changes=changes)

    def _diagnostic(self, found: Diagnostic) -> None:
        level, name = ("warn", "Warning") if found["severity"] == "warning" else ("error", "Error")
        self._write(level, f"{name}: {found['summary']}", "diagnostic", diagnostic=found)

    def _write(self, level: str, message: str, kind: str, **payload: Any) -> None:
        event = {
            "@level": level,
            "@message": message,
            "@module": "reconciler.ui",
            "@timestamp": self._timestamp(),
            "type": kind,
            **payload,
        }
        self._stream.write(json.encode(event))
        self._stream.flush()


def _change(action: Action) -> dict[str, Any]:
    change: dict[str, Any] = {"resource": _resource(action.address)}
    if action.previous_address is not None:
        change["previous_resource"] = _resource(action.previous_address)
    change |= {"action": _ACTIONS[action.verb], "reason": action.reason}
    if action.verb is Verb.ADOPT or action.importing:
        change["importing"] = {"id": action.sid}
    return change


def _resource(address: Address) -> dict[str, Any]:
    return {
        "addr": address,
        "module": "",
        "resource": address,
        "implied_provider": "twilio",
        "resource_type": type_of(address),
        "resource_name": address.rpartition("/")[2],
        "resource_key": None,
    }


def _hook(address: Address, verb: Verb, sid: str | None) -> dict[str, Any]:
    hook = {"resource": _resource(address), "action": _ACTIONS[verb]}
    return hook | {"id_key": "sid", "id_value": sid} if sid else hook
