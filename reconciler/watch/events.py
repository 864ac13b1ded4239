"""What a watch tells: one JSON object a line for programs, and a line for people."""

from __future__ import annotations

from collections import Counter
from enum import StrEnum
from typing import Final

from msgspec import Struct

from reconciler.plans.actions import Reason
from reconciler.plans.outcome import Outcome, Status
from reconciler.plans.plan import Plan
from reconciler.text.words import plural
from reconciler.watch.schedule import Kind

_DRIFTED: Final = frozenset({Reason.DRIFTED, Reason.MISSING_REMOTELY, Reason.UNMANAGED})
"""The reasons that tell of a change by somebody else."""
_SHOWN: Final = 100
"""The most addresses in one event."""


class Ending(StrEnum):
    """How a round ended: a closed set on which scripts may rely."""

    IN_SYNC = "in_sync"
    """Everything is as the manifests say; only a full round can know."""
    NOTHING_NEW = "nothing_new"
    """A round that looks at a part found nothing to do there."""
    CHANGES_PENDING = "changes_pending"
    APPLIED = "applied"
    INCOMPLETE = "incomplete"
    HELD_BACK = "held_back"
    LOCKED = "locked"
    FAILED = "failed"
    STOPPED = "stopped"


FAILURES: Final = frozenset({Ending.FAILED, Ending.LOCKED, Ending.INCOMPLETE})
"""The endings after which the next round comes later and later."""


class Started(Struct, frozen=True, tag="started", tag_field="event", omit_defaults=True):
    """The watch begins."""

    version: str
    """Of this tool."""
    interval: float
    """Seconds between two rounds."""
    full_every: int
    """Every how many rounds everything is looked at."""
    apply: bool
    """Whether changes are applied."""
    at: str = ""
    """When it was told, in whole seconds of UTC."""


class Change(Struct, frozen=True):
    """One action that a round found necessary."""

    address: str
    """Its address."""
    action: str
    """What is to be done: `create`, `update`, `delete`…."""
    reason: str
    """Why: one of the reasons of a plan."""


class Requests(Struct, omit_defaults=True):
    """The requests of a round."""

    read: int = 0
    """How many read."""
    write: int = 0
    """How many changed something."""
    retried: int = 0
    """How many were sent again."""
    statuses: dict[str, int] = {}
    """How many had which status; `none` is for those without a reply."""
    throttled: float = 0.0
    """Seconds that were waited because the server asked for it (429)."""


class Told(Struct, tag="round", tag_field="event", omit_defaults=True):
    """One round."""

    kind: Kind
    """What it looked at."""
    ending: Ending
    """How it ended."""
    drift: dict[str, int] = {}
    """What somebody else changed: how many actions, by reason."""
    pending: dict[str, int] = {}
    """What the manifests want: how many actions, by reason."""
    changes: list[Change] = []
    """The first hundred actions."""
    done: int = 0
    """How many actions were carried out."""
    refusals: list[str] = []
    """Why the plan was held back, each with what permits it."""
    error: str = ""
    """What went wrong."""
    hint: str = ""
    """What to do about it."""
    requests: Requests | None = None
    """What was sent."""
    seconds: float = 0.0
    """How long it took."""
    next_in: float = 0.0
    """Seconds until the next round; 0 if it comes at once, or if none comes."""
    at: str = ""
    """When it ended, in whole seconds of UTC."""


def has_succeeded(told: Told) -> bool | None:
    """Return whether the round succeeded; None if it says nothing, as it was stopped or looked at nothing."""
    if told.ending in FAILURES:
        return False
    sent = told.requests or Requests()
    looked = told.kind is Kind.FULL or sent.read + sent.write > 0
    return True if looked and told.ending is not Ending.STOPPED else None


class Stopped(Struct, frozen=True, tag="stopped", tag_field="event", omit_defaults=True):
    """The watch ends."""

    signal: int
    """The number of the signal that asked for it."""
    at: str = ""
    """When it was told, in whole seconds of UTC."""


def tell_plan(told: Told, plan: Plan) -> None:
    """Write into *told* what *plan* found."""
    reasons = Counter(action.reason for action in plan.actions)
    told.drift = {reason.value: count for reason, count in reasons.items() if reason in _DRIFTED}
    told.pending = {reason.value: count for reason, count in reasons.items() if reason not in _DRIFTED}
    told.changes = [
        Change(action.address, action.verb.value, action.reason.value) for action in plan.actions[:_SHOWN]
    ]
    told.refusals = [f"{refusal.text}; {refusal.hint}" for refusal in plan.refusals]
    if plan.actions:
        told.ending = Ending.CHANGES_PENDING if plan.applyable else Ending.HELD_BACK
    elif plan.refusals:
        told.ending = Ending.HELD_BACK


def tell_outcome(told: Told, outcome: Outcome) -> None:
    """Write into *told* what an apply did."""
    told.done = sum(result.status is Status.DONE for result in outcome.results)
    told.ending = Ending.APPLIED
    left = [result for result in outcome.results if result.status is not Status.DONE]
    if left:
        told.ending = Ending.STOPPED if outcome.interrupted else Ending.INCOMPLETE
        failed = next((result for result in left if result.text), left[0])
        told.error = f"{failed.address}: {failed.text or failed.status.value}"


def sentence(told: Told) -> str:
    """Return the line for people."""
    drifted, pending = sum(told.drift.values()), sum(told.pending.values())
    found = f"{drifted} changed remotely, {pending} pending"
    done = plural(told.done, "change")
    what = {
        Ending.IN_SYNC: "in sync",
        Ending.NOTHING_NEW: "nothing new",
        Ending.CHANGES_PENDING: found,
        Ending.APPLIED: f"applied {done}" + (f" ({drifted} changed remotely)" if drifted else ""),
        Ending.INCOMPLETE: f"{done} applied, not all: {told.error}",
        Ending.HELD_BACK: f"held back: {'; '.join(told.refusals) or told.error} ({found})",
        Ending.LOCKED: told.error,
        Ending.FAILED: told.error,
        Ending.STOPPED: "stopped",
    }[told.ending]
    hint = f"; {told.hint}" if told.hint else ""
    following = f"; next round in {told.next_in:.0f} s" if told.next_in else ""
    return f"{told.kind} round: {what}{hint}{following}"
