"""The outcome of an apply as a JSON document."""

from __future__ import annotations

from reconciler.plans.outcome import Outcome, Result, Status
from reconciler.report import summary
from reconciler.report.diagnostics import of_outcome
from reconciler.report.documents import ActionResult, OutcomeDocument, ResultError
from reconciler.report.json import warned
from reconciler.report.terraform import FORMAT_VERSION


def outcome_document(outcome: Outcome) -> OutcomeDocument:
    """Return the outcome of an apply; its summary counts actions that are done, and those that are not."""
    done, rest = summary.done(outcome), summary.not_done(outcome)
    document: OutcomeDocument = {
        "format_version": FORMAT_VERSION,
        "summary": {
            "import": done.imported,
            "add": done.add,
            "change": done.change,
            "destroy": done.destroy,
            "move": done.move,
            "forget": done.forget,
            "failed": rest.get(Status.FAILED, 0),
            "unknown": rest.get(Status.UNKNOWN, 0),
            "not_reached": rest.get(Status.NOT_REACHED, 0),
        },
        "results": [_action_result(result) for result in outcome.results],
        "warnings": warned(outcome.warnings),
        "requests": {"read": outcome.read, "write": outcome.write, "retried": outcome.retried},
    }
    if diagnostics := list(of_outcome(outcome)):
        document["diagnostics"] = diagnostics
    return document


def _action_result(result: Result) -> ActionResult:
    failed = result.status in {Status.FAILED, Status.UNKNOWN} or bool(result.text)
    error: ResultError = {"kind": result.kind, "code": result.code, "text": result.text}
    return {
        "address": result.address,
        "action": result.verb,
        "status": result.status.value,
        "sid": result.sid,
        "error": error if failed else None,
    }
