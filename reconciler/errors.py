"""Every error a user can meet.

    ReconcilerError
    ├── UsageError             a flag, an argument or an environment variable is wrong
    ├── ManifestError          one or many problems in manifest files
    ├── StateError             state, journal or lock cannot be used
    ├── PlanError              a plan cannot be made, or a saved one cannot be used
    ├── ApplyError             some actions failed, are unknown or were not reached
    └── RemoteError            Twilio (or the way to it) said no
        ├── NotSent            no connection was made: nothing happened there
        ├── Refused            a definite answer: nothing happened there
        │   ├── NotFound       404
        │   ├── Conflict       409
        │   └── Throttled      429: never processed
        └── OutcomeUnknown     time-out, reset, 5xx, unreadable reply: it may have happened

Errors carry fields; the text is built from them. The command line prints `error:`, the text,
then `hint:` with the next step. A traceback, of pytest too, has the hint and the problems as notes.
This module imports nothing of ours.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

_MOST_NOTED: Final = 100
"""Problems of manifests that a traceback names."""


class ReconcilerError(Exception):
    """What happened, in lower case, and in *hint* what to do next."""

    def __init__(self, text: str, *, hint: str | None = None) -> None:
        super().__init__(text)
        self.text = text
        self.hint = hint
        self.note(hint)

    def note(self, hint: str | None, text: str = "") -> None:
        """Let tracebacks show *text* and *hint* below the error, escaped where they could act on a screen."""
        for line in (text, f"hint: {hint}" if hint else ""):
            if line:
                self.add_note("".join(c if c.isprintable() else ascii(c)[1:-1] for c in line))


class UsageError(ReconcilerError):
    """The command line or the environment asks for something impossible."""


def require_several(name: str, values: object) -> None:
    """Raise UsageError if *values* of the argument *name* is one text: its letters would be taken."""
    if isinstance(values, str | bytes):
        raise UsageError(f"`{name}` is one text, and several are asked for", hint=f"write `({values!r},)`")


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One mistake in one file; line and column count from 1, 0 means the whole file."""

    path: str
    line: int
    column: int
    text: str
    snippet: str = ""
    hint: str | None = None


class ManifestError(ReconcilerError):
    """All problems of one run, in file order."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        noun = "problem" if len(problems) == 1 else "problems"
        super().__init__(f"{len(problems):,} {noun} in the manifests")
        self.problems = problems
        for one in problems[:_MOST_NOTED]:
            place = f"{one.path}:{one.line}:{one.column}" if one.line else one.path
            self.note(one.hint, f"{place}: {one.text}")


class StateError(ReconcilerError):
    """The state, its journal or its lock cannot be used; nothing was overwritten."""


class PlanError(ReconcilerError):
    """A plan cannot be made from these inputs, or a saved plan cannot be applied."""


class ApplyError(ReconcilerError):
    """Not every action was carried out; what was done is recorded."""


class RemoteError(ReconcilerError):
    """A request that did not succeed.

    *operation* says what was tried (`create message`), *where* is an address or URL path,
    *status* and *code* are HTTP's and Twilio's, *request_id* is Twilio's `RQ…` for its support. *said* is
    what the other side wrote, as it stands behind a colon in the text: it may repeat what it was sent.
    """

    def __init__(
        self,
        text: str,
        *,
        hint: str | None = None,
        operation: str = "",
        where: str = "",
        status: int | None = None,
        code: int | None = None,
        request_id: str | None = None,
        retry_after: float | None = None,
        said: str = "",
    ) -> None:
        super().__init__(text, hint=hint)
        self.said = said
        self.operation = operation
        self.where = where
        self.status = status
        self.code = code
        self.request_id = request_id
        self.retry_after = retry_after

    def __repr__(self) -> str:
        # What is logged about retries is this, by libraries that know nothing of sensitive values.
        return f"{type(self).__name__}({self.without('…')!r})"

    def without(self, stand_in: str) -> str:
        """Return the text with *stand_in* for what the other side said."""
        if not self.said:
            return self.text
        before, _, after = self.text.rpartition(f": {self.said}")
        return f"{before}: {stand_in}{after}"


class NotSent(RemoteError):
    """The connection was never established, so the server saw nothing."""


class Refused(RemoteError):
    """The server answered that it did not do it."""


class NotFound(Refused):
    """404: the resource does not exist, or no longer."""


class Conflict(Refused):
    """409: for a conversation, its unique name is taken (50353)."""


class Throttled(Refused):
    """429: too many requests; documented as never processed, so always safe to send again."""


class OutcomeUnknown(RemoteError):
    """The request may or may not have taken effect; a create must be settled before it is sent again."""
