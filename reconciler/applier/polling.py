"""Poll for what a create without a reply may have made, through the settle window.

Twilio does not promise that a listing shows a write at once, so one look is not enough.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime
from enum import Enum, auto
from typing import TYPE_CHECKING, Final

from reconciler.errors import NotFound, RemoteError
from reconciler.model.canonical import canonical_instant
from reconciler.state.remembered import Intent

if TYPE_CHECKING:
    from reconciler.twilio.client import Twilio

RESENDS: Final = 3
"""How often one create is sent again after polling has shown that it did not happen."""
_FIRST_PAUSE: Final = 0.25
_REQUEST_LIFE: Final = 600.0
"""The age in seconds from which no request of an earlier run can still be on its way to the server."""

Clock = Callable[[], datetime]
"""Returns the present by our own clock, with an offset."""
Look = Callable[[], Awaitable[bool]]
"""Looks once; returns whether the object was found, and raises RemoteError if the look failed."""
Pause = Callable[[float], Awaitable[bool]]
"""Waits that many seconds; returns False at once when polling is to end."""


class Answer(Enum):
    """The result of polling."""

    FOUND = auto()
    ABSENT = auto()
    """The last look found nothing, as did all others in the settle window that succeeded."""
    GONE = auto()
    """Every look got a 404: the parent does not exist."""
    UNKNOWN = auto()
    """The last look failed, or polling was ended before the settle window was over."""


SettleWindow = Callable[[Answer], float]
"""Returns the settle window in seconds; called once, with the result of the first look."""


async def sleep(seconds: float) -> bool:
    """Wait, and let polling go on."""
    await asyncio.sleep(seconds)
    return True


async def poll(look: Look, settle_window: SettleWindow, pause: Pause = sleep) -> Answer:
    """Poll with back-off until found, or until one look that began after the settle window found nothing.

    A look that fails decides nothing. Only if it is the last one, the answer is unknown.
    """
    clock = asyncio.get_running_loop().time
    begun, step = clock(), _FIRST_PAUSE
    answer = await _ask(look)
    answers = {answer}
    until = begun + settle_window(answer)
    while answer is not Answer.FOUND and begun < until:
        if not await pause(max(min(step, until - clock()), 0)):
            return Answer.UNKNOWN
        step *= 2
        begun = clock()
        answer = await _ask(look)
        answers.add(answer)
    return Answer.UNKNOWN if answer is Answer.GONE and len(answers) > 1 else answer


async def _ask(look: Look) -> Answer:
    try:
        return Answer.FOUND if await look() else Answer.ABSENT
    except NotFound:
        return Answer.GONE
    except RemoteError:
        return Answer.UNKNOWN


def settle_window_of(
    answer: Answer, *, client: Twilio, intents: Iterable[Intent], seconds: float, now: Clock
) -> float:
    """Return the settle window in seconds for *intents* of an earlier run: *seconds*, or 0 for old ones.

    The create of an earlier run may have been sent at any time up to its end. So an absence is believed at
    once only if all intents are at least ten minutes older than the settle window. The age of an intent is
    the smaller of two: by the server's clock and by ours, as either may have been set.
    """
    if answer is not Answer.ABSENT:
        return seconds
    instants = [
        ((intent.opened_at, client.now()), (intent.clock_at, canonical_instant(now()))) for intent in intents
    ]
    ages = [
        (datetime.fromisoformat(present) - datetime.fromisoformat(opened)).total_seconds()
        for pairs in instants
        for opened, present in pairs
        if opened
    ]
    return 0 if ages and min(ages) > seconds + _REQUEST_LIFE else seconds
