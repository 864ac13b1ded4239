"""Faults as one line of text, for the command line and over HTTP: `KIND[:WHEN]:ACTION`.

    create_message:3:reset_after    the third create is stored, and its reply is lost
    *:p=0.1:429=2                   one request in ten, by chance, is told to wait two seconds
    list_messages:late=5            no list shows messages younger than five seconds
    *:stale=0.5                     reads come from a replica that is half a second behind
    POST:every=4:503_html

KIND   a method, or an operation, with `*` for anything: `fetch_*` is every fetch, `*` every request.
       {create,list,fetch,update,delete}_{conversation,message,participant,user,role,webhook,address,
       credential}[s], as in `list_messages`; {create,list,fetch,delete}_service[s], list_receipts,
       fetch_receipt, upload_media, fetch_media, fetch_media_content; the others are in `routes`
WHEN   `N` the n-th alone, `every=N`, `p=PROBABILITY`; every one if left out
ACTION latency=SECONDS, reset_before, reset_after, no_connection, delay=SECONDS, truncate, wrong_type,
       foreign_reply, late=SECONDS, stale=SECONDS, repeat_page, endless_pages, rewrite_body=TEXT ({body}: what
       was sent), tidy_text, fold_author, pause_before=FILE, pause_after=FILE,
       STATUS[/CODE][_html|_empty][_after][=SECONDS|=date+SECONDS]: a status from 400 to 599 with Twilio's
       code, before or after handling, with `Retry-After` in seconds or as a date
"""

from __future__ import annotations

import math
import re
from difflib import get_close_matches
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Final, NoReturn

from reconciler.emulator.faults import (
    Action,
    Answer,
    Delay,
    EndlessPager,
    Fault,
    FoldAuthor,
    ForeignReply,
    Form,
    LateListing,
    Latency,
    NoConnection,
    Pause,
    RepeatingPager,
    Reset,
    RewriteBody,
    StaleReads,
    TidyText,
    Truncate,
    WrongType,
)
from reconciler.emulator.fields import CENTURY
from reconciler.emulator.routes import KINDS
from reconciler.errors import UsageError

_METHODS: Final = frozenset({"GET", "POST", "DELETE"})
_PLAIN: Final[dict[str, Action]] = {
    "reset_before": Reset(),
    "reset_after": Reset(after=True),
    "no_connection": NoConnection(),
    "truncate": Truncate(),
    "wrong_type": WrongType(),
    "foreign_reply": ForeignReply(),
    "repeat_page": RepeatingPager(),
    "endless_pages": EndlessPager(),
    "tidy_text": TidyText(),
    "fold_author": FoldAuthor(),
}
_TIMED: Final[dict[str, type[Latency | Delay | LateListing | StaleReads]]] = {
    "latency": Latency,
    "delay": Delay,
    "late": LateListing,
    "stale": StaleReads,
}
_STATUS: Final = re.compile(
    r"(?P<status>[45]\d\d)(?:/(?P<code>\d{5}))?(?:_(?P<form>html|empty))?(?P<after>_after)?"
    r"(?:=(?P<date>date\+)?(?P<wait>\d+(?:\.\d+)?))?",
    re.ASCII,
)
_WHEN: Final = re.compile(r"\d+|every=.*|p=.*", re.ASCII | re.DOTALL)


def parse_fault(text: str) -> Fault:
    """Return the fault that *text* describes; raises UsageError, with its first mistake."""
    kind, colon, rest = text.partition(":")
    if not kind or not colon:
        _refuse(text, "it has no action")
    if kind not in _METHODS and not any(fnmatchcase(known, kind) for known in KINDS):
        close = get_close_matches(kind, KINDS, 1)
        _refuse(text, f"`{kind}` is no kind of request" + (f", did you mean `{close[0]}`?" if close else ""))
    when, colon, action = rest.partition(":")
    if colon and _WHEN.fullmatch(when):
        return Fault(kind, _action(text, action), **_when(text, when))
    return Fault(kind, _action(text, rest))


def described(action: Action) -> str:
    """Return *action* in this notation; one that the notation does not have by the name of its class."""
    for name, plain in _PLAIN.items():
        if action == plain:
            return name
    for name, timed in _TIMED.items():
        if type(action) is timed:
            return f"{name}={action.seconds:g}"
    match action:
        case Answer():
            return _described_answer(action)
        case RewriteBody(body):
            return f"rewrite_body={body}"
        case Pause(marker, after):
            return f"pause_{'after' if after else 'before'}={marker}"
    return type(action).__name__.lower()


def _described_answer(answer: Answer) -> str:
    code = f"/{answer.code}" if answer.code is not None else ""
    form = "" if answer.form is Form.JSON else f"_{answer.form}"
    wait = "" if answer.retry_after is None else f"={'date+' if answer.as_date else ''}{answer.retry_after:g}"
    return f"{answer.status}{code}{form}{'_after' if answer.after else ''}{wait}"


def _when(text: str, when: str) -> dict[str, Any]:
    name, _, value = when.rpartition("=")
    if name == "p":
        probability = _number(text, value)
        if probability > 1:
            _refuse(text, f"`{value}` is no probability from 0 to 1")
        return {"probability": probability}
    if not re.fullmatch(r"[1-9]\d{0,9}", value, re.ASCII):
        _refuse(text, f"`{value}` is no count from 1")
    return {name or "nth": int(value)}


def _action(text: str, action: str) -> Action:
    if action in _PLAIN:
        return _PLAIN[action]
    status = _STATUS.fullmatch(action)
    if status is not None:
        return Answer(
            status=int(status["status"]),
            code=int(status["code"]) if status["code"] else None,
            form=Form(status["form"] or "json"),
            after=status["after"] is not None,
            retry_after=_seconds(text, status["wait"]) if status["wait"] else None,
            as_date=status["date"] is not None,
        )
    name, equals, value = action.partition("=")
    if equals and name in _TIMED:
        return _TIMED[name](_seconds(text, value))
    if equals and name == "rewrite_body":
        return RewriteBody(value)
    if value and name in {"pause_before", "pause_after"}:
        return Pause(Path(value), after=name == "pause_after")
    return _refuse(text, f"`{action}` is no action")


def _seconds(text: str, value: str) -> float:
    seconds = _number(text, value)
    if seconds > CENTURY:  # beyond the last year there is no date
        _refuse(text, f"`{value}` seconds are more than a century")
    return seconds


def _number(text: str, value: str) -> float:
    try:
        number = float(value)
    except ValueError:
        number = math.nan
    if not (math.isfinite(number) and number >= 0):
        _refuse(text, f"`{value}` is no number from 0")
    return number


def _refuse(text: str, why: str) -> NoReturn:
    timed = (f"{name}=SECONDS" for name in _TIMED)
    actions = ", ".join([*_PLAIN, *timed, "rewrite_body=TEXT", "pause_before=FILE", "pause_after=FILE"])
    raise UsageError(
        f"cannot read the fault `{text}`: {why}",
        hint=f"write `KIND[:WHEN]:ACTION`, say `create_message:3:reset_after`; actions: a status, {actions}",
    )
