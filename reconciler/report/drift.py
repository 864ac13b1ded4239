"""Remote changes since the last apply, as lines of text."""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.plans.actions import Action, Verb
from reconciler.plans.plan import Drift
from reconciler.report import action_text as blocks
from reconciler.report import disclosure as values
from reconciler.report.color import Paint
from reconciler.report.disclosure import Bodies
from reconciler.text import inert

HEADING = "Objects have changed remotely since the last apply:"
_NOT_KEPT = "(not kept)"
"""Shown for a value of which the state has only the digest."""


def drift_line(drift: Drift) -> str:
    """Return `Drift: …`, or `No drift. …` if all is as it was last applied."""
    if not drift.objects:
        return "No drift. Your conversations are as they were last applied."
    deleted = sum(item.verb is Verb.DELETE for item in drift.objects)
    return f"Drift: {len(drift.objects) - deleted:,} changed, {deleted:,} deleted."


def pending_line(drift: Drift) -> str | None:
    """Return the line on pending changes of the manifests; None without changes or without manifests."""
    if not drift.pending:
        return None
    changes = "1 change" if drift.pending == 1 else f"{drift.pending:,} changes"
    return f"Also pending: {changes} in the manifests; see `reconciler plan`."


def drift_lines(item: Action, paint: Paint, bodies: Bodies, salt: str) -> Iterator[str]:
    """Yield the header and the block of one object."""
    gone = item.verb is Verb.DELETE
    name = inert.quoted(item.address.rpartition("/")[2])
    yield paint.bold(f"  # {inert.escape(item.address)} has {'been deleted' if gone else 'changed'}")
    yield f"{paint.sign(blocks.SIGNS[item.verb], 3)} {item.type} {name} {{"
    for mark, line in _body(item, bodies, salt):
        yield f"      {paint.sign(mark, 1)} {line}"
    yield "    }"


def _body(item: Action, bodies: Bodies, salt: str) -> Iterator[tuple[str, str]]:
    yield "", f"sid: {inert.quoted(item.sid or '')}"
    for change in values.changes(item, bodies, salt):
        if change.path[0] in item.before:
            yield from blocks.changed(item, change)
        else:
            yield "~", f"{blocks.dotted(change.path)}: {_NOT_KEPT} -> {blocks.inline(change.after)}"
