"""Tell pages that something changed, by server-sent events: they then load their live parts again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Final

from reconciler.emulator.site import Site

_LOOK_SECONDS: Final = 0.2
"""Seconds between two looks for changes, which also come from other processes that use the data file."""
_ALIVE_LOOKS: Final = 75
"""Looks after which a line is sent though nothing changed, so that a connection that is gone is noticed."""
_BEGINNING: Final = b"retry: 500\n\n"
_CHANGED: Final = b"data: changed\n\n"
_ALIVE: Final = b": nothing new\n\n"


async def follow(site: Site, is_stopping: Callable[[], bool]) -> AsyncIterator[bytes]:
    """Yield an event at once, and one whenever the data or the log of requests changed."""
    yield _BEGINNING
    seen: object = None
    looks = 0
    while not is_stopping():
        site.catch_up()
        now = _version(site)
        looks += 1
        if now != seen:
            yield _CHANGED
            seen, looks = now, 0
        elif looks >= _ALIVE_LOOKS:
            yield _ALIVE
            looks = 0
        await asyncio.sleep(_LOOK_SECONDS)


def _version(site: Site) -> object:
    """Return a value that changes with the data, with their timers by the minute, and with the log."""
    last = id(site.requests[-1]) if site.requests else None
    return site.store.version(), len(site.requests), last, int(site.store.clock().timestamp()) // 60
