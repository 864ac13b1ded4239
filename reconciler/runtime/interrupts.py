"""Ctrl-C and SIGTERM: the first asks the work to stop, the second ends the command without waiting.

Python handles a signal in its main thread, between two of its own instructions. A file system that hangs
blocks that thread for ever. So another thread ends the process if such a signal is not handled soon.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from threading import Thread
from types import FrameType
from typing import Any, Final, TypeVar

from reconciler.errors import SIGNALLED, Interrupted

T = TypeVar("T")


_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)


_PATIENCE: Final = 2.0
"""Seconds after which a signal that the main thread has not handled ends the process."""


_SLACK: Final = 0.5
"""Seconds by which the main thread may handle a signal before the other thread reads of it."""


class Interrupts:
    """What signals do while a command runs: they end it, until `stop_gently` names a gentler way.

    *advice* becomes that of Interrupted: what happens to the work that was begun. A wait has none.
    """

    def __init__(self, advice: str = "") -> None:
        self.signum: int | None = None
        """The number of the first signal that arrived, or None."""
        self._at_first = advice
        self._advice = advice
        self._gently: Callable[[], None] | None = None
        self._task: asyncio.Task[Any] | None = None
        self._watched = False
        self._noticed_at = float("-inf")

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run *work* to its end; raises Interrupted if a signal ended it.

        A gentle way to stop ends with the work that named it.
        """
        self._gently, self._advice = None, self._at_first
        try:
            with self._watch():
                return asyncio.run(self._guarded(work))
        except asyncio.CancelledError:
            if self.signum is None:
                raise
            raise Interrupted(self.signum, self._advice) from None

    @contextmanager
    def at_once(self) -> Iterator[None]:
        """Let a signal raise Interrupted in the middle of a call that waits for a lock or a person."""
        with self._watch(), _handled_by(self._raise):
            yield

    def stop_gently(self, stop: Callable[[], None], advice: str = "") -> None:
        """Let the first signal call *stop* from now on; the second ends the command, with *advice*."""
        self._gently = stop
        self._advice = advice or self._advice
        if self.signum is not None:
            stop()

    async def _guarded(self, work: Coroutine[Any, Any, T]) -> T:
        loop = asyncio.get_running_loop()
        task: asyncio.Task[T] = loop.create_task(work)
        self._task = task

        def hand_over(signum: int, frame: FrameType | None) -> None:
            del frame
            loop.call_soon_threadsafe(self._on_signal, signum)

        with _handled_by(hand_over):
            return await task

    def _on_signal(self, signum: int) -> None:
        self._noticed_at = time.monotonic()
        if self.signum is None and self._gently is not None:
            self.signum = signum
            self._gently()
            return
        self.signum = self.signum or signum
        if self._task is not None:
            self._task.cancel()

    def _raise(self, signum: int, frame: FrameType | None) -> None:
        del frame
        self._noticed_at = time.monotonic()
        self.signum = signum
        raise Interrupted(signum)

    @contextmanager
    def _watch(self) -> Iterator[None]:
        """Let another thread watch over the main thread: it ends the process if a signal is not handled."""
        if self._watched:
            yield
            return
        reader, writer = socket.socketpair()
        writer.setblocking(False)  # noqa: FBT003 - as it must be for `set_wakeup_fd`
        before = signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)
        self._watched = True
        Thread(target=self._end_if_stuck, args=(reader,), name="signals", daemon=True).start()
        try:
            yield
        finally:
            self._watched = False
            signal.set_wakeup_fd(before)
            writer.close()

    def _end_if_stuck(self, reader: socket.socket) -> None:
        """Read the signals that arrive, and end the process if one is not handled in time.

        The signal that stops the work gently is exempt, as it waits for the requests in flight.
        """
        arrived, since, signum = 0, float("inf"), 0
        with reader:
            while True:
                left = since + _PATIENCE - time.monotonic()
                reader.settimeout(None if left == float("inf") else max(left, 0.01))
                try:
                    data = reader.recv(1)
                except TimeoutError:
                    if self._noticed_at < since - _SLACK:
                        os._exit(SIGNALLED + signum)
                    since = float("inf")
                    continue
                if not data:
                    return
                if self._noticed_at >= since - _SLACK:
                    since = float("inf")
                if data[0] in _SIGNALS:
                    arrived += 1
                    if arrived > 1 or self._gently is None:
                        since, signum = min(since, time.monotonic()), data[0]


@contextmanager
def _handled_by(handler: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    before = {signum: signal.signal(signum, handler) for signum in _SIGNALS}
    try:
        yield
    finally:
        for signum, old in before.items():
            signal.signal(signum, old)
