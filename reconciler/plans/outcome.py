"""What became of the actions of a plan."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

from reconciler.model import Address
from reconciler.plans.actions import Verb
from reconciler.plans.plan import PlanWarning


class Status(StrEnum):
    """What became of an action."""

    DONE = "done"
    FAILED = "failed"
    UNKNOWN = "unknown"
    NOT_REACHED = "not_reached"


class Result(Struct, frozen=True, omit_defaults=True):
    """The outcome of one action. *kind* classes the error: `remote`, `not_sent`, `interrupted`….

    *importing* says that the address was bound to an existing object by this very plan.
    """

    address: Address
    verb: Verb
    status: Status
    sid: str | None = None
    kind: str = ""
    code: int | None = None
    text: str = ""
    importing: bool = False


class Outcome(Struct, frozen=True):
    """What an apply did, action by action, and what it cost in requests.

    *interrupted* says that it was asked to stop before everything was done.
    """

    results: tuple[Result, ...]
    warnings: tuple[PlanWarning, ...] = ()
    read: int = 0
    write: int = 0
    retried: int = 0
    interrupted: bool = False
