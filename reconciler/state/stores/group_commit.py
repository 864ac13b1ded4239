"""A journal over slow writes: one is in flight, and what is committed meanwhile shares the next."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Self

from reconciler.errors import StateError
from reconciler.state.model import Record

Append = Callable[[list[Record]], Awaitable[None]]


class GroupCommit:
    """Commits records by *append*, which is called with one group after another; for one event loop."""

    def __init__(self, append: Append) -> None:
        self._append = append
        self._one_at_a_time = asyncio.Lock()
        self._waiting: list[Record] = []
        self._next: asyncio.Task[None] | None = None
        self._failure: StateError | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *raised: object) -> None:
        """Wait until all that was committed is written, or known not to be."""
        async with self._one_at_a_time:
            pass
        if self._next is not None:
            await asyncio.wait([self._next])

    async def commit(self, *records: Record) -> None:
        """Return once *records* are written, all of them or none.

        A caller that is cancelled may find its records written nevertheless. Raises StateError; from then on
        every commit fails.
        """
        if self._failure is not None:
            raise self._failure
        self._waiting.extend(records)
        if self._next is None:
            self._next = asyncio.create_task(self._flush())
        await asyncio.shield(self._next)

    async def flush(self) -> None:
        """Return once what was committed is written; raises StateError."""
        async with self._one_at_a_time:
            pass
        if self._failure is not None:
            raise self._failure

    async def _flush(self) -> None:
        async with self._one_at_a_time:
            records, self._waiting, self._next = self._waiting, [], None
            if self._failure is not None:
                raise self._failure
            try:
                await self._append(records)
            except StateError as error:
                self._failure = error
                raise
