"""An error as text: what happened, where, and what to do next."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from reconciler.errors import ManifestError, Problem, ReconcilerError
from reconciler.report.color import Paint
from reconciler.text import inert

MOST_SHOWN: Final = 100
"""Problems that are shown in full; further ones are only counted."""


def render_error(error: ReconcilerError, *, color: bool = False) -> str:
    """Return the error as text that ends in a newline; a ManifestError shows its first problems in full."""
    paint = Paint(color=color)
    if isinstance(error, ManifestError):
        lines = [line for problem in error.problems[:MOST_SHOWN] for line in (*_problem(problem, paint), "")]
        text, hint = error.text, error.hint
        if len(error.problems) > MOST_SHOWN:
            text += f", of which the first {MOST_SHOWN} are shown"
            hint = "`reconciler validate --format json` shows them all"
        lines += _text_and_hint(text, hint, paint)
    else:
        lines = list(_text_and_hint(error.text, error.hint, paint))
    return "\n".join(lines) + "\n"


def in_one_line(error: ReconcilerError) -> str:
    """Return what happened and where, not escaped; of several problems the first, and how many there are."""
    if not isinstance(error, ManifestError) or not error.problems:
        return error.text
    first, *others = error.problems
    place = f"{first.path}:{first.line}:{first.column}" if first.line else first.path
    more = f" (and {len(others):,} more)" if others else ""
    return f"{place}: {first.text}{more}"


def _text_and_hint(text: str, hint: str | None, paint: Paint) -> Iterator[str]:
    yield f"{paint.red('error:')} {inert.escape(text)}"
    if hint:
        yield f"hint: {inert.escape(hint)}"


def _problem(problem: Problem, paint: Paint) -> Iterator[str]:
    text, *hint = _text_and_hint(problem.text, problem.hint, paint)
    yield text
    place = f":{problem.line}:{problem.column}" if problem.line else ""
    yield f"  --> {inert.escape(problem.path)}{place}"
    if problem.snippet:
        for line in inert.lines(problem.snippet):
            yield f"   {line}"
    yield from hint
