"""Scripted faults: the requests that they hit, and their actions.

A `Fault` has a kind of request, the choice among requests of that kind, and one action. Each rule counts by
itself, in the order in which requests arrive, so a script with a seed repeats itself. `exchange` carries the
actions out.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Latency:
    """Handle the request after *seconds*."""

    seconds: float


class Form(StrEnum):
    """The form of the body of a scripted answer."""

    JSON = "json"
    HTML = "html"
    EMPTY = "empty"


@dataclass(frozen=True, slots=True)
class Answer:
    """Answer with *status*: instead of handling the request, or *after* it was handled.

    *retry_after* seconds are sent as `Retry-After`, as an HTTP date if *as_date*. *message*
    replaces the usual one.
    """

    status: int
    code: int | None = None
    form: Form = Form.JSON
    after: bool = False
    retry_after: float | None = None
    as_date: bool = False
    message: str = ""


@dataclass(frozen=True, slots=True)
class Reset:
    """Reset the connection: instead of handling the request, or *after* it was handled."""

    after: bool = False


@dataclass(frozen=True, slots=True)
class NoConnection:
    """Refuse the connection. A connection that already exists, over HTTP, is reset instead."""


@dataclass(frozen=True, slots=True)
class Delay:
    """Reset the connection now, and handle the request *seconds* later by the store's clock.

    It is handled before the first request that arrives after this time, or when the emulator closes.
    """

    seconds: float


@dataclass(frozen=True, slots=True)
class Truncate:
    """Handle the request, send half of the reply's body, close the connection."""


@dataclass(frozen=True, slots=True)
class ForeignReply:
    """Handle the request, and reply with another object of other parents."""


@dataclass(frozen=True, slots=True)
class WrongType:
    """Handle the request, and send an HTML page with the reply's status."""


@dataclass(frozen=True, slots=True)
class LateListing:
    """Leave messages younger than *seconds* out of lists."""

    seconds: float


@dataclass(frozen=True, slots=True)
class StaleReads:
    """Answer reads as a replica that is *seconds* behind.

    A younger service, conversation, participant or message does not exist there (404), and no list shows it.
    """

    seconds: float


@dataclass(frozen=True, slots=True)
class RepeatingPager:
    """Let `next_page_url` of each page lead to that same page."""


@dataclass(frozen=True, slots=True)
class EndlessPager:
    """Give every page a `next_page_url`; beyond the last page the list starts again."""


@dataclass(frozen=True, slots=True)
class RewriteBody:
    """Store *body* instead of the body that was sent, as a pre-action webhook may, if webhooks are enabled.

    `{body}` in it is replaced by the body that was sent.
    """

    body: str


@dataclass(frozen=True, slots=True)
class TidyText:
    """Store a body in NFC, with LF at the ends of its lines and no white space around it."""


@dataclass(frozen=True, slots=True)
class FoldAuthor:
    """Store an author in lower case."""


@dataclass(frozen=True, slots=True)
class Pause:
    """Create the file *marker* and wait until it is removed: before or *after* handling."""

    marker: Path
    after: bool = False


@dataclass(frozen=True, slots=True)
class Invoke:
    """Call *callback* without arguments: before or *after* handling. It may kill the client."""

    callback: Callable[[], object]
    after: bool = False


Action: TypeAlias = (
    Latency
    | Answer
    | Reset
    | NoConnection
    | Delay
    | Truncate
    | ForeignReply
    | WrongType
    | LateListing
    | StaleReads
    | RepeatingPager
    | EndlessPager
    | RewriteBody
    | TidyText
    | FoldAuthor
    | Pause
    | Invoke
)


@dataclass(frozen=True, slots=True)
class Fault:
    """One rule.

    *kind* is the kind of a request (`create_message`; `*` matches anything, as in `fetch_*`), or its method
    (`POST`). Of the matching requests, the rule hits only the *nth*, counted from 1, or *every* n-th, or each
    with *probability*, or else all.
    """

    kind: str
    action: Action
    nth: int | None = None
    every: int | None = None
    probability: float | None = None

    def fits(self, method: str, kind: str) -> bool:
        """Return whether a request counts for this rule."""
        return self.kind == method or fnmatchcase(kind, self.kind)


@dataclass(slots=True)
class _Armed:
    fault: Fault
    owner: object
    number: int
    dice: random.Random
    seen: int = 0

    def strikes(self) -> bool:
        self.seen += 1
        fault = self.fault
        if fault.nth is not None:
            return self.seen == fault.nth
        if fault.every is not None:
            return self.seen % fault.every == 0
        return fault.probability is None or self.dice.random() < fault.probability


@dataclass(slots=True)
class FaultScript:
    """The rules in force. They can be added and cleared while requests are served."""

    seed: int = 0
    _armed: list[_Armed] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, *faults: Fault, owner: object = None) -> None:
        """Add rules, which count requests from now on."""
        with self._lock:
            for fault in faults:
                number = self._armed[-1].number + 1 if self._armed else 0
                dice = random.Random(f"{self.seed}:{number}")  # noqa: S311 (repeatable on purpose)
                self._armed.append(_Armed(fault, owner, number, dice))

    def clear(self, owner: object = None) -> None:
        """Drop every rule, or only those of *owner*."""
        with self._lock:
            self._armed = [armed for armed in self._armed if owner not in (None, armed.owner)]

    def draw(self, method: str, kind: str) -> list[Action]:
        """Return the actions for one request, in the order in which their rules were added."""
        with self._lock:
            return [
                armed.fault.action
                for armed in self._armed
                if armed.fault.fits(method, kind) and armed.strikes()
            ]


def script(faults: Iterable[Fault], seed: int) -> FaultScript:
    """Return a script with *faults* in force."""
    made = FaultScript(seed)
    made.add(*faults)
    return made
