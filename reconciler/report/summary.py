"""The summary lines: the same in every format, as tools look for them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Final

from reconciler.plans.actions import Verb
from reconciler.plans.outcome import Outcome, Status
from reconciler.plans.plan import Counts, Plan
from reconciler.report.drift import drift_line

NO_CHANGES: Final = "No changes. Your conversations match the manifests."


_NO_CHANGES_IN_TERRAFORM: Final = "No changes. Your infrastructure matches the configuration."
"""The words that Atlantis and others look for."""


def listed(plan: Plan) -> bool:
    """Return whether *plan* has an action other than a plain no-op, which is only counted."""
    return any(action.verb is not Verb.NO_OP for action in plan.actions)


def plan_line(plan: Plan) -> str:
    """Return `Plan: …`, or `No changes. …` where nothing is to be done; `Drift: …` for a refresh-only plan.

    As in Terraform, a plan of moves alone counts zeros: it still has to be applied.
    """
    if plan.drift is not None:
        return drift_line(plan.drift)
    if not listed(plan):
        return NO_CHANGES
    counts = plan.counts
    parts = [
        f"{counts.imported} to import" if counts.imported else "",
        f"{counts.add} to add",
        f"{counts.change} to change",
        f"{counts.destroy} to destroy",
        f"{counts.forget} to forget" if counts.forget else "",
    ]
    return f"Plan: {', '.join(filter(None, parts))}."


def lines_for_programs(plan: Plan) -> Iterator[str]:
    """Yield lines that precede the summary line, for programs that look for Terraform's very words.

    The line of numbers without imports and forgets has two spaces: Atlantis, which knows such numbers, adds
    up all lines that have one.
    """
    if plan.drift is not None:
        return
    counts = plan.counts
    if not listed(plan):
        yield _NO_CHANGES_IN_TERRAFORM
    elif counts.imported or counts.forget:
        yield f"Plan:  {counts.add} to add, {counts.change} to change, {counts.destroy} to destroy."


def done(outcome: Outcome) -> Counts:
    """Return the number of actions of each kind that are done."""
    results = [result for result in outcome.results if result.status is Status.DONE]
    verbs = Counter(result.verb for result in results)
    return Counts(
        imported=sum(result.verb is Verb.ADOPT or result.importing for result in results),
        add=verbs[Verb.CREATE] + verbs[Verb.REPLACE],
        change=verbs[Verb.UPDATE],
        destroy=verbs[Verb.DELETE] + verbs[Verb.REPLACE],
        move=verbs[Verb.MOVE],
        forget=verbs[Verb.FORGET],
        no_op=verbs[Verb.NO_OP],
    )


def not_done(outcome: Outcome) -> dict[Status, int]:
    """Return the number of actions with each other status, without zeros."""
    statuses = Counter(result.status for result in outcome.results)
    return {status: statuses[status] for status in Status if status is not Status.DONE and statuses[status]}


def outcome_line(outcome: Outcome, *, destroy: bool = False) -> str:
    """Return `Apply complete! …` or `Destroy complete! …`; `Apply incomplete. …` if not all was done."""
    name = "Destroy" if destroy else "Apply"
    counts = done(outcome)
    if destroy:
        resources = f"{counts.destroy} destroyed"
    else:
        parts = [
            f"{counts.imported} imported" if counts.imported else "",
            f"{counts.add} added",
            f"{counts.change} changed",
            f"{counts.destroy} destroyed",
            f"{counts.forget} forgotten" if counts.forget else "",
        ]
        resources = ", ".join(filter(None, parts))
    rest = not_done(outcome)
    if not rest:
        return f"{name} complete! Resources: {resources}."
    others = ", ".join(f"{n} {status.replace('_', ' ')}" for status, n in rest.items())
    return f"{name} incomplete. Resources: {resources}; {others}."
