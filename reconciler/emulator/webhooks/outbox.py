"""The post-action webhooks that wait to be sent: one after another, in the order of their events."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Collection
from typing import Final, NamedTuple

from reconciler.emulator.webhooks.delivery import Answer, Webhook

LOGGED: Final = 10_000


class Sent(NamedTuple):
    """One webhook of the log, with its answer."""

    webhook: Webhook
    answer: Answer


class Outbox:
    """Sends webhooks from a thread of its own, which starts with the first."""

    def __init__(self, allowed: Collection[str], seconds: float) -> None:
        self.log: deque[Sent] = deque(maxlen=LOGGED)
        """What was sent, pre-action webhooks included; of more than 10,000, only the last."""
        self.allowed = set(allowed)
        """The names of other machines to which webhooks may go."""
        self._seconds = seconds
        self._waiting: deque[Webhook] = deque()
        self._changed = threading.Condition()
        self._busy = False
        self._closed = False
        self._thread: threading.Thread | None = None

    async def ask(self, hook: Webhook) -> Answer:
        """Send *hook* now, and return its answer."""
        from reconciler.emulator.webhooks.sender import send  # noqa: PLC0415 (httpx)

        answer = await send(hook, allowed=self.allowed, seconds=self._seconds)
        self.log.append(Sent(hook, answer))
        return answer

    def put(self, hook: Webhook) -> None:
        """Send *hook* after those that wait already."""
        with self._changed:
            if self._closed:
                return
            self._waiting.append(hook)
            self._changed.notify_all()
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="webhooks", daemon=True)
                self._thread.start()

    def wait(self, seconds: float) -> bool:
        """Wait until nothing waits to be sent; return False if that is not so after *seconds*."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._waiting and not self._busy, seconds)

    def close(self) -> None:
        """Drop what waits, and end the thread."""
        with self._changed:
            self._closed = True
            self._waiting.clear()
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join(self._seconds)

    def _run(self) -> None:
        while (hook := self._next()) is not None:
            try:
                asyncio.run(self.ask(hook))
            finally:
                with self._changed:
                    self._busy = False
                    self._changed.notify_all()

    def _next(self) -> Webhook | None:
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closed)
            if self._closed:
                return None
            self._busy = True
            return self._waiting.popleft()
