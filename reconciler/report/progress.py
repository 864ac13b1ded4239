"""Progress on stderr while a command works: lines for a pipe, one changing line for a person."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, Protocol, TextIO

from reconciler.plans.actions import Action, Verb
from reconciler.plans.outcome import Result, Status
from reconciler.text import inert
from reconciler.text.cells import fitted
from reconciler.text.words import counted

_NOUNS: Final = {
    Verb.CREATE: "Creation",
    Verb.UPDATE: "Modifications",
    Verb.REPLACE: "Replacement",
    Verb.DELETE: "Destruction",
    Verb.ADOPT: "Import",
    Verb.MOVE: "Move",
    Verb.FORGET: "Removal from state",
    Verb.NO_OP: "Check",
}
_CLEAR: Final = "\r\x1b[K"
_LONG_WAIT: Final = 5.0
"""Seconds of a wait that is worth a line of its own in a log."""
_REDRAWN: Final = 0.05
"""Seconds between two drawings of the status line at least: a run can end thousands of actions a second."""
_TICK: Final = 0.5
"""Seconds between two drawings while nothing happens: the time goes on."""
_UNSHOWN: Final = 0.4
"""Seconds of reading before anything is shown: most plans are ready by then."""
_ESTIMATED: Final = 2.0
"""Seconds of work from which on the rest is estimated."""


class Progress(Protocol):
    """A receiver of progress; the calls come in the order of events."""

    def started(self, action: Action) -> None:
        """Report that the request of *action* is about to be sent."""

    def halfway(self, action: Action, sid: str | None) -> None:
        """Report that the first half of a replacement is done; *sid* is the new object, if there is one."""

    def finished(self, result: Result) -> None:
        """Report the result of an action."""

    def close(self) -> None:
        """Report that the work is over; no call follows."""


class LineProgress:
    """Prints one line for each action that ended, in Terraform's words, for logs and pipes."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def reading(self, done: int, total: int) -> None:
        """Print nothing: a log is read later."""

    def waiting(self, seconds: float, why: str) -> None:
        """Print a wait that makes the log stand still."""
        if seconds >= _LONG_WAIT:
            print(_wait(seconds, why), file=self._stream, flush=True)

    def started(self, action: Action) -> None:
        """Print nothing: only the end of an action gets a line."""

    def halfway(self, action: Action, sid: str | None) -> None:
        """Print nothing."""

    def finished(self, result: Result) -> None:
        """Print the result of the action."""
        print(describe(result), file=self._stream, flush=True)

    def close(self) -> None:
        """Do nothing, as every line is complete."""


class StatusProgress:
    """Rewrites one line of a terminal; lines on failures stay above it.

    *width* returns the cells of a line, and *clock* seconds that only rise. *later* calls its second argument
    after as many seconds as its first says, or never.
    """

    def __init__(
        self,
        stream: TextIO,
        *,
        width: Callable[[], int],
        clock: Callable[[], float],
        later: Callable[[float, Callable[[], None]], object],
    ) -> None:
        self._stream = stream
        self._width = width
        self._clock = clock
        self._later = later
        self._began = clock()
        self._drawn = 0.0
        self._open = self._shown = self._ticking = self._applying = False
        self._done = self._total = 0
        self._doing = ""
        self._wait: tuple[float, str] = (0.0, "")

    def apply(self, total: int) -> None:
        """Begin to show how *total* actions are carried out, instead of what is read."""
        self.close()
        self._began, self._applying, self._done, self._total = self._clock(), True, 0, total

    def reading(self, done: int, total: int) -> None:
        """Show how much is read, unless that is done at once."""
        self._done, self._total = done, total
        self._draw()

    def waiting(self, seconds: float, why: str) -> None:
        """Show why nothing happens, while that lasts."""
        until, _ = self._wait
        if (ends := self._clock() + max(seconds, 1.0)) > until:
            self._wait = ends, why
        self._draw()

    def started(self, action: Action) -> None:
        """Show the action."""
        self._doing = f"{action.verb} {inert.escape(action.address)}"
        self._draw()

    def halfway(self, action: Action, sid: str | None) -> None:
        """Show nothing new: the action goes on."""

    def finished(self, result: Result) -> None:
        """Count the action; print it if it is not done."""
        self._done += 1
        self._doing = f"{result.verb} {inert.escape(result.address)}"
        if result.status is not Status.DONE:
            self.close()
            self._stream.write(f"{describe(result)}\n")
            self._drawn = 0.0
        self._draw()

    def close(self) -> None:
        """Clear the line; it is drawn again when something more happens."""
        if self._shown:
            self._stream.write(_CLEAR)
            self._stream.flush()
        self._open = self._shown = False

    def _draw(self) -> None:
        now, self._open = self._clock(), True
        if not self._ticking:
            self._ticking = True
            self._later(_TICK, self._tick)
        unshown = not self._applying and now - self._began < _UNSHOWN
        if not unshown and now - self._drawn >= _REDRAWN:
            self._drawn, self._shown = now, True
            self._stream.write(_CLEAR + fitted(self._line(now), self._width() - 1))
            self._stream.flush()

    def _tick(self) -> None:
        self._ticking = False
        if self._open:
            self._draw()

    def _line(self, now: float) -> str:
        until, why = self._wait
        elapsed = now - self._began
        times = _clock_face(elapsed)
        if self._done and elapsed >= _ESTIMATED:
            times += f", about {_clock_face(elapsed * (self._total - self._done) / self._done)} left"
        if self._applying:
            counts = f"{self._done:,} of {self._total:,}"
        else:
            of_all = f" {self._done:,} of {counted(self._total, 'conversation')}" if self._total else ""
            counts = f"reading{of_all}"
        doing = _wait(until - now, why) if until > now else self._doing
        return " · ".join(filter(None, (counts, times, doing)))


class Several:
    """Passes progress on to several receivers. One whose stream breaks is dropped.

    The work goes on: to stop in the middle of it would be worse than lines that nobody reads.
    """

    def __init__(self, parts: Sequence[Progress]) -> None:
        self._parts = list(parts)

    def started(self, action: Action) -> None:
        """Report that *action* begins."""
        self._each(lambda part: part.started(action))

    def halfway(self, action: Action, sid: str | None) -> None:
        """Report that the first half of a replacement is done."""
        self._each(lambda part: part.halfway(action, sid))

    def finished(self, result: Result) -> None:
        """Report the result of an action."""
        self._each(lambda part: part.finished(result))

    def close(self) -> None:
        """Report that the work is over."""
        self._each(lambda part: part.close())

    def _each(self, call: Callable[[Progress], None]) -> None:
        for part in tuple(self._parts):
            try:
                call(part)
            except OSError:
                self._parts.remove(part)


def _wait(seconds: float, why: str) -> str:
    return f"waiting {max(seconds, 1):.0f} s: {inert.escape(why)}"


def _clock_face(seconds: float) -> str:
    """Return *seconds* as `1:05` or `1:00:05`."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def describe(result: Result) -> str:
    """Return the result of an action as one line, such as `ADDRESS: Creation complete [sid=IM…]`."""
    return inert.escape(f"{result.address}: {_NOUNS[result.verb]} {_ending(result)}")


def _ending(result: Result) -> str:
    text = f": {result.text}" if result.text else ""
    match result.status:
        case Status.DONE:
            return f"complete [sid={result.sid}]" if result.sid else "complete"
        case Status.FAILED:
            return f"errored{text}"
        case Status.UNKNOWN:
            return f"may or may not have happened{text}"
        case Status.NOT_REACHED:
            return f"not reached{text}"
