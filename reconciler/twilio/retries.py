"""The retry policy of one request: after each failure, whether and when to send it again."""

from __future__ import annotations

from typing import Final

from reconciler.errors import NotSent, OutcomeUnknown, RemoteError, Throttled
from reconciler.twilio.failures import Idempotency, may_repeat

UNCERTAIN_ATTEMPTS: Final = 5
"""Attempts of a request while its outcome is unknown: 5xx replies, broken connections, time-outs."""


UNKNOWN_SERVER_ATTEMPTS: Final = 3
"""Attempts to connect to a server that has never answered: most often its address is wrong."""


class RetryPolicy:
    """The retry policy of one request, with the failures that it has had so far.

    The first attempt began at *began*, in seconds of any clock. Another one is made only within *max_wait*
    seconds of it; the wait that the server asks for counts too.
    """

    def __init__(self, idempotency: Idempotency, *, max_wait: float, began: float) -> None:
        self._idempotency = idempotency
        self._max_wait = max_wait
        self._began = began
        self._attempts = 0
        self._uncertain: OutcomeUnknown | None = None
        self.last: RemoteError | None = None
        """The error of the last attempt."""

    def after(self, error: RemoteError, *, now: float, answered: bool) -> bool | float:
        """Return the seconds to wait before the next attempt, True for back-off, False to give up.

        *now* is in seconds of the clock of *began*. *answered* says whether the server ever answered this
        client.
        """
        self._attempts += 1
        self.last = error
        if isinstance(error, OutcomeUnknown):
            self._uncertain = error
        if not may_repeat(error, self._idempotency):
            return False
        if now - self._began + (error.retry_after or 0) >= self._max_wait:
            return False
        if isinstance(error, OutcomeUnknown) and self._attempts >= UNCERTAIN_ATTEMPTS:
            return False
        if isinstance(error, NotSent) and not answered and self._attempts >= UNKNOWN_SERVER_ATTEMPTS:
            return False
        # `Retry-After: 0` means back-off too: waiting 0 s would send requests in a tight loop.
        return error.retry_after or True

    def conclusion(self, error: RemoteError, *, now: float) -> RemoteError:
        """Return the error to raise after the last attempt failed with *error*.

        Its text gives the number of attempts. It is an `OutcomeUnknown` if any attempt may have succeeded.
        """
        if self._uncertain is not None and isinstance(error, NotSent | Throttled):
            # The last attempt had no effect, but an earlier one may have had.
            error = self._uncertain
        if self._attempts > 1:
            error.text += f" ({self._attempts} attempts in {now - self._began:.0f} s)"
        if error.retry_after:
            error.text += f"; it asks to wait {error.retry_after:.0f} s"
        error.args = (error.text,)
        return error
