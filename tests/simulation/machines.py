"""Machines that sleep, whose clocks are wrong, and whose processes die: on the one clock of the loop."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping

from reconciler.state.stores.clocks import Clocks
from tests.support.blobs import wall
from tests.support.mortal import PowerOff


class Machine:
    """A machine whose clock is *skew* seconds ahead of the store's, and which may sleep.

    With *monotonic* the system has no clock that counts sleep, but for the one of the day.
    """

    def __init__(self, name: str, *, skew: float = 0.0, monotonic: bool = False) -> None:
        self.name = name
        self.skew = skew
        self.steady = self._awake_for if monotonic else _now
        """Returns the seconds since some moment."""
        self.sleeps = 0
        self._wakes_at = 0.0
        self._slept = 0.0

    def wall(self) -> float:
        """Return its time of day, in seconds since 1970."""
        return wall() + self.skew

    def _awake_for(self) -> float:
        now = _now()
        return now - self._slept + max(0.0, self._wakes_at - now)

    def fall_asleep(self, seconds: float) -> None:
        """Sleep from now on, unless it sleeps already."""
        if _now() >= self._wakes_at:
            self.sleeps += 1
            self._slept += seconds
            self._wakes_at = _now() + seconds

    async def be_awake(self) -> None:
        """Return once it is awake."""
        await asyncio.sleep(self._wakes_at - _now())


class Process:
    """A process of *machine*, which falls asleep at some of its points, and may be gone for ever at one.

    *naps* are seconds by the kind of the point and its number among those of the kind, *dies_at* is such a
    point.
    """

    def __init__(
        self,
        machine: Machine,
        *,
        naps: Mapping[tuple[str, int], float] = {},
        dies_at: tuple[str, int] | None = None,
    ) -> None:
        self.machine = machine
        self.dead = False
        self.clocks = Clocks(machine.wall, machine.steady, self.sleep)
        self._points: Counter[str] = Counter()
        self._naps = naps
        self._dies_at = dies_at

    async def point(self, kind: str) -> None:
        """Be where it may be frozen, or gone: before and after whatever it does outside of itself."""
        self._points[kind] += 1
        point = (kind, self._points[kind])
        self.dead = self.dead or point == self._dies_at
        if self.dead:
            raise PowerOff
        if point in self._naps:
            self.machine.fall_asleep(self._naps[point])
        await self.machine.be_awake()
        if self.dead:  # by another task of it, meanwhile
            raise PowerOff

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)
        await self.point("timer")


def _now() -> float:
    return asyncio.get_running_loop().time()
