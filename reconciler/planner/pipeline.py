"""The passes around a plan, in their order: `prepare`, reading by the caller, `decide`, `complete`.

`decide` may be repeated once more was read: only its result shows in which conversations messages are posted.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import msgspec
from msgspec import Struct

from reconciler.model import Address, Desired, Remote
from reconciler.planner.build import build_plan
from reconciler.planner.drift import count_pending, plan_refresh
from reconciler.planner.open_creates import hold_back
from reconciler.planner.refactoring import Refactored, refactor
from reconciler.planner.refactoring_actions import with_refactoring
from reconciler.planner.timeline import resolve_times
from reconciler.plans.fingerprint import fingerprinted
from reconciler.plans.options import Options
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
    warnings: tuple[PlanWarning, ...] = ()
    """What is odd about dates."""


class Decided(Struct, frozen=True):
    """A plan before the passes that need not be repeated, with what it was made from."""

    plan: Plan
    known: Filled
    remote: Remote


def prepare(desired: Desired, state: State, options: Options, now: datetime) -> Prepared:
    """Return what a plan is made from, the remote side aside, at the moment *now*, which has an offset.

    Raises PlanError for a date that no calendar has.
    """
    refactored = refactor(desired, state, options)
    timed = resolve_times(refactored.desired, refactored.state, now, re_anchor=options.re_anchor)
    bound = index_bindings(refactored.state)
    return Prepared(timed.desired, refactored.state, options, bound, refactored, timed.warnings)


def decide(prepared: Prepared, remote: Remote) -> Decided:
    """Return the plan that *remote* needs; with `refresh_only` one that changes the state alone."""
    known, state, options = fill(prepared.desired, remote), prepared.state, prepared.options
    if options.refresh_only:
        return Decided(plan_refresh(known.desired, remote, state, options), known, remote)
    return Decided(build_plan(known.desired, remote, state, options, bound=prepared.bound), known, remote)


def complete(prepared: Prepared, decided: Decided, unknown: Mapping[Address, str]) -> Plan:
    """Return the decided plan with the actions of blocks, sensitive fields, references and fingerprints.

    *unknown* has the open creates whose outcome cannot be told, with the reason; they hold the plan back.
    """
    remote, options = decided.remote, prepared.options
    plan = with_refactoring(decided.plan, prepared.refactored, decided.known.desired, remote)
    plan = mark(plan, decided.known.desired, prepared.state)
    plan = fingerprinted(mark_references(plan, decided.known), remote, prepared.state.digest_keys)
    if unknown:
        plan = hold_back(plan, unknown, destroy=options.destroy)
    if options.destroy or options.refresh_only:
        return plan
    return msgspec.structs.replace(plan, warnings=(*plan.warnings, *prepared.warnings))


def find_drift(prepared: Prepared, remote: Remote, *, with_pending: bool) -> Plan:
    """Return a plan of *remote* that has a drift, and neither actions nor records.

    With *with_pending* the changes that the manifests still want are counted.
    """
    desired, state = fill(prepared.desired, remote).desired, prepared.state
    plan = mark(plan_refresh(desired, remote, state, prepared.options), desired, state)
    drift = plan.drift or Drift(())
    if with_pending:
        made = build_plan(desired, remote, state, prepared.options, bound=prepared.bound)
        made = with_refactoring(made, prepared.refactored, desired, remote)
        drift = msgspec.structs.replace(drift, pending=count_pending(made, drift))
    return msgspec.structs.replace(plan, drift=drift, records=())
