"""The passes around a plan, in their order: `prepare`, reading by the caller, `decide`, `complete`, `join`.

`decide` may be repeated once more was read: only its result shows in which conversations messages are posted.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import msgspec
from msgspec import Struct

from reconciler.model import Address, Desired, Remote, conversation_of
from reconciler.planner.build import build_part
from reconciler.planner.join import join
from reconciler.planner.refactoring import Refactored, refactor
from reconciler.planner.refactoring_actions import with_refactoring
from reconciler.planner.timeline import resolve_times
from reconciler.plans.fingerprint import fingerprinted
from reconciler.plans.options import Options
from reconciler.plans.part import Part
from reconciler.plans.plan import Drift, Plan, PlanWarning
from reconciler.plans.redact import mark
from reconciler.plans.sid_references import Filled, fill, mark_references
from reconciler.state.index import BindingIndex, index_bindings
from reconciler.state.model import State


class Prepared(Struct, frozen=True):
    """Everything that a plan is made from, the remote side aside."""

    desired: Desired
    """The manifests, with relative times resolved and imported parents as if declared with a sid."""
    state: State
    """The state as the blocks `import:`, `moved:` and `removed:` make it; in memory only."""
    options: Options
    bound: BindingIndex
    """The bindings of *state*."""
    refactored: Refactored
    doubts: tuple[PlanWarning, ...] = ()
    """What the authors of the manifests may not have meant."""
    odd: tuple[PlanWarning, ...] = ()
    """What is odd about values and dates of these conversations."""


class Decided(Struct, frozen=True):
    """A part before the passes that need not be repeated, with what it was made from."""

    part: Part
    known: Filled
    remote: Remote


def prepare(desired: Desired, state: State, options: Options, now: datetime) -> Prepared:
    """Return what a plan is made from, the remote side aside, at the moment *now*, which has an offset.

    Raises PlanError for a date that no calendar has.
    """
    refactored = refactor(desired, state, options)
    timed = resolve_times(refactored.desired, refactored.state, now, re_anchor=options.re_anchor)
    bound = index_bindings(refactored.state)
    return Prepared(timed.desired, refactored.state, options, bound, refactored, timed.doubts, timed.odd)


def decide(prepared: Prepared, remote: Remote) -> Decided:
    """Return what *remote* needs; with `refresh_only` what changes the state alone."""
    known = fill(prepared.desired, remote)
    options = prepared.options
    if options.refresh_only:
        from reconciler.planner.drift import plan_refresh  # noqa: PLC0415 - few plans need it

        part = plan_refresh(known.desired, remote, prepared.state, options, bound=prepared.bound)
    else:
        part = build_part(known.desired, remote, prepared.state, options, bound=prepared.bound)
    return Decided(part, known, remote)


def complete(prepared: Prepared, decided: Decided, unknown: Mapping[Address, str]) -> Part:
    """Return the decided part with the actions of blocks, sensitive fields, references and fingerprints.

    *unknown* has the open creates whose outcome cannot be told, with the reason; they hold the plan back.
    """
    remote = decided.remote
    part = with_refactoring(decided.part, prepared.refactored, decided.known.desired, remote)
    part = mark(part, decided.known.desired, prepared.state)
    part = fingerprinted(mark_references(part, decided.known), remote, prepared.state.digest_keys)
    about = {piece.address for piece in part.conversations if piece.is_touched}
    odd = tuple(one for one in prepared.odd if conversation_of(one.address) in about)
    return msgspec.structs.replace(part, unknown=dict(unknown), doubts=prepared.doubts, warnings=odd)


def find_drift(prepared: Prepared, remote: Remote, *, with_pending: bool) -> Plan:
    """Return a plan of *remote* that has a drift, and neither actions nor records.

    With *with_pending* the changes that the manifests still want are counted.
    """
    from reconciler.planner.drift import count_pending, plan_refresh  # noqa: PLC0415 - few commands need it

    desired, state = fill(prepared.desired, remote).desired, prepared.state
    part = plan_refresh(desired, remote, state, prepared.options, bound=prepared.bound)
    plan = join([mark(part, desired, state)])
    drift = plan.drift or Drift(())
    if with_pending:
        made = build_part(desired, remote, state, prepared.options, bound=prepared.bound)
        made = with_refactoring(made, prepared.refactored, desired, remote)
        drift = msgspec.structs.replace(drift, pending=count_pending(join([made]), drift))
    return msgspec.structs.replace(plan, drift=drift, records=())
