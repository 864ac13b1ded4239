"""An event loop whose clock jumps: sleeps take no time."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor
from typing import Any, TypeVar, TypeVarTuple

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


class _JumpingSelector(selectors.DefaultSelector):
    """Never waits for a timer: the clock jumps to it instead. What threads and children do, it waits for."""

    now = 0.0
    others = 0
    """The number of threads and child processes at work."""

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        waits = timeout is None or (timeout and self.others)
        events = super().select(None if waits else 0)
        if not events and timeout:
            self.now += timeout
        return events


class _JumpingLoop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._clock = _JumpingSelector()
        super().__init__(self._clock)

    def time(self) -> float:
        return self._clock.now

    def run_in_executor(
        self, executor: Executor | None, func: Callable[[*Ts], T], *args: *Ts
    ) -> asyncio.Future[T]:
        future = super().run_in_executor(executor, func, *args)
        self._clock.others += 1
        future.add_done_callback(self._other_ended)
        return future

    def _other_ended(self, _: object) -> None:
        self._clock.others -= 1

    async def subprocess_exec(self, *args: Any, **options: Any) -> Any:
        transport, protocol = await super().subprocess_exec(*args, **options)
        self._clock.others += 1
        ended = self.create_task(transport._wait())  # type: ignore[attr-defined]
        ended.add_done_callback(self._other_ended)
        return transport, protocol

    async def shutdown_default_executor(self, timeout: float | None = None) -> None:  # noqa: ASYNC109 - asyncio's
        del timeout  # newer Pythons give five minutes, which pass at once here
        await super().shutdown_default_executor()


def run_jumping(main: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine as `asyncio.run` does, but with sleeps that take no time."""
    with asyncio.Runner(loop_factory=_JumpingLoop) as runner:
        return runner.run(main)
