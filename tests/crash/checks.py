"""What a crash test asks besides: what differs at the end, and whether a process is really gone."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from tests.crash.scenarios import Scenario

_OPEN = frozenset(("01", "03", "08"))
"""What Linux calls established, about to be, and closed by the other side alone."""


def differences(scenario: Scenario, found: dict[str, list[str]]) -> Iterator[str]:
    """Yield what is wrong with the bodies *found* after *scenario*, by conversation."""
    for name, bodies in scenario.after.items():
        live = found.get(name, [])
        if extra := Counter(live) - Counter(bodies):
            yield f"duplicates in {name}: {dict(extra)}"
        if missing := Counter(bodies) - Counter(live):
            yield f"lost in {name}: {dict(missing)}"
        if not (extra or missing) and live != bodies and name not in scenario.unordered:
            yield f"wrong order in {name}: {live}"
    for name in found.keys() - scenario.after.keys():
        yield f"a conversation that should not be: {name}"


def is_connected(port: int) -> bool:
    """Return whether a connection to the server at *port* is open, or left and not yet read to its end."""
    sockets = Path("/proc/net/tcp")
    rows = [line.split() for line in sockets.read_text().splitlines()[1:]] if sockets.exists() else []
    return any(row[1] == f"0100007F:{port:04X}" and row[3] in _OPEN for row in rows)


def copy_of(connection: sqlite3.Connection) -> sqlite3.Connection:
    """Return a database in memory with the content of another."""
    copy = sqlite3.connect(":memory:", check_same_thread=False)
    connection.backup(copy)
    return copy
