"""An error as people read it: what happened, where, and what to do next."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from reconciler.errors import ManifestError, Problem, ReconcilerError
from reconciler.report.color import Paint
from reconciler.text import inert

MOST_SHOWN: Final = 100
"""Problems that people are shown; of more than these only the number."""


def render_error(error: ReconcilerError, *, color: bool = False) -> str:
    """Return the error's lines, ending in a newline; of a ManifestError the first problems in full."""
    paint = Paint(color=color)
    if isinstance(error, ManifestError):
        lines = [line for problem in error.problems[:MOST_SHOWN] for line in (*_problem(problem, paint), "")]
        text, hint = error.text, error.hint
        if len(error.problems) > MOST_SHOWN:
            text += f", of which the first {MOST_SHOWN} are shown"
            hint = "`reconciler validate --format json` shows them all"
        lines += _said(text, hint, paint)
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
