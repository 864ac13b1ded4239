"""Limit how fast requests are sent, and send failed ones again.

There are three limits: requests in flight (adaptive), changes per second to one conversation or service, and
back-off after a failure. Time is the event loop's, so tests may use a loop with a clock of its own.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Awaitable, Callable
from functools import cached_property
from typing import TYPE_CHECKING, Final, TypeVar

from reconciler.errors import NotSent, RemoteError, Throttled
from reconciler.model import ResourceType
from reconciler.model.sids import PREFIXES
from reconciler.runtime.activity import SILENT
from reconciler.runtime.slots import Slots
from reconciler.twilio.endpoint import Endpoint
from reconciler.twilio.failures import Idempotency
from reconciler.twilio.retries import RetryPolicy

if TYPE_CHECKING:
    import stamina

# stamina logs each retry. Without a handler, Python would print that between the lines of our output.
logging.getLogger("stamina").addHandler(logging.NullHandler())

T = TypeVar("T")

_OF_SERVICES: Final = PREFIXES[ResourceType.SERVICE]
"""The beginning of the sids of services."""

_LONGEST_BACKOFF: Final = 20.0
"""The longest wait of exponential back-off, in seconds."""
_TWILIO_RATE: Final = 30.0
"""Changes per second to one conversation that Twilio's reference allows."""
_LOCAL_BACKOFF: Final = 0.02
"""The first back-off in seconds for a server on this machine, which has no other clients to spare."""
_SUCCESSES: Final = 20
"""Successes in a row after which one more request may be in flight."""


class _Bucket:
    """The rate limit of one conversation or service: its changes start one after another, evenly spaced."""

    def __init__(self) -> None:
        self.lock = asyncio.Lock()
        self.free_at = 0.0


