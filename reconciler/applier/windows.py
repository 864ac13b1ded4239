"""Announce creates before they are sent, several in one write of the store.

A write to a store away from this machine takes about as long as a request to Twilio. So the intents of the
next creates of a conversation are written together, a window of them, and those of the window after it while
they are being sent. Until its reply is on record, a create that was announced may have been sent or not:
whoever finds it open settles it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Iterator, Sequence
from itertools import groupby
from operator import attrgetter

from reconciler.model import Address
from reconciler.plans.actions import Action

Announce = Callable[[Sequence[Action]], Coroutine[object, object, None]]
"""Writes the intents of these creates; returns once they are durable."""


class Windows:
    """The windows of one conversation: *actions* in the order of their sending, at most *size* in each.

    A create with webhooks on is a window of its own, as a hook may rewrite its message: it is announced by
    itself, once the replies to those before it are on record, and so are those that come after it.
    """

    def __init__(self, actions: Sequence[Action], size: int, announce: Announce) -> None:
        self._windows = list(_split(actions, size))
        self._numbers: dict[Address, int] = {
            action.address: number for number, window in enumerate(self._windows) for action in window
        }
        self._announce = announce
        self._begun: dict[int, asyncio.Task[None]] = {}

    async def reach(self, action: Action) -> None:
        """Return once *action* is announced; the announcement of the window after its own has begun then.

        Raises StateError if the announcement could not be written.
        """
        number = self._numbers[action.address]
        self._begin(number)
        if not any(one.webhooks for window in self._windows[number : number + 2] for one in window):
            self._begin(number + 1)
        await asyncio.shield(self._begun[number])

    def _begin(self, number: int) -> None:
        if number not in self._begun and number < len(self._windows):
            self._begun[number] = asyncio.create_task(self._announce(self._windows[number]))

    async def finish(self) -> None:
        """Wait until every announcement that was begun is written, or known not to be."""
        if self._begun:
            await asyncio.wait(self._begun.values())
        for one in self._begun.values():
            if not one.cancelled():
                one.exception()  # whoever commits next raises it again


def _split(actions: Iterable[Action], size: int) -> Iterator[list[Action]]:
    for hooked, group in groupby(actions, attrgetter("webhooks")):
        alike, step = list(group), 1 if hooked else size
        yield from (alike[first : first + step] for first in range(0, len(alike), step))
