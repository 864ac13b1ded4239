"""How long one request is tried again: decided after each failure, told at the end."""

from __future__ import annotations

from typing import Final

from reconciler.errors import NotSent, OutcomeUnknown, RemoteError, Throttled
from reconciler.twilio.failures import Kind, may_repeat

UNCERTAIN_ATTEMPTS: Final = 5
"""Attempts while the server answers with 5xx or breaks connections."""


UNKNOWN_SERVER_ATTEMPTS: Final = 3
"""Attempts to reach a server that has never answered: most often its address is wrong."""


class Patience:
    """The attempts of one request of *kind*, the first of which began at *began* (seconds).

    No attempt starts more than *max_wait* seconds after that, unless it was already due.
    """

    def __init__(self, kind: Kind, *, max_wait: float, began: float) -> None:
        self._kind = kind
        self._max_wait = max_wait
        self._began = began
        self._attempts = 0
        self._uncertain: OutcomeUnknown | None = None
        self.last: RemoteError | None = None

    def after(self, error: RemoteError, *, now: float, answered: bool) -> bool | float:
        """Return the seconds to wait before the next attempt, True for back-off, False to give up.

        *answered* says whether the server ever answered anything.
        """
        self._attempts += 1
        self.last = error
        if isinstance(error, OutcomeUnknown):
            self._uncertain = error
        if not may_repeat(error, self._kind):
            return False
        if now - self._began + (error.retry_after or 0) >= self._max_wait:
            return False
        if isinstance(error, OutcomeUnknown) and self._attempts >= UNCERTAIN_ATTEMPTS:
            return False
        if isinstance(error, NotSent) and not answered and self._attempts >= UNKNOWN_SERVER_ATTEMPTS:
            return False
        # Zero seconds would let a server that says so be asked in a tight loop.
        return error.retry_after or True

    def conclusion(self, error: RemoteError, *, now: float) -> RemoteError:
        """Return what to raise for the final *error*, with the number of attempts in its text."""
        if self._uncertain is not None and isinstance(error, NotSent | Throttled):
            # The last attempt did nothing, but an earlier one may have.
            error = self._uncertain
        if self._attempts > 1:
            error.text += f" ({self._attempts} attempts in {now - self._began:.0f} s)"
        if error.retry_after:
            error.text += f"; it asks to wait {error.retry_after:.0f} s"
        error.args = (error.text,)
        return error
