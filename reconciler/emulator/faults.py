"""Scripted trouble: which requests it hits, and what it does to them.

A `Fault` names a kind of request, says which of those requests it hits, and holds one action. Rules
count on their own, in the order in which requests arrive, so a script with a seed repeats itself.
Nothing is carried out here; `app` does that.
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
    """Handle the request that many seconds later."""

    seconds: float


class Form(StrEnum):
    """What the body of a scripted answer looks like."""

    JSON = "json"
    HTML = "html"
    EMPTY = "empty"


@dataclass(frozen=True, slots=True)
class Answer:
    """Answer with *status*: instead of handling the request, or *after* it was handled.

    *retry_after* seconds are sent as `Retry-After`, as an HTTP date if *as_date*. *message* stands for the
    usual one.
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
    """Reset the connection now, handle the request that many seconds later by the store's clock.

    It is handled before the first request that arrives after this time, or when the emulator closes.
    """

    seconds: float


@dataclass(frozen=True, slots=True)
class Truncate:
    """Handle the request, send half of the reply's body, close the connection."""


@dataclass(frozen=True, slots=True)
class ForeignReply:
    """Handle the request, and answer about an object that nobody asked for, of other parents."""


@dataclass(frozen=True, slots=True)
class WrongType:
    """Handle the request, and send an HTML page with the reply's status."""


@dataclass(frozen=True, slots=True)
class LateListing:
    """Leave messages younger than that many seconds out of a list."""

    seconds: float


@dataclass(frozen=True, slots=True)
class StaleReads:
    """Let a replica that is that many seconds behind answer reads.

    To it a younger service, conversation, participant or message does not exist (404), and no list shows it.
    """

    seconds: float


@dataclass(frozen=True, slots=True)
class RepeatingPager:
    """Let `next_page_url` lead to the very page it stands on."""


@dataclass(frozen=True, slots=True)
class EndlessPager:
    """Give every page a `next_page_url`; beyond the last page the list starts again."""


@dataclass(frozen=True, slots=True)
class RewriteBody:
    """Store *body* instead of what was sent, as a pre-action webhook may, if webhooks were asked for.

    `{body}` in it stands for what was sent.
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
    """Create *marker* and wait until somebody removes it: before or *after* handling."""

    marker: Path
    after: bool = False


@dataclass(frozen=True, slots=True)
class Invoke:
    """Call *callback* with nothing: before or *after* handling. It may kill the client."""

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

    *kind* is a request's kind (`create_message`; `*` stands for anything, as in `fetch_*`), or its
    method (`POST`). Of the requests it fits, it hits the *nth* alone, counted from 1, or *every*
    n-th again, or each with *probability*, or else all.
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
        """Put rules in force; their counting starts now."""
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
        """Return what one request has to suffer, in the order in which the rules were added."""
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
