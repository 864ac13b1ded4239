"""Slots: never more than the limit, none lost, whoever is cancelled and whenever the limit changes."""

from __future__ import annotations

import asyncio
import random

import pytest

from reconciler.runtime.slots import Slots


@pytest.mark.parametrize("seed", range(20))
def test_no_slot_is_lost_or_given_twice(seed: int) -> None:
    """Under cancellations at every moment, also together with the turn, and under other limits."""
    dice = random.Random(seed)
    slots = Slots(3)
    inside = most = 0

    async def work() -> None:
        nonlocal inside, most
        await slots.acquire()
        try:
            inside += 1
            most = max(most, inside - slots.limit)
            for _ in range(dice.randrange(3)):
                await asyncio.sleep(0)
        finally:
            inside -= 1
            slots.release()

    async def main() -> None:
        tasks = [asyncio.create_task(work()) for _ in range(200)]
        while not all(task.done() for task in tasks):
            dice.choice(tasks).cancel()
            if dice.random() < 0.2:
                slots.resize(slots.limit + 1)
            await asyncio.sleep(0)
        await asyncio.gather(*tasks, return_exceptions=True)
        everything = [asyncio.create_task(slots.acquire()) for _ in range(slots.limit + 1)]
        await asyncio.wait(everything, timeout=0)
        for _ in range(5):
            await asyncio.sleep(0)
        assert [task.done() for task in everything] == [True] * slots.limit + [False]
        everything[-1].cancel()

    asyncio.run(main())
    assert most == 0


def test_fewer_slots_hold_for_those_who_wait() -> None:
    """Slots that are taken stay taken; the next is given out only below the new limit."""

    async def main() -> list[bool]:
        slots = Slots(2)
        await slots.acquire()
        await slots.acquire()
        waiting = asyncio.create_task(slots.acquire())
        await asyncio.sleep(0)
        slots.resize(1)
        seen = []
        for _ in range(2):
            slots.release()
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            seen.append(waiting.done())
        return seen

    assert asyncio.run(main()) == [False, True]
