"""Run several coroutines concurrently; the first failure cancels the others."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Sequence
from typing import Final, TypeVar

T = TypeVar("T")


AT_ONCE: Final = 500
"""Coroutines that wait for requests at once.

That is more than the requests in flight. It is a limit on memory, as each coroutine keeps 16 KB.
"""


async def concurrently(coroutines: Iterable[Coroutine[object, object, T]]) -> list[T]:
    """Return all results in order; the first failure cancels the others, and is raised without a group."""
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(coroutine) for coroutine in coroutines]
    except BaseExceptionGroup as failures:
        raise failures.exceptions[0] from None
    return [task.result() for task in tasks]


async def each(
    items: Sequence[T], work: Callable[[T], Coroutine[object, object, None]], *, at_once: int
) -> None:
    """Do *work* for every item, *at_once* of them concurrently; the first failure cancels the others.

    Work begins in the order of *items*.
    """
    if len(items) == 1:
        await work(items[0])  # no task is needed
        return
    queue = iter(items)

    async def worker() -> None:
        for item in queue:
            await work(item)

    await concurrently(worker() for _ in range(min(at_once, len(items))))


async def to_the_end(work: Coroutine[object, object, T]) -> T:
    """Return the result of *work*; a cancellation takes effect once it has ended."""
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        raise


def finish(work: Coroutine[object, object, T]) -> T:
    """Run *work* to its end, for callers that are not async.

    If this thread runs an event loop already (a notebook, an async test), another thread does the work while
    this one waits. The event loop that is set for this thread stays set, as test frameworks rely on it.
    """
    if (
        not _in_loop()
    ):  # not inside the `except` of `_in_loop`, which would become the context of every error of *work*
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
