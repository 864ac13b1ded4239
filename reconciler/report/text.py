"""A plan as text for people, in the form of Terraform's plans.

The signs carry the meaning; colour only repeats them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from reconciler.model import ResourceType
from reconciler.plans.actions import Action, Verb
from reconciler.plans.plan import Parent, Plan, PlanWarning, Refusal
from reconciler.report import action_text as blocks
from reconciler.report.color import Paint
from reconciler.report.disclosure import Bodies
from reconciler.report.drift import HEADING, drift_lines, pending_line
from reconciler.report.grouping import family, grouped
from reconciler.report.summary import lines_for_programs, listed, plan_line
from reconciler.text import inert

_LEGEND: Final = {
    Verb.CREATE: "create",
    Verb.UPDATE: "update in-place",
    Verb.DELETE: "destroy",
    Verb.REPLACE: "replace (create the new one, then destroy the old)",
    Verb.FORGET: "forget (no longer managed)",
}
_MANY: Final = 20
"""Parents that are all listed; of more than these, only those with changes."""
_NAMED: Final = 5
"""Addresses that a warning names; further ones are only counted."""


def render_plan(
    plan: Plan,
    *,
    color: bool = False,
    bodies: Bodies = Bodies.SHORT,
    hash_key: str = "",
    on_terminal: bool = False,
) -> str:
    """Return *plan* as text that ends in a newline; refusals come last.

    Unless it is shown *on_terminal*, it has further lines for the programs that read Terraform's plans.
    """
    paint = Paint(color=color)
    sections = [
        _parents(plan),
        _settlements(plan),
        _actions(plan, paint, bodies, hash_key),
        _drift(plan, paint, bodies, hash_key),
        [line for text in warnings(plan.warnings, paint) for line in (*text, "")],
        _summary(plan, paint, on_terminal=on_terminal),
        _refusals(plan.refusals, paint, on_terminal=on_terminal),
    ]
    return "\n".join(line for section in sections for line in section)


def action_lines(action: Action, paint: Paint, bodies: Bodies, salt: str) -> Iterator[str]:
    """Yield header, reason and block of one action."""
    yield paint.bold(f"  # {blocks.header(action)}")
    yield f"  # {blocks.why(action)}"
    yield from _block(action, paint, bodies, salt)


def _block(action: Action, paint: Paint, bodies: Bodies, salt: str) -> Iterator[str]:
    sign = blocks.SIGNS[action.verb]
    name = inert.quoted(action.address.rpartition("/")[2])
    yield f"{paint.sign(sign, 3)} {action.type} {name} {{"
    for mark, line in blocks.body(action, bodies, salt):
        yield f"      {paint.sign(mark, 1)} {line}"
    yield "    }"


def warnings(items: Iterable[PlanWarning], paint: Paint) -> Iterator[list[str]]:
    """Yield the lines of each warning; equal warnings are merged, with their first addresses."""
    places: dict[tuple[str, str], list[str]] = {}
    for item in items:
        places.setdefault((item.code, item.text), []).append(item.address)
    for (code, text), addresses in places.items():
        lines = [f"{paint.yellow('warning:')} {inert.escape(text)} ({inert.escape(code)})"]
        lines += [f"  --> {inert.escape(address)}" for address in addresses[:_NAMED] if address]
        if len(addresses) > _NAMED:
            lines.append(f"  ... and {len(addresses) - _NAMED:,} more")
        yield lines


def _parents(plan: Plan) -> list[str]:
    if len(plan.parents) <= _MANY:
        lines = [f"  {inert.escape(parent.address)}: {_found(parent)}" for parent in plan.parents]
    else:
        touched = {prefix for action in plan.actions for prefix in _prefixes(action.address)}
        lines = list(_many_parents([parent for parent in plan.parents if parent.address in touched]))
        if hidden := len(plan.parents) - sum(parent.address in touched for parent in plan.parents):
            lines.append(f"  # ({hidden:,} more hidden)")
    return ["Services and conversations:", *lines, ""] if lines else []


def _many_parents(parents: list[Parent]) -> Iterator[str]:
    """Yield a line for each of the first parents; the items of one `for_each` share a line."""
    alike: dict[tuple[str, bool], list[Parent]] = {}
    for parent in parents:
        alike.setdefault((family(parent.address), parent.found), []).append(parent)
    groups = list(alike.items())
    for (name, found), group in groups[:_MANY]:
        if len(group) == 1:
            yield f"  {inert.escape(group[0].address)}: {_found(group[0])}"
        else:
            yield f"  {inert.escape(name)}[…]: {len(group):,} {'found' if found else 'to be created'}"
    if left := sum(len(group) for _, group in groups[_MANY:]):
        yield f"  # ({left:,} more hidden)"


def _found(parent: Parent) -> str:
    return f"found ({inert.escape(str(parent.sid))})" if parent.found else "to be created"


def _prefixes(address: str) -> Iterator[str]:
    parts = address.split("/")
    yield parts[0]
    if len(parts) > 1:
        yield f"{parts[0]}/{parts[1]}"


def _settlements(plan: Plan) -> list[str]:
    lines = [
        f"  {inert.escape(intent.address)}: "
        + (f"found as {inert.escape(sid)}" if sid else "nothing of it was found")
        for intent, sid in plan.settlements
    ]
    return ["An earlier run left creates without a reply:", *lines, ""] if lines else []


def _legend(plan: Plan, paint: Paint) -> Iterator[str]:
    signs = {action.verb for action in plan.actions} & _LEGEND.keys()
    if not signs:
        return
    yield "Actions are indicated with the following symbols:"
    for verb, meaning in _LEGEND.items():
        if verb in signs:
            yield f"{paint.sign(blocks.SIGNS[verb], 3)} {meaning}"
    if any(one.verb is Verb.REPLACE and one.type is ResourceType.CONVERSATION for one in plan.actions):
        yield "    (a conversation is destroyed first, with all that is in it)"
    yield ""


def _actions(plan: Plan, paint: Paint, bodies: Bodies, salt: str) -> Iterator[str]:
    if not listed(plan):
        return
    yield from _legend(plan, paint)
    yield "reconciler will perform the following actions:"
    yield ""
    for group in grouped(plan):
        common = None
        if group.heading:
            yield paint.bold(f"  # {group.heading}")
            common = blocks.in_common(group.actions)
            yield f"  # {common}" if common else ""
        for action in group.actions:
            lines = _block if common else action_lines
            yield from lines(action, paint, bodies, salt)
            if not common:
                yield ""
        if common:
            yield ""


def _drift(plan: Plan, paint: Paint, bodies: Bodies, salt: str) -> Iterator[str]:
    if not plan.drifted:
        return
    yield HEADING
    yield ""
    for item in plan.drifted:
        yield from drift_lines(item, paint, bodies, salt)
        yield ""


def _summary(plan: Plan, paint: Paint, *, on_terminal: bool) -> Iterator[str]:
    anything = listed(plan) or plan.drifted
    if not on_terminal:
        yield from lines_for_programs(plan)
    yield (paint.bold if anything else paint.green)(plan_line(plan))
    if plan.drift is not None and (line := pending_line(plan.drift)):
        yield line
    yield ""


def _refusals(refusals: Iterable[Refusal], paint: Paint, *, on_terminal: bool) -> Iterator[str]:
    if refusals and not on_terminal:
        yield "Error: this plan is refused"
        yield ""
    for refusal in refusals:
        yield f"{paint.red('error:')} {inert.escape(refusal.text)}"
        yield f"hint: {inert.escape(refusal.hint)}"
        yield ""
    if refusals:
        yield "This plan is not applyable."
        yield ""