class Pace:
    """The limits of one client.

    At most *parallelism* requests are in flight. The limit is halved when the server throttles, and grows
    back by one after each run of successes. *rate* is the most changes per second of each bucket (None: no
    limit). A request is not sent again once *max_wait* seconds have passed since its first attempt. The first
    back-off takes *backoff* to twice *backoff* seconds; the fixed part doubles with each further one.

    So many *machines* divide *parallelism* and the rate of a service among them, down to 1 for each. A
    conversation is changed by one of them alone.
    """

    def __init__(
        self,
        *,
        parallelism: int = 10,
        rate: float | None = _TWILIO_RATE,
        max_wait: float = 120.0,
        backoff: float = 0.5,
        machines: int = 1,
    ) -> None:
        parallelism = max(1, parallelism // machines)
        self._parallelism = parallelism
        self._spacing = 1 / rate if rate else 0.0
        self._service_spacing = 1 / max(rate / machines, min(rate, 1)) if rate else 0.0
        self.max_wait = max_wait
        self._backoff = backoff
        self._slots = Slots(parallelism)
        self._buckets: defaultdict[str, _Bucket] = defaultdict(_Bucket)
        self._begun = 0
        self._begun_at_halving = 0
        self._successes = 0
        self._answered = False
        self._stopped = False
        self._waits: set[asyncio.Timeout] = set()
        self.on_wait: Callable[[float, str], None] = SILENT.waiting
        """Is called before each wait, with its seconds (0 for back-off) and why a request is sent again."""

    @classmethod
    def of(
        cls,
        endpoint: Endpoint,
        *,
        parallelism: int = 10,
        rate: float | None = None,
        max_wait: float = 120.0,
        machines: int = 1,
    ) -> Pace:
        """Return the limits for *endpoint*.

        Without *rate*, that is 30 changes per second on Twilio, and none on this machine.
        """
        limits = {"parallelism": parallelism, "machines": machines}
        if endpoint.local:
            return cls(rate=rate, max_wait=max_wait, backoff=_LOCAL_BACKOFF, **limits)
        return cls(rate=rate or _TWILIO_RATE, max_wait=max_wait, **limits)

    @property
    def limit(self) -> int:
        """The present limit of requests in flight."""
        return self._slots.limit

    def stop(self) -> None:
        """Start no further attempt: waiting requests fail at once, those in flight are finished."""
        self._stopped = True
        for wait in self._waits:
            wait.reschedule(0)

    async def run(
        self, send: Callable[[], Awaitable[T]], idempotency: Idempotency, *, bucket: str | None = None
    ) -> T:
        """Call *send* within the limits, and again after failures that allow it; return its result.

        *bucket* names the rate limit to count against, by the sid of a conversation or service. None is for
        reads, which Twilio does not limit. Raises the last `RemoteError`, with the number of attempts in its
        text.
        """
        clock = asyncio.get_running_loop().time
        policy = RetryPolicy(idempotency, max_wait=self.max_wait, began=clock())
        try:
            return await self._in_slot(send, bucket)
        except RemoteError as error:
            failures = [error]
        wait = asyncio.timeout(None)

        def after(error: Exception) -> bool | float:
            if not isinstance(error, RemoteError):
                return False
            again = policy.after(error, now=clock(), answered=self._answered)
            if again is False or self._stopped:
                return False
            self._waits.add(wait)
            self.on_wait(error.retry_after or 0.0, _reason(error))
            return again

        async def attempt() -> T:
            if failures:
                raise failures.pop()
            self._waits.discard(wait)
            return await self._in_slot(send, bucket)

        try:
            async with wait:
                return await self._again(after, attempt)
        except RemoteError as error:
            raise policy.conclusion(error, now=clock()) from error.__cause__
        except TimeoutError:
            if policy.last is None or not wait.expired():
                raise
            raise policy.conclusion(policy.last, now=clock()) from policy.last.__cause__
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

    async def _in_slot(self, send: Callable[[], Awaitable[T]], bucket: str | None) -> T:
        """Call *send* once the rate limit and a slot allow it; adapt the parallelism to how it ends."""
        if bucket is None or not self._spacing:
            await self._slots.acquire()
        else:
            is_service = bucket.startswith(_OF_SERVICES)
            spacing = self._service_spacing if is_service else self._spacing
            await self._acquire_spaced(self._buckets[bucket], spacing)
        try:
            if self._stopped:
                raise NotSent("not sent: the run is being stopped")
            self._begun += 1
            number = self._begun
            try:
                result = await send()
            except RemoteError as error:
                self._answered = self._answered or error.status is not None
                if isinstance(error, Throttled):
                    self._slow_down(number)
                raise
            self._answered = True
            self._speed_up()
            return result
        finally:
            self._slots.release()

    async def _acquire_spaced(self, bucket: _Bucket, spacing: float) -> None:
        # The bucket stays locked until a slot is free, so that requests really start that far apart.
        # No slot is held during the wait, so that other buckets go on.
        clock = asyncio.get_running_loop().time
        async with bucket.lock:
            if bucket.free_at > clock() and not self._stopped:
                await asyncio.sleep(bucket.free_at - clock())
            await self._slots.acquire()
            bucket.free_at = clock() + spacing

    def _slow_down(self, number: int) -> None:
        """Halve the limit, once for a burst: requests begun before the last halving do not count."""
        self._successes = 0
        if number > self._begun_at_halving:
            self._begun_at_halving = self._begun
            self._slots.resize(max(1, self.limit // 2))

    def _speed_up(self) -> None:
        self._successes += 1
        if self._successes >= _SUCCESSES and self.limit < self._parallelism:
            self._successes = 0
            self._slots.resize(self.limit + 1)


def _reason(error: RemoteError) -> str:
    """Return why a request that ended in *error* is sent again."""
    if isinstance(error, Throttled):
        return "Twilio asks for a pause (429)"
    if error.status is not None:
        return f"Twilio answered {error.status}"
    return "no connection" if isinstance(error, NotSent) else "no reply"
