"""Run several coroutines side by side and fail as one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Sequence
from typing import Final, TypeVar

T = TypeVar("T")


AT_ONCE: Final = 500
"""Coroutines that wait for their requests side by side: more than are ever in flight, and few enough that
what each of them keeps (16 KB) does not add up with the number of conversations."""


async def concurrently(coroutines: Iterable[Coroutine[object, object, T]]) -> list[T]:
    """Return all results in order; the first failure cancels the others and is raised as it is."""
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(coroutine) for coroutine in coroutines]
    except BaseExceptionGroup as failures:
        raise failures.exceptions[0] from None
    return [task.result() for task in tasks]


async def each(
    items: Sequence[T], work: Callable[[T], Coroutine[object, object, None]], *, at_once: int
) -> None:
    """Do *work* for every item, begun in order, *at_once* of them side by side; fail as one."""
    if len(items) == 1:
        await work(items[0])  # at once, without a task
        return
    queue = iter(items)

    async def worker() -> None:
        for item in queue:
            await work(item)

    await concurrently(worker() for _ in range(min(at_once, len(items))))


def finish(work: Coroutine[object, object, T]) -> T:
    """Run *work* to its end, for callers that are not async.

    In a thread that runs a loop already (a notebook, an async test), another thread does it while this
    one waits. The loop that is set for this thread stays set: test frameworks keep theirs there.
    """
    if not _in_loop():  # not inside its `except`, which every error of *work* would be told along with
        return _finish(work)
    from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415 - rarely needed

    with ThreadPoolExecutor(1) as thread:
        return thread.submit(_finish, work).result()


def _in_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def _finish(work: Coroutine[object, object, T]) -> T:
    with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
        return runner.run(work)
