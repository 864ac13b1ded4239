"""The leases of several groups: taken in one order, so that no two runs wait for each other.

A run waits for a lease only while every lease that it holds comes before that one. The first is taken alone:
of two runs that want the same groups, it decides. The rest are tried several at a time; if one of them is
another's, those after it are released and then taken one by one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from typing import Final

from reconciler.errors import Locked
from reconciler.state.stores.clocks import Clocks
from reconciler.state.stores.holder import Holder
from reconciler.state.stores.objects import Objects

AT_ONCE: Final = 8
"""Groups that are read or written side by side: more would hold much of the state in memory twice."""


async def take(
    groups: Mapping[int, Objects],
    holder: Holder,
    clocks: Clocks,
    *,
    patience: float,
    waiting: Callable[[str], None],
    settle: float,
) -> None:
    """Take the leases of *groups*, or none of them; arguments and errors are those of `Objects.acquire`."""
    ends = clocks.steady() + patience
    said: set[str] = set()

    def once(sentence: str) -> None:
        if sentence not in said:
            said.add(sentence)
            waiting(sentence)

    async def one(group: int, patience: float) -> None:
        await groups[group].acquire(holder, patience=patience, waiting=once, settle=settle)

    left = sorted(groups)
    try:
        first = left.pop(0)
        await one(first, patience)
        while left:
            together, left = left[:AT_ONCE], left[AT_ONCE:]
            tried = await asyncio.gather(*(one(group, 0) for group in together), return_exceptions=True)
            failed = [group for group, error in zip(together, tried, strict=True) if error is not None]
            if not failed:
                continue
            _raise_others(tried)
            after = [group for group in together if group >= failed[0]]
            await release({group: groups[group] for group in after})
            for group in after:
                await one(group, max(0.0, ends - clocks.steady()))
    except BaseException:
        await release(groups)
        raise


async def release(groups: Mapping[int, Objects]) -> None:
    """Release the leases of *groups*; those that are not held stay as they are."""
    await asyncio.gather(*(objects.release() for objects in groups.values()))


def _raise_others(errors: Iterable[BaseException | None]) -> None:
    """Raise the first of *errors* that does not only say that a lease is another's."""
    for error in errors:
        if error is not None and not isinstance(error, Locked):
            raise error
