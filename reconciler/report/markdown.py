"""A plan or an outcome as a pull-request comment.

Deletions come first, then the summary, then the details, folded. GitHub refuses comments over
65,536 characters, so details are left out where they do not fit, and the comment says so.
Text of strangers is put into code spans and fences, where neither links nor mentions work.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final
from urllib.parse import quote

from reconciler.model import Address, parent_of
from reconciler.plans.actions import Verb
from reconciler.plans.outcome import Outcome, Status
from reconciler.plans.plan import Plan, Refusal
from reconciler.report.color import Paint
from reconciler.report.disclosure import Bodies
from reconciler.report.drift import drift_lines, pending_line
from reconciler.report.grouping import grouped
from reconciler.report.outcome import table
from reconciler.report.summary import not_done, outcome_line, plan_line
from reconciler.report.text import action_lines, warnings
from reconciler.text import inert

LIMIT: Final = 65_536
"""GitHub's limit in characters; counted here in UTF-16 units, which are never fewer."""
_FRAME: Final = 400
"""Characters that are reserved for folding a section, and for the note on parts that are left out."""
_REFUSALS: Final = 8_000
_WARNINGS: Final = 8_000
_LEAST: Final = 100
"""Characters of room below which no further section is added."""
_KEYS_A_LINE: Final = 40
_SIGNED: Final = re.compile(r"^( *)(-/\+|[-+~])(?= )")
_PLAIN: Final = Paint(color=False)


def marker(kind: str, key: str) -> str:
    """Return the hidden first line, by which a later run finds its own comment.

    *kind* is `plan`, `apply` or `drift`; *key* tells the comments of several targets apart.
    """
    return f"<!-- reconciler:{kind} {quote(key, safe='/', errors='backslashreplace')} -->"


def plan_markdown(plan: Plan, *, key: str = "", bodies: Bodies = Bodies.SHORT, hash_key: str = "") -> str:
    """Return *plan* as a comment of at most `LIMIT` characters.

    The summary line is never cut; the list of deletions only if it alone would not fit.
    """
    summary = f"**{plan_line(plan)}**"
    refusals = list(_section("refusals", map(_refusal, plan.refusals), len(plan.refusals), _REFUSALS))
    if plan.drift is not None and (line := pending_line(plan.drift)):
        summary += f"\n\n{line}"
    title = "Plan Refused" if plan.refusals else "Plan Result"
    opening = [marker("plan", key), _title(title, key)]
    if plan.drift is not None:
        opening = [marker("drift", key), _title("Drift", key)]
    room = LIMIT - _size("\n\n".join([*opening, summary, *refusals])) - 3 * _FRAME
    deletions = list(_deletions(plan, room))
    parts = [*opening, *deletions, summary, *refusals]
    room -= _size("\n\n".join(deletions))
    warned = ["\n".join(lines) for lines in warnings(plan.warnings, _PLAIN)]
    parts += _folded("Warnings", "warnings", warned, len(warned), min(room, _WARNINGS), "text")
    room = LIMIT - _size("\n\n".join(parts))
    total = sum(len(group.actions) for group in grouped(plan)) + len(plan.drifted)
    parts += _folded("Details", "changes", _details(plan, bodies, hash_key), total, room, "diff")
    return "\n\n".join(parts) + "\n"


def outcome_markdown(outcome: Outcome, *, key: str = "", destroy: bool = False) -> str:
    """Return the outcome of an apply as a comment of at most `LIMIT` characters; failures come first."""
    verb = "Destroy" if destroy else "Apply"
    title = f":x: {verb} Failed" if not_done(outcome) else f":white_check_mark: {verb} Succeeded"
    parts = [
        marker("apply", key),
        _title(title, key),
        f"**{outcome_line(outcome, destroy=destroy)}**",
    ]
    rows = list(table(sorted(outcome.results, key=lambda result: result.status is Status.DONE)))
    parts += _folded("Actions", "rows", rows, len(rows), LIMIT - _size("\n\n".join(parts)), "text")
    return "\n\n".join(parts) + "\n"


def _title(text: str, key: str) -> str:
    return f"## {text} ({inert.code_span(key)})" if key else f"## {text}"


def _refusal(refusal: Refusal) -> str:
    return f"error: {inert.escape(refusal.text)}\nhint: {inert.escape(refusal.hint)}"


def _deletions(plan: Plan, room: int) -> Iterator[str]:
    """Yield the deletions: their number, and their addresses, grouped by parent."""
    for verb, what in ((Verb.DELETE, "destroyed"), (Verb.REPLACE, "replaced by a new one")):
        addresses = [action.address for action in plan.actions if action.verb is verb]
        if not addresses:
            continue
        lines, named = [], 0
        for line, count in _address_lines(addresses):
            room -= _size(line) + 1
            if room < 0:
                break
            lines.append(line)
            named += count
        yield f":warning: **{len(addresses):,} will be {what}:**"
        if lines:
            yield "\n".join(lines)
        if named < len(addresses):
            yield f"_…and {len(addresses) - named:,} more that do not fit here._"


def _address_lines(addresses: Iterable[Address]) -> Iterator[tuple[str, int]]:
    """Yield list items: a parent, the number of its deletions, and the first of their names."""
    inside: dict[Address, list[str]] = {}
    for address in addresses:
        parent = parent_of(address) if "/" in address else ""
        inside.setdefault(parent, []).append(address[len(parent) :].removeprefix("/"))
    for parent, names in inside.items():
        prefix = f"- {inert.code_span(parent)}: " if parent else "- "
        for start in range(0, len(names), _KEYS_A_LINE):
            some = names[start : start + _KEYS_A_LINE]
            yield prefix + inert.code_span(" ".join(some)), len(some)


def _details(plan: Plan, bodies: Bodies, salt: str) -> Iterator[str]:
    for group in grouped(plan):
        heading = f"  # {group.heading}\n\n" if group.heading else ""
        for action in group.actions:
            yield heading + _diff(action_lines(action, _PLAIN, bodies, salt)) + "\n"
            heading = ""
    for item in plan.drifted:
        yield _diff(drift_lines(item, _PLAIN, bodies, salt)) + "\n"


def _diff(lines: Iterable[str]) -> str:
    """Return *lines* with their signs in the first column, as highlighters of diffs expect."""
    return "\n".join(_SIGNED.sub(lambda found: found[2].replace("~", "!") + found[1], line) for line in lines)


def _folded(
    title: str, what: str, items: Iterable[str], total: int, room: int, language: str
) -> Iterator[str]:
    """Yield a folded section with those of *total* items that fit into *room*, and the number of others."""
    if not total:
        return
    sections = list(_section(what, items, total, room, language))
    yield f"<details><summary>{title}</summary>"
    yield sections[0]
    yield "</details>"
    yield from sections[1:]


def _section(what: str, items: Iterable[str], total: int, room: int, language: str = "text") -> Iterator[str]:
    if not total:
        return
    taken: list[str] = []
    left, ticks = room - _FRAME, 3
    for item in items:
        needed = max(ticks, inert.longest_run(item) + 1)
        # The fence is counted twice: it opens and closes.
        cost = _size(item) + 1 + 2 * (needed - ticks)
        if cost <= left:
            taken.append(item)
            left, ticks = left - cost, needed
        if left < _LEAST:
            break
    if taken:
        yield inert.fence("\n".join(taken), language)
    if len(taken) < total:
        yield f"_Cut to fit a comment: {total - len(taken):,} of {total:,} {what} are left out._"


def _size(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2
