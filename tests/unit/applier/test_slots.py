"""Who goes first: conversations side by side end as early as they can."""

from __future__ import annotations

import asyncio
from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.applier.slots import Slots
from reconciler.runtime.concurrency import concurrently
from tests.support.jumping import run_jumping


async def makespan(lengths: list[int], parallelism: int) -> float:
    """Return how long conversations of these lengths take, at a second a request."""
    slots = Slots(parallelism)

    async def converse(length: int) -> None:
        for left in range(length, 0, -1):
            async with slots.slot(left):
                await asyncio.sleep(1)

    await concurrently(converse(length) for length in sorted(lengths, reverse=True))
    return asyncio.get_running_loop().time()


@given(st.lists(st.integers(1, 30), min_size=1, max_size=40), st.integers(1, 12))
def test_no_schedule_is_shorter(lengths: list[int], parallelism: int) -> None:
    """All work evenly spread, or the longest conversation, decides: nothing else costs time."""
    best = max(ceil(sum(lengths) / parallelism), *lengths)

    assert run_jumping(makespan(lengths, parallelism)) == pytest.approx(best)


def test_who_gives_up_waiting_takes_nothing_along() -> None:
    """A cancelled waiter, even one that was just let in, leaves its turn to the others."""

    async def main() -> list[str]:
        slots = Slots(1)
        went: list[str] = []

        async def go(name: str, priority: int) -> None:
            async with slots.slot(priority):
                went.append(name)
                await asyncio.sleep(1)

        first = asyncio.create_task(go("first", 1))
        await asyncio.sleep(0.5)
        waiting, chosen, last = (
            asyncio.create_task(go(name, priority))
            for name, priority in (("waiting", 9), ("chosen", 10), ("last", 1))
        )
        await asyncio.sleep(0)
        waiting.cancel()
        await first
        slots._grant()  # what the loop is about to do
        chosen.cancel()
        await asyncio.gather(waiting, chosen, last, return_exceptions=True)
        return went

    assert run_jumping(main()) == ["first", "last"]
