"""The watch: one round after the other, never two at a time, until a signal ends it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from random import random
from typing import Final, Protocol

from reconciler.runtime.interrupts import Interrupts
from reconciler.watch.events import FAILURES, Ending, Told, has_succeeded
from reconciler.watch.hints import Hints
from reconciler.watch.schedule import Kind, Schedule

GATHER_SECONDS: Final = 1.0
"""How long hints are gathered before a round looks at them all."""


class Clock(Protocol):
    """The time of a watch."""

    def now(self) -> float:
        """Return the seconds of a clock that never goes back."""

    async def wait(self, seconds: float, hints: Hints | None = None) -> None:
        """Return after *seconds*, or earlier if *hints* wakes the watch."""


class SystemClock:
    """The clock of this machine."""

    def now(self) -> float:
        """Return the seconds of the event loop's clock."""
        return asyncio.get_running_loop().time()

    async def wait(self, seconds: float, hints: Hints | None = None) -> None:
        """Return after *seconds*, or once *hints* wakes the watch."""
        if hints is None:
            await asyncio.sleep(seconds)
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await hints.wait()


class Round(Protocol):
    """Carries out one round."""

    async def __call__(self, kind: Kind, marked: frozenset[str] = frozenset()) -> Told:
        """Look, apply where that is asked for, and return how it ended; *marked* are sids."""


class Watch:
    """Rounds in the rhythm of *schedule*, and between them those that *hints* ask for.

    *tell* gets each round when it has ended. *chance* returns a number from 0 to 1, for the jitter.
    """

    def __init__(
        self,
        run: Round,
        schedule: Schedule,
        hints: Hints,
        interrupts: Interrupts,
        *,
        tell: Callable[[Told], None],
        clock: Clock | None = None,
        chance: Callable[[], float] = random,
    ) -> None:
        self._run = run
        self._schedule = schedule
        self._hints = hints
        self._interrupts = interrupts
        self._tell = tell
        self._clock = clock or SystemClock()
        self._chance = chance
        self._failures = 0

    async def __call__(self) -> bool:
        """Run until a signal; return whether it cut an apply short."""
        self._hints.attach()
        number, due = 0, self._clock.now()
        patient = due  # hints wait until then
        while not self._is_stopped:
            now = self._clock.now()
            if due <= now:
                told = await self._round(self._schedule.kind(number))
                number += 1
                due = self._clock.now() + told.next_in
            elif self._hints.waiting and patient <= now:
                await self._clock.wait(min(GATHER_SECONDS, due - now))
                marked = self._hints.take()
                told = await self._round(Kind.FULL if marked is None else Kind.HINTED, marked or frozenset())
                if told.ending in FAILURES:
                    self._hints.put_back(marked)  # the webhook does not come again
                    patient = self._clock.now() + told.next_in
            else:
                await self._clock.wait(self._next(due, patient) - now, self._hints)
                continue
            if not self._failures:
                patient = self._clock.now()
            left = self._next(due, patient) - self._clock.now()
            told.next_in = 0.0 if self._is_stopped else max(left, 0.0)
            self._tell(told)
            if told.ending is Ending.STOPPED and told.error:
                return True
        return False

    def _next(self, due: float, patient: float) -> float:
        """Return when the next round comes: the one that is *due*, or one for hints before it."""
        return min(due, patient) if self._hints.waiting else due

    async def _round(self, kind: Kind, marked: frozenset[str] = frozenset()) -> Told:
        began = self._clock.now()
        told = await self._run(kind, marked)
        self._interrupts.stop_gently(self._hints.wake)
        told.seconds = self._clock.now() - began
        succeeded = has_succeeded(told)
        if succeeded is not None:
            self._failures = 0 if succeeded else self._failures + 1
        told.next_in = self._schedule.pause(self._failures, self._chance)
        return told

    @property
    def _is_stopped(self) -> bool:
        self._interrupts.stop_gently(self._hints.wake)
        return self._interrupts.signum is not None
