"""The clocks of a lease: one of the day, and one that goes on while the machine sleeps."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

from msgspec import Struct


def _counts_sleep() -> float:
    """Return seconds since some moment, sleep included where the system can tell (Linux, Android)."""
    boot = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if boot is None else time.clock_gettime(boot)


class Clocks(Struct, frozen=True):
    """What a protocol asks for the time; a simulation brings its own."""

    wall: Callable[[], float] = time.time
    """Seconds since 1970 in UTC; somebody may set it."""
    steady: Callable[[], float] = _counts_sleep
    """Seconds since some moment; nobody can set it, and it counts the sleep of the machine."""
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep
    """Waits that many seconds."""
