"""GitHub annotations: problems and warnings at their file and line.

The runner turns each line that a step prints into an annotation.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from reconciler.errors import ManifestError
from reconciler.model import Address, Desired
from reconciler.plans.actions import Action, Verb
from reconciler.plans.outcome import Outcome, Status
from reconciler.plans.plan import Plan, PlanWarning
from reconciler.report import action_text as blocks
from reconciler.report import disclosure as values
from reconciler.report import progress
from reconciler.report.disclosure import Bodies
from reconciler.report.errors import MOST_SHOWN
from reconciler.text import inert

_NOWHERE: Final = ("", 0)


def problem_annotations(error: ManifestError) -> Iterator[str]:
    """Yield one `::error …::…` line for each of the first problems, and one that counts them all."""
    for problem in error.problems[:MOST_SHOWN]:
        text = inert.escape(problem.text)
        if problem.hint:
            text += f"\nhint: {inert.escape(problem.hint)}"
        yield _annotation("error", problem.path, problem.line, problem.column, text)
    if len(error.problems) > MOST_SHOWN:
        yield _annotation("error", *_NOWHERE, 0, f"{error.text}, of which the first {MOST_SHOWN} are shown")


def plan_annotations(plan: Plan, desired: Desired) -> Iterator[str]:
    """Yield a `::warning` for each warning and drifted object and an `::error` for each refusal of *plan*.

    Each has the file and line where *desired* declares the object, if it still does.
    """
    yield from warning_annotations(plan.warnings, desired)
    places = dict(_places(desired))
    for item in plan.drifted:
        path, line = places.get(item.address, _NOWHERE)
        yield _annotation("warning", path, line, 0, _what_drifted(item), title="drifted")
    for refusal in plan.refusals:
        text = f"{inert.escape(refusal.text)}\nhint: {inert.escape(refusal.hint)}"
        yield _annotation("error", "", 0, 0, text, title=refusal.code)


def outcome_annotations(outcome: Outcome, desired: Desired) -> Iterator[str]:
    """Yield an `::error` for each action that is not done, at the place in *desired*."""
    places = dict(_places(desired))
    for result in outcome.results:
        if result.status is not Status.DONE:
            path, line = places.get(result.address, _NOWHERE)
            code = f" (code {result.code})" if result.code is not None else ""
            text = f"{progress.describe(result)}{code}"
            yield _annotation("error", path, line, 0, text, title=result.status)


def warning_annotations(warnings: Iterable[PlanWarning], desired: Desired) -> Iterator[str]:
    """Yield a `::warning` for each of *warnings*, at the place in *desired*."""
    places = dict(_places(desired))
    for warning in warnings:
        path, line = places.get(warning.address, _NOWHERE)
        about = f"{inert.escape(warning.address)}: " if warning.address else ""
        text = f"{about}{inert.escape(warning.text)}"
        yield _annotation("warning", path, line, 0, text, title=warning.code)


def _what_drifted(item: Action) -> str:
    """Return the names of the changed fields, without their values: annotations are kept and mailed."""
    address = inert.escape(item.address)
    if item.verb is Verb.DELETE:
        return f"{address} has been deleted remotely"
    fields = [blocks.dotted(change.path) for change in values.changes(item, Bodies.NONE, "")]
    return f"{address} has changed remotely: {', '.join(fields)}"


def _places(desired: Desired) -> Iterator[tuple[Address, tuple[str, int]]]:
    for service in desired.services:
        yield service.name, (service.path, service.line)
        for conversation in service.conversations:
            address = f"{service.name}/{conversation.name}"
            yield address, (conversation.path, conversation.line)
            for message in conversation.messages:
                yield f"{address}/{message.key}", (conversation.path, message.line)
            for participant in conversation.participants:
                yield f"{address}/participants/{participant.key}", (conversation.path, participant.line)


def _annotation(level: str, path: str, line: int, column: int, text: str, title: str = "") -> str:
    properties = {
        "file": inert.escape(path),
        "line": str(line or ""),
        "col": str(column or ""),
        "title": inert.escape(title),
    }
    given = ",".join(f"{name}={_property(value)}" for name, value in properties.items() if value)
    return f"::{level}{' ' if given else ''}{given}::{_data(text)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
