"""An error as people read it: what happened, where, and what to do next."""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.errors import ManifestError, Problem, ReconcilerError
from reconciler.report import inert
from reconciler.report.paint import Paint


def render_error(error: ReconcilerError, *, color: bool = False) -> str:
    """Return the error's lines, ending in a newline; of a ManifestError every problem."""
    paint = Paint(color=color)
    if isinstance(error, ManifestError):
        lines = [line for problem in error.problems for line in (*_problem(problem, paint), "")]
        lines += _said(error.text, error.hint, paint)
    else:
        lines = list(_said(error.text, error.hint, paint))
    return "\n".join(lines) + "\n"


def _said(text: str, hint: str | None, paint: Paint) -> Iterator[str]:
    yield f"{paint.red('error:')} {inert.escape(text)}"
    if hint:
        yield f"hint: {inert.escape(hint)}"


def _problem(problem: Problem, paint: Paint) -> Iterator[str]:
    said, *hint = _said(problem.text, problem.hint, paint)
    yield said
    place = f":{problem.line}:{problem.column}" if problem.line else ""
    yield f"  --> {inert.escape(problem.path)}{place}"
    if problem.snippet:
        for line in inert.lines(problem.snippet):
            yield f"   {line}"
    yield from hint
