"""Ctrl-C and SIGTERM: the first asks to stop, the second stops waiting."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, Final, TypeVar

T = TypeVar("T")

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)


class Interrupted(Exception):  # it is no error
    """The command was stopped by *signum* before its work was done."""

    def __init__(self, signum: int) -> None:
        super().__init__(signal.Signals(signum).name)
        self.signum = signum


class Interrupts:
    """What signals do while a command runs: end it, until it has a gentler way to stop."""

    def __init__(self) -> None:
        self.signum: int | None = None
        self._gently: Callable[[], None] | None = None
        self._task: asyncio.Task[Any] | None = None

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run *work* to its end; raises Interrupted if a signal ended it."""
        try:
            return asyncio.run(self._guarded(work))
        except asyncio.CancelledError:
            if self.signum is None:
                raise
            raise Interrupted(self.signum) from None

    @contextmanager
    def at_once(self) -> Iterator[None]:
        """Let a signal raise Interrupted right where the program stands: it waits for a lock or a person."""
        before = {signum: signal.signal(signum, self._raise) for signum in _SIGNALS}
        try:
            yield
        finally:
            for signum, handler in before.items():
                signal.signal(signum, handler)

    def stop_gently(self, stop: Callable[[], None]) -> None:
        """From now on, let the first signal call *stop*, and only the second end the command."""
        self._gently = stop
        if self.signum is not None:
            stop()

    async def _guarded(self, work: Coroutine[Any, Any, T]) -> T:
        loop = asyncio.get_running_loop()
        task: asyncio.Task[T] = loop.create_task(work)
        self._task = task
        for signum in _SIGNALS:
            loop.add_signal_handler(signum, self._on_signal, signum)
        return await task

    def _on_signal(self, signum: int) -> None:
        if self.signum is None and self._gently is not None:
            self.signum = signum
            self._gently()
            return
        self.signum = self.signum or signum
        if self._task is not None:
            self._task.cancel()

    def _raise(self, signum: int, frame: FrameType | None) -> None:
        del frame
        self.signum = signum
        raise Interrupted(signum)
