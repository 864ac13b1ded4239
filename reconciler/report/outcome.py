"""The outcome of an apply, as text, and as the error that ends the command."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from reconciler.errors import ApplyError
from reconciler.model import ResourceType, parent_of, type_of
from reconciler.plans.outcome import Outcome, Result, Status
from reconciler.report.color import Paint
from reconciler.report.summary import outcome_line
from reconciler.report.text import warnings
from reconciler.text import inert


def render_outcome(outcome: Outcome, *, destroy: bool = False, color: bool = False) -> str:
    """Return the summary line, after a table of all actions if one of them is not done."""
    paint = Paint(color=color)
    lines = [line for text in warnings(outcome.warnings, paint) for line in (*text, "")]
    complete = all(result.status is Status.DONE for result in outcome.results)
    if not complete:
        lines += [*table(outcome.results), ""]
    line = outcome_line(outcome, destroy=destroy)
    lines += [paint.green(line) if complete else paint.red(line), ""]
    return "\n".join(lines)


def failure(outcome: Outcome, command: str = "apply") -> ApplyError | None:
    """Return the error on actions that are not done, with *command* as the next step; None if all are."""
    total = len(outcome.results)
    saved = sum(result.status is Status.DONE for result in outcome.results)
    if saved == total and not outcome.interrupted:
        return None
    wrong = [result for result in outcome.results if result.status in {Status.FAILED, Status.UNKNOWN}]
    text = _what_happened(wrong[0]) if wrong else "interrupted before every action was reached"
    hint = (
        f"{saved:,} of {total:,} actions were applied and saved; "
        f"run `reconciler {command}` again to continue from there"
    )
    for result in wrong:
        if result.status is Status.UNKNOWN and type_of(result.address) is ResourceType.MESSAGE:
            hint += (
                f"; if that cannot tell, say which message it is: `reconciler import {result.address} SID`, "
                f"or that there is none: `reconciler state rm {result.address}`"
            )
            break
    if len(wrong) > 1:
        text += f" (and {len(wrong) - 1:,} more failed or are unknown)"
    return ApplyError(text, hint=hint)


def _what_happened(result: Result) -> str:
    how = "failed" if result.status is Status.FAILED else "may or may not have happened"
    code = f" (code {result.code})" if result.code is not None else ""
    return f"{result.verb} of `{result.address}` {how}: {result.text}{code}"


def table(results: Sequence[Result]) -> Iterator[str]:
    """Yield one row for each action: its status, its verb, its address, and the text of its error.

    Of the actions that were not reached in one conversation, only the first has a row; it counts the rest.
    """
    others = Counter(parent_of(one.address) for one in results if one.status is Status.NOT_REACHED)
    rows = []
    for result in results:
        detail = _detail(result)
        if result.status is Status.NOT_REACHED:
            parent = parent_of(result.address)
            unreached = others.pop(parent, 0)
            if not unreached:
                continue
            detail = f"and {unreached - 1:,} more in `{parent}`" if unreached > 1 else detail
        rows.append(
            (
                result.status.replace("_", " "),
                str(result.verb),
                inert.escape(result.address),
                inert.cell(detail),
            )
        )
    widths = [max((len(row[column]) for row in rows), default=0) for column in range(3)]
    for row in rows:
        padded = "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=False))
        yield f"  {padded}  {row[3]}".rstrip()


def _detail(result: Result) -> str:
    if result.status is Status.DONE:
        return result.sid or ""
    code = f" (code {result.code})" if result.code is not None else ""
    return result.text + code
