"""Carry out one operation, with the scripted faults before and after it."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from enum import Enum, auto
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from reconciler.emulator import wire
from reconciler.emulator.call import Call
from reconciler.emulator.errors import ApiError
from reconciler.emulator.faults import (
    Action,
    Answer,
    Delay,
    EndlessPager,
    FoldAuthor,
    ForeignReply,
    Form,
    Invoke,
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
from reconciler.emulator.paging import Trouble
from reconciler.emulator.routes import Operation
from reconciler.emulator.site import Site
from reconciler.emulator.wire import Reply

_SIDS: Final = frozenset({"sid", "chat_service_sid", "service_sid", "conversation_sid"})
_HTML: Final = "text/html;charset=utf-8"
_CODES: Final = {
    429: (20429, "Too Many Requests"),
    500: (20500, "An error occurred"),
    503: (20503, "Service is unavailable. Please try again"),
}
_POLL_SECONDS: Final = 0.005
_READS: Final = ("fetch_", "list_")


class Ending(Enum):
    """The end of a connection that carries no whole reply."""

    RESET = auto()
    REFUSED = auto()
    TRUNCATED = auto()


class Outcome(NamedTuple):
    """The result for the client: a reply, none at all, or the beginning of one."""

    reply: Reply | None
    ending: Ending | None = None


async def carry_out(site: Site, operation: Operation, call: Call, actions: Sequence[Action]) -> Outcome:
    """Handle *call*, unless an action prevents it, and return the result for the client."""
    for action in actions:
        await _wait(site, action, after=False)
        outcome = _instead(site, operation, call, action)
        if outcome is not None:
            return outcome
        call = _altered(operation, call, action)
    reply = await site.webhooks.around(operation.kind, call, partial(site.handle, operation))
    for action in actions:
        await _wait(site, action, after=True)
        outcome = _instead_of_reply(site, reply, action)
        if outcome is not None:
            return outcome
    return Outcome(reply)


async def _wait(site: Site, action: Action, *, after: bool) -> None:
    match action:
        case Latency(seconds) if not after:
            await site.sleep(seconds)
        case Pause(marker) if action.after is after:
            _create(marker)
            while _exists(marker):
                await site.sleep(_POLL_SECONDS)
        case Invoke(callback) if action.after is after:
            callback()


def _create(marker: Path) -> None:
    marker.touch()


def _exists(marker: Path) -> bool:
    return marker.exists()


def _instead(site: Site, operation: Operation, call: Call, action: Action) -> Outcome | None:
    match action:
        case Reset(after=False):
            return Outcome(None, Ending.RESET)
        case NoConnection():
            return Outcome(None, Ending.REFUSED)
        case Delay(seconds):
            site.delay(operation, call, seconds)
            return Outcome(None, Ending.RESET)
        case Answer(after=False):
            return Outcome(_answer(action, site.store.clock()))
    return None


def _altered(operation: Operation, call: Call, action: Action) -> Call:
    match action:
        case RewriteBody(body) if call.webhooks:
            return _with_field(call, "Body", lambda sent: body.replace("{body}", sent))
        case TidyText():
            return _with_field(call, "Body", _tidy)
        case FoldAuthor():
            return _with_field(call, "Author", str.lower)
    return replace(call, trouble=_troubled(operation, call.trouble, action))


def _troubled(operation: Operation, trouble: Trouble, action: Action) -> Trouble:
    match action:
        case LateListing(seconds):
            return trouble._replace(hidden_seconds=seconds)
        case StaleReads(seconds) if operation.kind.startswith(_READS):
            return trouble._replace(stale_seconds=seconds)
        case RepeatingPager():
            return trouble._replace(repeating=True)
        case EndlessPager():
            return trouble._replace(endless=True)
    return trouble


def _with_field(call: Call, name: str, change: Callable[[str], str]) -> Call:
    """Return *call* with the field *name* of its form changed, if it has that field."""
    if name not in call.form:
        return call
    return replace(call, form={**call.form, name: change(call.form[name])})


def _tidy(text: str) -> str:
    return unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n").strip())


def _instead_of_reply(site: Site, reply: Reply, action: Action) -> Outcome | None:
    match action:
        case Reset(after=True):
            return Outcome(None, Ending.RESET)
        case Answer(after=True):
            return Outcome(_answer(action, site.store.clock()))
        case ForeignReply():
            return Outcome(reply._replace(body=_of_another(reply.body)))
        case WrongType():
            return Outcome(Reply(reply.status, _page(reply.status), _HTML))
        case Truncate():
            return Outcome(reply, Ending.TRUNCATED)
    return None


def _page(status: int) -> bytes:
    title = f"{status} {HTTPStatus(status).phrase}"
    return f"<html><head><title>{title}</title></head><body><h1>{title}</h1></body></html>".encode()


def _of_another(body: bytes) -> bytes:
    """Return the reply *body* with other sids in it."""
    shown = msgspec.json.decode(body) if body else {}
    for name, value in shown.items():
        if name in _SIDS and value:
            shown[name] = value[:2] + value[:1:-1]
    return msgspec.json.encode(shown) if body else body


def _answer(answer: Answer, now: datetime) -> Reply:
    code, message = _CODES.get(answer.status, (None, HTTPStatus(answer.status).phrase))
    reply = wire.error(ApiError(answer.code or code, answer.message or message, answer.status), "")
    if answer.form is Form.HTML:
        reply = Reply(answer.status, _page(answer.status), _HTML)
    elif answer.form is Form.EMPTY:
        reply = Reply(answer.status)
    if answer.retry_after is None:
        return reply
    waiting = f"{answer.retry_after:g}"
    if answer.as_date:
        until = now.astimezone(UTC) + timedelta(seconds=math.ceil(answer.retry_after))
        waiting = format_datetime(until, usegmt=True)
    return reply._replace(headers=(("retry-after", waiting),))
