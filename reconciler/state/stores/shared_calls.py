"""Calls that share a request: those that are made while another is under way go together in the next one."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from reconciler.state.stores.primitives import CALL_SECONDS, Unheard

A = TypeVar("A")
R = TypeVar("R")


class SharedCalls(Generic[A, R]):
    """Calls of one kind, each for the object that *name* returns for it; for one event loop.

    *ask* sends one request for several calls, of which no two are for the same object, and returns their
    results in the same order; an exception among them is raised to its caller. What is called in one turn of
    the loop goes together, up to *most* by the sum of *size*.
    """

    def __init__(
        self,
        ask: Callable[[list[A]], Awaitable[list[R | Exception]]],
        *,
        name: Callable[[A], str],
        size: Callable[[A], int],
        most: int,
    ) -> None:
        self._ask = ask
        self._name = name
        self._size = size
        self._most = most
        self._waiting: list[tuple[A, asyncio.Future[R]]] = []
        self._work: asyncio.Task[None] | None = None

    async def __call__(self, call: A) -> R:
        """Return the result of *call*; raises `Unheard` after `CALL_SECONDS`, its turn included."""
        future: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        self._waiting.append((call, future))
        if self._work is None:
            self._work = asyncio.create_task(self._until_all_are_answered())
        try:
            async with asyncio.timeout(CALL_SECONDS):
                return await future
        except TimeoutError:
            raise Unheard(f"it did not answer within {CALL_SECONDS:.0f} s") from None

    async def _until_all_are_answered(self) -> None:
        while together := self._next():
            try:
                results = await self._ask([call for call, _ in together])
            except Exception as error:  # noqa: BLE001 - each caller gets it
                results = [error] * len(together)
            for (_, future), result in zip(together, results, strict=True):
                if future.done():  # nobody waits for it any more
                    continue
                if isinstance(result, Exception):
                    future.set_exception(result)
                else:
                    future.set_result(result)
        self._work = None

    def _next(self) -> list[tuple[A, asyncio.Future[R]]]:
        """Return the calls that go together; those that nobody waits for any more are left out."""
        together: list[tuple[A, asyncio.Future[R]]] = []
        later: list[tuple[A, asyncio.Future[R]]] = []
        names: set[str] = set()
        size = 0
        for one in self._waiting:
            if one[1].done():
                continue
            name, added = self._name(one[0]), self._size(one[0])
            if name in names or (together and size + added > self._most):
                later.append(one)
                continue
            together.append(one)
            names.add(name)
            size += added
        self._waiting = later
        return together
