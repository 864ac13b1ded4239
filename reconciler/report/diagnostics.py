"""Errors, warnings and refusals as data: the diagnostics of Terraform's `validate -json` and its events."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, NotRequired, TypedDict

from reconciler.errors import Interrupted, ManifestError, Problem, ReconcilerError
from reconciler.plans.outcome import Outcome, Result, Status
from reconciler.plans.plan import PlanWarning, Refusal
from reconciler.report.progress import describe
from reconciler.report.terraform import TERRAFORM_VERSION


class Position(TypedDict):
    """A place in a file; both numbers count from 1, and columns are characters."""

    line: int
    column: int


class Range(TypedDict):
    """A part of a file: from *start* to just before *end*; line 0 is the whole file."""

    filename: str
    start: Position
    end: Position


class Snippet(TypedDict):
    """The line of the file: *code*, in which the offsets are bytes of UTF-8. No *values* are shown."""

    context: None
    code: str
    start_line: int
    highlight_start_offset: int
    highlight_end_offset: int
    values: list[str]


class Diagnostic(TypedDict):
    """What is wrong, or worth knowing: *detail* says what to do, and *code* is stable.

    *address* is what it is about, and *range* where it was written, where there is such a place.
    """

    severity: Literal["error", "warning"]
    summary: str
    detail: str
    code: NotRequired[str]
    address: NotRequired[str]
    range: NotRequired[Range]
    snippet: NotRequired[Snippet]


class ErrorDocument(TypedDict):
    """What a command prints for `--format json` when it has nothing else to print.

    It has no `format_version`: with one, readers of plans would take it for a plan without changes.
    """

    terraform_version: str
    reconciler_version: str
    valid: bool
    errored: bool
    error_count: int
    warning_count: int
    diagnostics: list[Diagnostic]


def of_error(error: ReconcilerError | Interrupted) -> Iterator[Diagnostic]:
    """Yield the diagnostic of what ended a command, or those of all its problems."""
    if isinstance(error, ManifestError):
        yield from map(_of_problem, error.problems)
    elif isinstance(error, Interrupted):
        yield _interrupted(error.advice)
    else:
        yield {
            "severity": "error",
            "summary": error.text,
            "detail": error.hint or "",
            "code": error.kind,
        }


def of_refusal(refusal: Refusal) -> Diagnostic:
    """Return the diagnostic of what makes a plan not applyable."""
    return {"severity": "error", "summary": refusal.text, "detail": refusal.hint, "code": refusal.code}


def of_result(result: Result) -> Diagnostic:
    """Return the diagnostic of an action that failed, or whose outcome is unknown."""
    return {
        "severity": "error",
        "summary": describe(result),
        "detail": "",
        "code": result.kind,
        "address": result.address,
    }


def of_interruption(outcome: Outcome) -> Iterator[Diagnostic]:
    """Yield the diagnostic of a signal that ended an apply before its work was done, if one did."""
    if outcome.interrupted:
        yield _interrupted("run the command again to continue from there")


def of_outcome(outcome: Outcome) -> Iterator[Diagnostic]:
    """Yield the reasons why not everything is done."""
    for result in outcome.results:
        if result.status in {Status.FAILED, Status.UNKNOWN}:
            yield of_result(result)
    yield from of_interruption(outcome)


def of_warning(warning: PlanWarning) -> Diagnostic:
    """Return the diagnostic of *warning*."""
    return {
        "severity": "warning",
        "summary": warning.text,
        "detail": "",
        "code": warning.code,
        "address": warning.address,
    }


def error_document(error: ReconcilerError | Interrupted, version: str) -> ErrorDocument:
    """Return the document that tells of *error*; *version* is ours."""
    diagnostics = list(of_error(error))
    return {
        "terraform_version": TERRAFORM_VERSION,
        "reconciler_version": version,
        "valid": False,
        "errored": True,
        "error_count": len(diagnostics),
        "warning_count": 0,
        "diagnostics": diagnostics,
    }


def _interrupted(advice: str) -> Diagnostic:
    return {"severity": "error", "summary": "interrupted", "detail": advice, "code": "interrupted"}


def _of_problem(problem: Problem) -> Diagnostic:
    start: Position = {"line": problem.line, "column": problem.column}
    end: Position = {"line": problem.line, "column": problem.column + bool(problem.line)}
    found: Diagnostic = {
        "severity": "error",
        "summary": problem.text,
        "detail": problem.hint or "",
        "code": ManifestError.kind,
        "range": {"filename": problem.path, "start": start, "end": end},
    }
    if problem.snippet:
        before = problem.snippet[: problem.snippet_column - 1]
        marked = problem.snippet[: problem.snippet_column]
        found["snippet"] = {
            "context": None,
            "code": problem.snippet,
            "start_line": problem.line,
            "highlight_start_offset": _bytes(before),
            "highlight_end_offset": _bytes(marked),
            "values": [],
        }
    return found


def _bytes(text: str) -> int:
    return len(text.encode("utf-8", "surrogatepass"))
