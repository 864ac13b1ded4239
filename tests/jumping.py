"""An event loop whose clock jumps: sleeps take no time."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class _JumpingSelector(selectors.DefaultSelector):
    """Never waits for a timer: the clock jumps to it instead."""

    now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        events = super().select(None if timeout is None else 0)
        if not events and timeout:
            self.now += timeout
        return events


class _JumpingLoop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._clock = _JumpingSelector()
        super().__init__(self._clock)

    def time(self) -> float:
        return self._clock.now

    async def shutdown_default_executor(self, timeout: float | None = None) -> None:  # noqa: ASYNC109 - asyncio's
        del timeout  # newer Pythons give five minutes, which pass at once here
        await super().shutdown_default_executor()


def run_jumping(main: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine as `asyncio.run` does, but with sleeps that take no time."""
    with asyncio.Runner(loop_factory=_JumpingLoop) as runner:
        return runner.run(main)
