"""Replies as the handlers of operations make them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import msgspec

from reconciler.emulator.wire import Reply

encode: Final = msgspec.json.Encoder().encode
GONE: Final = Reply(204)


def joined(show: Callable[[tuple[Any, ...]], dict[str, Any]]) -> Callable[[list[Any]], bytes]:
    """Return what writes the rows of a page, each as *show* does."""
    return lambda rows: b",".join(encode(show(row)) for row in rows)


def created(value: dict[str, Any]) -> Reply:
    """Return the reply to a create."""
    return Reply(201, encode(value))


def ok(value: dict[str, Any]) -> Reply:
    """Return the reply to a fetch or an update."""
    return Reply(200, encode(value))
