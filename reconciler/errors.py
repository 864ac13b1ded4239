"""Every error a user can meet.

    ReconcilerError
    ├── UsageError             a flag, an argument or an environment variable is wrong
    ├── ManifestError          one or many problems in manifests, or in the settings file
    ├── StateError             state, journal or lock cannot be used
    ├── PlanError              a plan cannot be made, or a saved one cannot be used
    ├── ApplyError             some actions failed, are unknown or were not reached
    └── RemoteError            Twilio, or the way to it, refused a request
        ├── NotSent            no connection was made: nothing happened there
        ├── Refused            a definite answer: nothing happened there
        │   ├── NotFound       404
        │   ├── Conflict       409
        │   └── Throttled      429: never processed
        └── OutcomeUnknown     time-out, reset, 5xx, unreadable reply: it may have happened

A RemoteError keeps the reply of the other side apart from its own summary: its text is built from both, and
the reply can be withheld. The command line prints `error:`, the text, then `hint:` with the next step. A
traceback, of pytest too, has the hint and the problems as notes. Interrupted stands beside the tree, as it
is no error. This module imports nothing of ours.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Final, NamedTuple

_MOST_NOTED: Final = 100
"""Problems of manifests that a traceback names."""


class ReconcilerError(Exception):
    """An error that a user can act on."""

    kind: ClassVar[str] = "error"
    """The class of the error in JSON, such as `error.kind` of a result. Each class has its own."""

    def __init__(self, text: str, *, hint: str | None = None) -> None:
        super().__init__(text)
        self.text = text
        """What happened, and where; it begins in lower case."""
        self.hint = hint
        """What to do next, or None."""
        self.note(hint)

    def note(self, hint: str | None, text: str = "") -> None:
        """Let tracebacks show *text* and *hint* below the error, escaped where they could act on a screen."""
        for line in (text, f"hint: {hint}" if hint else ""):
            if line:
                self.add_note("".join(c if c.isprintable() else ascii(c)[1:-1] for c in line))


class UsageError(ReconcilerError):
    """The command line or the environment asks for something impossible."""

    kind = "usage"


def require_several(arguments: Mapping[str, object]) -> None:
    """Raise UsageError if one of *arguments*, by name, is one text: it would be read as letters."""
    for name, value in arguments.items():
        if isinstance(value, str | bytes):
            raise UsageError(f"`{name}` is one text, and several are asked for", hint=f"write `({value!r},)`")


class Problem(NamedTuple):
    """One mistake in one file of manifests."""

    path: str
    """The file, as the user named it."""
    line: int
    """The line, from 1; 0 for the whole file."""
    column: int
    """The column in characters, from 1; 0 for the whole file."""
    text: str
    """What is wrong; it begins in lower case."""
    snippet: str = ""
    """The line of the file, or the part of a long one around the column; empty where none is shown."""
    hint: str | None = None
    """What to write instead, or None."""
    snippet_column: int = 0
    """The column in *snippet*, from 1; 0 without a snippet."""


class ManifestError(ReconcilerError):
    """All problems of one run, in file order, in *where*: the manifests, or the settings file."""

    kind = "manifest"

    def __init__(self, problems: tuple[Problem, ...], where: str = "the manifests") -> None:
        noun = "problem" if len(problems) == 1 else "problems"
        super().__init__(f"{len(problems):,} {noun} in {where}")
        self.problems = problems
        for one in problems[:_MOST_NOTED]:
            place = f"{one.path}:{one.line}:{one.column}" if one.line else one.path
            self.note(one.hint, f"{place}: {one.text}")


class StateError(ReconcilerError):
    """The state, its journal or its lock cannot be used; nothing was overwritten."""

    kind = "state"


class Locked(StateError):
    """Another run holds the lock of the state."""

    kind = "locked"


class PlanError(ReconcilerError):
    """A plan cannot be made from these inputs, or a saved plan cannot be applied."""

    kind = "plan"


class ApplyError(ReconcilerError):
    """Not every action was carried out; what was done is recorded."""

    kind = "apply"


class RemoteError(ReconcilerError):
    """A request that did not succeed: what was tried, where, and how the other side refused it."""

    kind = "remote_error"

    def __init__(
        self,
        summary: str,
        *,
        reply: str = "",
        hint: str | None = None,
        operation: str = "",
        where: str = "",
        status: int | None = None,
        code: int | None = None,
        request_id: str | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(f"{summary}: {reply}" if reply else summary, hint=hint)
        self.summary = summary
        """What happened, in words of ours alone."""
        self.reply = reply
        """The text that the other side wrote, shortened; it may repeat what was sent to it."""
        self.operation = operation
        """What was tried, such as `create message`."""
        self.where = where
        """An address or the path of a URL."""
        self.status = status
        """The HTTP status, or None if no reply arrived."""
        self.code = code
        """Twilio's error code, as in https://www.twilio.com/docs/errors, or None."""
        self.request_id = request_id
        """The `RQ…` by which Twilio's support finds the request, or None."""
        self.retry_after = retry_after
        """Seconds to wait before the next attempt, as the reply asked, or None."""

    def __repr__(self) -> str:
        # Libraries that know nothing of sensitive values log this about retries.
        return f"{type(self).__name__}({self.text_with('…')!r})"

    def text_with(self, stand_in: str) -> str:
        """Return the text with *stand_in* in the place of the other side's reply."""
        return f"{self.summary}: {stand_in}" if self.reply else self.summary


class NotSent(RemoteError):
    """The connection was never established, so the server saw nothing."""

    kind = "not_sent"


class Refused(RemoteError):
    """The server answered that it did not do it."""

    kind = "refused"


class NotFound(Refused):
    """404: the resource does not exist, or no longer."""

    kind = "not_found"


class Conflict(Refused):
    """409: for a conversation, its unique name is taken (50353)."""

    kind = "conflict"


class Throttled(Refused):
    """429: too many requests; documented as never processed, so always safe to send again."""

    kind = "throttled"


class OutcomeUnknown(RemoteError):
    """The request may or may not have taken effect; a create must be settled before it is sent again."""

    kind = "outcome_unknown"


SIGNALLED: Final = 128
"""A shell's exit code for a signal is this plus the signal's number."""


class Interrupted(Exception):  # it is no error
    """A signal ended the command before its work was done."""

    def __init__(self, signum: int, advice: str = "") -> None:
        super().__init__(f"signal {signum}")
        self.signum = signum
        """The number of the signal: SIGINT's or SIGTERM's."""
        self.advice = advice
        """What becomes of the work that was begun, for the person who interrupted it; may be empty."""
