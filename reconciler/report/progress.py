"""Progress on stderr while a command works: lines for a pipe, one changing line for a person."""

from __future__ import annotations

from typing import Final, Protocol, TextIO

from reconciler.plans.actions import Action, Verb
from reconciler.plans.outcome import Result, Status
from reconciler.text import inert

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
_WIDEST: Final = 70
_CLEAR: Final = "\r\x1b[K"


class Progress(Protocol):
    """A receiver of progress; the calls come in the order of events."""

    def started(self, action: Action) -> None:
        """Report that the request of *action* is about to be sent."""

    def finished(self, result: Result) -> None:
        """Report the result of an action."""

    def close(self) -> None:
        """Report that the work is over; no call follows."""


class LineProgress:
    """Prints one line for each action that ended, in Terraform's words, for logs and pipes."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def started(self, action: Action) -> None:
        """Print nothing: only the end of an action gets a line."""

    def finished(self, result: Result) -> None:
        """Print the result of the action."""
        print(describe(result), file=self._stream, flush=True)

    def close(self) -> None:
        """Do nothing, as every line is complete."""


class StatusProgress:
    """Rewrites one line of a terminal; lines on failures stay above it."""

    def __init__(self, stream: TextIO, total: int) -> None:
        self._stream = stream
        self._total = total
        self._ended = 0

    def started(self, action: Action) -> None:
        """Show the action."""
        self._show(f"{self._ended}/{self._total} {action.verb} {inert.escape(action.address)}")

    def finished(self, result: Result) -> None:
        """Count the action; print it if it is not done."""
        self._ended += 1
        if result.status is not Status.DONE:
            self._stream.write(f"{_CLEAR}{describe(result)}\n")
        self._show(f"{self._ended}/{self._total} {result.verb} {inert.escape(result.address)}")

    def close(self) -> None:
        """Clear the line."""
        self._stream.write(_CLEAR)
        self._stream.flush()

    def _show(self, text: str) -> None:
        self._stream.write(_CLEAR + text[:_WIDEST])
        self._stream.flush()


def describe(result: Result) -> str:
    """Return the result of an action as one line, such as `ADDRESS: Creation complete [sid=IM…]`."""
    address, noun = inert.escape(result.address), _NOUNS[result.verb]
    sid = f" [sid={inert.escape(result.sid)}]" if result.sid else ""
    text = f": {inert.escape(result.text)}" if result.text else ""
    match result.status:
        case Status.DONE:
            return f"{address}: {noun} complete{sid}"
        case Status.FAILED:
            return f"{address}: {noun} errored{text}"
        case Status.UNKNOWN:
            return f"{address}: {noun} may or may not have happened{text}"
        case Status.NOT_REACHED:
            return f"{address}: {noun} not reached{text}"
