"""Points that a process comes to: it stops itself at one, and loses the reply to one write."""

from __future__ import annotations

import signal
import threading
from collections import Counter


class Points:
    """Counts points; stops the process at *stop* (`NUMBER POINT`), and loses the reply to *lost*.

    *lost* is `NUMBER WRITE`; both are empty for none. It does not stop while a thread holds `served`: what a
    server was asked for ends without its client.
    """

    def __init__(self, stop: str, lost: str) -> None:
        self._stop = stop
        self._lost = lost
        self._count: Counter[str] = Counter()
        self.served = threading.Lock()

    def __call__(self, point: str) -> str:
        """Be at *point*, stop if this is the place, and return it with its number."""
        self._count[point] += 1
        numbered = f"{self._count[point]} {point}"
        if numbered == self._stop:
            with self.served:
                # Sent to the process, another thread could take it while this one goes on.
                signal.pthread_kill(threading.get_ident(), signal.SIGSTOP)
        return numbered

    def written(self, what: str) -> bool:
        """Be after the write *what*; return whether its reply arrives."""
        return self(f"after {what}").replace("after ", "") != self._lost
