"""How fast requests go out, and how often one is sent again.

Three brakes: requests in flight (adaptive), changes per second and conversation or service, and
back-off after a failure. Time is the event loop's, so tests may run on a loop of their own clock.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Final, TypeVar

import anyio

from reconciler.errors import NotSent, RemoteError, Throttled
from reconciler.twilio.endpoint import Endpoint
from reconciler.twilio.failures import Kind
from reconciler.twilio.retries import Patience

if TYPE_CHECKING:
    import stamina

# stamina logs each retry; without a handler Python would print that in the middle of our output.
logging.getLogger("stamina").addHandler(logging.NullHandler())

T = TypeVar("T")

_LONGEST_BACKOFF: Final = 20.0
"""Seconds that exponential back-off waits at most before one attempt."""
_TWILIO_RATE: Final = 30.0
"""Changes per second and conversation that Twilio documents as allowed."""
_LOCAL_BACKOFF: Final = 0.02
"""Seconds: a server on this machine is shared with nobody who would need the rest."""
_RUN: Final = 20
"""Successes in a row after which one more request may be in flight."""


class _Lane:
    """The changes of one conversation or service: they start in turn, evenly spaced."""

    def __init__(self) -> None:
        self.turn = asyncio.Lock()
        self.free_at = 0.0


class Pace:
    """The brakes of one client.

    *parallelism* is the number of requests in flight at most; it halves when the server throttles,
    and creeps back. *rate* bounds the changes per second of each lane (None: no bound). *max_wait*
    bounds the seconds over which one request is tried again. The first back-off takes between
    *backoff* and twice *backoff* seconds, and the sure part of it doubles each time.
    """

    def __init__(
        self,
        *,
        parallelism: int = 10,
        rate: float | None = _TWILIO_RATE,
        max_wait: float = 120.0,
        backoff: float = 0.5,
    ) -> None:
        self._parallelism = parallelism
        self._spacing = 1 / rate if rate else 0.0
        self.max_wait = max_wait
        self._backoff = backoff
        self._slots = anyio.CapacityLimiter(parallelism)
        self._lanes: defaultdict[str, _Lane] = defaultdict(_Lane)
        self._begun = 0
        self._begun_at_halving = 0
        self._run = 0
        self._answered = False
        self._stopped = False
        self._waits: set[asyncio.Timeout] = set()

    @classmethod
    def of(
        cls,
        endpoint: Endpoint,
        *,
        parallelism: int = 10,
        rate: float | None = None,
        max_wait: float = 120.0,
    ) -> Pace:
        """Return what *endpoint* can bear: without *rate*, 30 per second on Twilio, no bound locally."""
        if endpoint.local:
            return cls(parallelism=parallelism, rate=rate, max_wait=max_wait, backoff=_LOCAL_BACKOFF)
        return cls(parallelism=parallelism, rate=rate or _TWILIO_RATE, max_wait=max_wait)

    @property
    def limit(self) -> int:
        """The number of requests that may be in flight now."""
        return int(self._slots.total_tokens)

    def stop(self) -> None:
        """Let no further attempt start: what waits fails at once, what is in flight goes on."""
        self._stopped = True
        for wait in self._waits:
            wait.reschedule(0)

    async def run(self, send: Callable[[], Awaitable[T]], kind: Kind, *, lane: str | None = None) -> T:
        """Return what *send* returns, called in its turn, and again after failures that allow it.

        *lane* names what the rate is counted by; None for a read, which Twilio does not count.
        Raises the last error, whose text then tells the number of attempts.
        """
        clock = asyncio.get_running_loop().time
        patience = Patience(kind, max_wait=self.max_wait, began=clock())
        try:
            async with self._turn(lane):
                return await send()
        except RemoteError as error:
            failures = [error]
        wait = asyncio.timeout(None)

        def after(error: Exception) -> bool | float:
            if not isinstance(error, RemoteError):
                return False
            again = patience.after(error, now=clock(), answered=self._answered)
            if again is False or self._stopped:
                return False
            self._waits.add(wait)
            return again

        async def attempt() -> T:
            if failures:
                raise failures.pop()
            self._waits.discard(wait)
            async with self._turn(lane):
                return await send()

        try:
            async with wait:
                return await self._again(after, attempt)
        except RemoteError as error:
            raise patience.conclusion(error, now=clock()) from error.__cause__
        except TimeoutError:
            if patience.last is None or not wait.expired():
                raise
            raise patience.conclusion(patience.last, now=clock()) from patience.last.__cause__
        finally:
            self._waits.discard(wait)

    @cached_property
    def _again(self) -> stamina.AsyncRetryingCaller:
        import stamina  # noqa: PLC0415 - most commands never try anything again

        return stamina.AsyncRetryingCaller(
            attempts=None,
            timeout=None,
            wait_initial=self._backoff,
            wait_jitter=self._backoff,
            wait_max=_LONGEST_BACKOFF,
        )

    @asynccontextmanager
    async def _turn(self, lane: str | None) -> AsyncIterator[None]:
        """Wait until the lane and a slot are free; learn from how the request ends."""
        if lane is None or not self._spacing:
            await self._slots.acquire()
        else:
            await self._acquire_spaced(self._lanes[lane])
        try:
            if self._stopped:
                raise NotSent("not sent: the run is being stopped")
            self._begun += 1
            number = self._begun
            try:
                yield
            except RemoteError as error:
                self._answered = self._answered or error.status is not None
                if isinstance(error, Throttled):
                    self._slow_down(number)
                raise
            self._answered = True
            self._speed_up()
        finally:
            self._slots.release()

    async def _acquire_spaced(self, lane: _Lane) -> None:
        # The turn is kept until a slot is ours, so that the spacing holds between real starts, and
        # no slot is kept while waiting, so that other lanes go on.
        clock = asyncio.get_running_loop().time
        async with lane.turn:
            if lane.free_at > clock() and not self._stopped:
                await asyncio.sleep(lane.free_at - clock())
            await self._slots.acquire()
            lane.free_at = clock() + self._spacing

    def _slow_down(self, number: int) -> None:
        """Halve, once for a burst: requests begun before the last halving say nothing new."""
        self._run = 0
        if number > self._begun_at_halving:
            self._begun_at_halving = self._begun
            self._slots.total_tokens = max(1, self.limit // 2)

    def _speed_up(self) -> None:
        self._run += 1
        if self._run >= _RUN and self.limit < self._parallelism:
            self._run = 0
            self._slots.total_tokens = self.limit + 1
