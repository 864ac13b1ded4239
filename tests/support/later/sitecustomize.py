"""Let the clocks of this Python go ahead, as if it had been started later, or had slept.

By LATER_SECONDS, or by what the file LATER_FILE says at the time.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

_SECONDS = float(os.environ.get("LATER_SECONDS", "0"))
_FILE = os.environ.get("LATER_FILE")
_now = time.time
_clock = time.clock_gettime
_monotonic = time.monotonic


def _ahead() -> float:
    return float(Path(_FILE).read_text(encoding="utf-8")) if _FILE else _SECONDS


time.time = lambda: _now() + _ahead()
time.monotonic = lambda: _monotonic() + _ahead()
time.clock_gettime = lambda clock: _clock(clock) + _ahead()
