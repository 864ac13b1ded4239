"""When the next round is due, and what it looks at. Nothing here reads a clock."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Final

from msgspec import Struct

LONGEST_PAUSE: Final = 3600.0
"""The longest pause after failures in seconds, unless the interval itself is longer."""
_JITTER: Final = 0.1
"""The part of a pause by which it may be longer or shorter: many watchers must not ask at one moment."""


class Kind(StrEnum):
    """What a round looks at."""

    FULL = "full"
    """Everything that the manifests and the state name."""
    QUICK = "quick"
    """The newest message of each conversation, and all of those in which it changed."""
    HINTED = "hinted"
    """The conversations that webhooks named."""


class Schedule(Struct, frozen=True):
    """The rhythm of the rounds."""

    interval: float
    """Seconds from the end of a round to the next one."""
    full_every: int = 1
    """Every how many rounds everything is looked at; 1 is every round."""

    def kind(self, number: int) -> Kind:
        """Return what round *number* looks at; they count from 0, and the first one looks at everything."""
        return Kind.FULL if number % self.full_every == 0 else Kind.QUICK

    def pause(self, failures: int, chance: Callable[[], float]) -> float:
        """Return the seconds until the next round, after this many *failures* in a row.

        The interval doubles with each failure after the first, up to an hour. *chance* returns a number from
        0 to 1, by which the pause is a tenth shorter or longer at most.
        """
        longest = max(self.interval, LONGEST_PAUSE)
        doublings = min(max(failures - 1, 0), 16)
        seconds: float = min(self.interval * 2**doublings, longest)
        return seconds * (1 + _JITTER * (2 * chance() - 1))
