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
    """The outcome of one action."""

    address: Address
    """The address of the action."""
    verb: Verb
    """What was to be done."""
    status: Status
    """What became of it."""
    sid: str | None = None
    """The object that was made or changed."""
    kind: str = ""
    """The class of the error, for scripts: `remote`, `not_sent`, `interrupted`…."""
    code: int | None = None
    """Twilio's error code, if the reply had one."""
    text: str = ""
    """The error, for people."""
    importing: bool = False
    """Whether this plan also bound the address to the object, which existed before."""


class Outcome(Struct, frozen=True):
    """What an apply did, action by action."""

    results: tuple[Result, ...]
    """One per action, in the order of the plan."""
    warnings: tuple[PlanWarning, ...] = ()
    """What the reader should know."""
    read: int = 0
    """How many requests read."""
    write: int = 0
    """How many requests changed something."""
    retried: int = 0
    """How many requests were sent again."""
    interrupted: bool = False
    """Whether a signal asked it to stop before everything was done."""
