"""Poll for what a create without a reply may have made, as patiently as an accepted write may show late."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime
from enum import Enum, auto
from typing import TYPE_CHECKING, Final

from reconciler.errors import NotFound, RemoteError
from reconciler.model.canonical import canonical_instant
from reconciler.state.model import Intent

if TYPE_CHECKING:
    from reconciler.twilio.client import Twilio

RESENDS: Final = 3
"""How often one create is sent again after an unknown outcome that turned out to be nothing."""
_FIRST_PAUSE: Final = 0.25
_REQUEST_LIFE: Final = 600.0
"""Seconds after which no request of an earlier run can still be under way to the server."""

Clock = Callable[[], datetime]
"""Returns the present by our own clock, with an offset."""
Look = Callable[[], Awaitable[bool]]
"""Returns whether it found what it looks for; raises RemoteError if it could not look."""
Pause = Callable[[float], Awaitable[bool]]
"""Waits that many seconds; returns False, at once, where looking again has become pointless."""


class Answer(Enum):
    """What polling came to."""

    FOUND = auto()
    ABSENT = auto()
    """The last look found nothing, and so did every other one that succeeded over the whole window."""
    GONE = auto()
    """Every look was answered with 404: the place to look in does not exist."""
    UNKNOWN = auto()
    """The last look failed, or looking was given up."""


SettleWindow = Callable[[Answer], float]
"""Returns the settle window in seconds for what the first look came to, after which it is asked."""


async def sleep(seconds: float) -> bool:
    """Pause, and go on."""
    await asyncio.sleep(seconds)
    return True


async def poll(look: Look, settle_window: SettleWindow, pause: Pause = sleep) -> Answer:
    """Look with back-off until it is found, or until a look that began after the settle window was not.

    A look that fails decides nothing; only its being the last one keeps the answer open.
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
    """Return the settle window, *seconds* as a rule, for *intents* of an earlier run.

    A request of an earlier run may have been sent any time up to its end, so *answer*, that nothing is
    there, is believed at once only if they are much older than the settle window. An intent is as old as the
    smaller of its ages by the server's date and by our own clock: either may have jumped.
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
