"""Show plans and outcomes in every requested format."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from reconciler._version import __version__
from reconciler.cli.formats import Format, Policy, parse
from reconciler.cli.streams import colored, columns, complain, obeys_escapes, writing
from reconciler.errors import ManifestError, ReconcilerError
from reconciler.model.canonical import canonical_instant
from reconciler.runtime.atomic_file import open_stream

if TYPE_CHECKING:
    from reconciler.cli.pages import Pages
    from reconciler.model import Desired
    from reconciler.plans.actions import Action
    from reconciler.plans.outcome import Outcome, Result
    from reconciler.plans.plan import Plan
    from reconciler.plans.seen import Seen
    from reconciler.report.jsonl import EventStream
    from reconciler.report.progress import LineProgress, Progress, StatusProgress
    from reconciler.runtime.activity import Activity


class Screen:
    """Shows plans and outcomes in every requested format.

    *key* distinguishes the pull-request comments of several targets.
    """

    def __init__(self, formats: Sequence[str], *, bodies: str | None, key: str) -> None:
        self._formats = parse(formats)
        self._bodies = bodies
        self._key = key
        self._hash_key = os.urandom(16).hex()
        self._color = colored(sys.stdout)
        self._streams: dict[Path | None, EventStream] = {}
        self._display: LineProgress | StatusProgress | None = None
        self._pages: Pages | None = None
        if any(one.name == "html" for one in self._formats):
            from reconciler.cli.pages import Pages  # noqa: PLC0415

            self._pages = Pages()

    @property
    def asks(self) -> bool:
        """Return True if a person reads the screen and can be asked."""
        return any(one.name == "text" and one.file is None for one in self._formats)

    def plan(
        self, plan: Plan, desired: Desired, *, unchanged: Desired | None = None, before_apply: bool = False
    ) -> None:
        """Show a plan. Before an apply only people and event streams see it: files will hold the outcome.

        JSON lists what *unchanged* declares among the planned values.
        """
        self.close()
        for one in self._formats:
            if one.name == "jsonl":
                with writing(one.file):
                    self._stream(one).plan(plan)
            elif not before_apply or (one.name == "text" and one.file is None):
                one.write(self._rendered_plan(one, plan, desired, unchanged), color=self._color)
        if not self.asks:
            for refusal in plan.refusals:
                complain(ReconcilerError(refusal.text, hint=refusal.hint))

    def outcome(self, outcome: Outcome, desired: Desired, *, destroy: bool) -> None:
        """Show the outcome of an apply or *destroy*; *desired* gives the places of annotations."""
        for one in self._formats:
            if one.name == "jsonl":
                with writing(one.file):
                    self._stream(one).outcome(outcome, destroy=destroy)
            else:
                text = self._rendered_outcome(one, outcome, desired, destroy=destroy)
                one.write(text, color=self._color)

    @contextmanager
    def annotating(self) -> Iterator[None]:
        """Annotate the files of the manifests, for `github`, when a ManifestError leaves the block."""
        try:
            yield
        except ManifestError as error:
            for one in self._formats:
                if one.name == "github":
                    from reconciler.report.github import problem_annotations  # noqa: PLC0415

                    one.write("".join(f"{line}\n" for line in problem_annotations(error)))
            raise

    def progress(self, plan: Plan) -> Progress:
        """Return a watcher that writes to event streams and stderr; a terminal gets one line."""
        from reconciler.report.progress import StatusProgress  # noqa: PLC0415

        if self._pages is not None:
            self._pages.begin(plan)
        display = self._displayed()
        if isinstance(display, StatusProgress):
            display.apply(len(plan.actions))
        return _Several([*(self._stream(one) for one in self._formats if one.name == "jsonl"), display])

    def sight(self) -> Callable[[Seen], None] | None:
        """Return a receiver of what a plan is made from; None where no format shows it."""
        return self._pages.see if self._pages is not None else None

    def activity(self) -> Activity:
        """Return a receiver of what is read and waited for; it writes to stderr."""
        return _Activity(self._displayed())

    def close(self) -> None:
        """Clear the line of the progress, before other lines are printed."""
        if self._display is not None:
            with suppress(OSError):
                self._display.close()

    def _displayed(self) -> LineProgress | StatusProgress:
        from reconciler.report.progress import LineProgress, StatusProgress  # noqa: PLC0415

        if self._display is None and obeys_escapes(sys.stderr):
            self._display = StatusProgress(
                sys.stderr, width=lambda: columns(sys.stderr), clock=time.monotonic, later=_later
            )
        self._display = self._display or LineProgress(sys.stderr)
        return self._display

    def _rendered_plan(self, one: Format, plan: Plan, desired: Desired, unchanged: Desired | None) -> str:
        if one.name == "json":
            from reconciler.report.json import encode, plan_document  # noqa: PLC0415

            document = plan_document(
                plan, timestamp=_now(), version=__version__, desired=unchanged, **self._policy()
            )
            return encode(document).decode()
        if self._pages is not None and one.name == "html":
            return self._pages.plan(plan, self._policy(), now=_now())
        if one.name == "markdown":
            from reconciler.report.markdown import plan_markdown  # noqa: PLC0415

            return plan_markdown(plan, key=self._key, **self._policy())
        if one.name == "github":
            from reconciler.report.github import plan_annotations  # noqa: PLC0415

            return "".join(f"{line}\n" for line in plan_annotations(plan, desired))
        from reconciler.report.text import render_plan  # noqa: PLC0415

        return render_plan(plan, color=self._color and one.file is None, **self._policy())

    def _rendered_outcome(self, one: Format, outcome: Outcome, desired: Desired, *, destroy: bool) -> str:
        if one.name == "json":
            from reconciler.report.json import encode, outcome_document  # noqa: PLC0415

            return encode(outcome_document(outcome)).decode()
        if self._pages is not None and one.name == "html":
            return self._pages.outcome(outcome, self._policy(), destroy=destroy, now=_now())
        if one.name == "markdown":
            from reconciler.report.markdown import outcome_markdown  # noqa: PLC0415

            return outcome_markdown(outcome, key=self._key, destroy=destroy)
        if one.name == "github":
            from reconciler.report.github import outcome_annotations  # noqa: PLC0415

            return "".join(f"{line}\n" for line in outcome_annotations(outcome, desired))
        from reconciler.report.outcome import render_outcome  # noqa: PLC0415

        return render_outcome(outcome, destroy=destroy, color=self._color and one.file is None)

    def _policy(self) -> Policy:
        if self._bodies is None:
            return {}  # each format has its own default
        from reconciler.report.disclosure import Bodies  # noqa: PLC0415

        return {"bodies": Bodies(self._bodies), "hash_key": self._hash_key}

    def _stream(self, one: Format) -> EventStream:
        from reconciler.report.jsonl import EventStream  # noqa: PLC0415

        if one.file not in self._streams:
            stream: BinaryIO = sys.stdout.buffer if one.file is None else open_stream(one.file)
            self._streams[one.file] = EventStream(
                stream, version=__version__, timestamp=_now, seconds=time.monotonic
            )
        return self._streams[one.file]


class _Activity:
    """Shows what an operation does. A stream that breaks stops nothing."""

    def __init__(self, display: LineProgress | StatusProgress) -> None:
        self._display = display

    def reading(self, done: int, total: int) -> None:
        """Show how much is read."""
        with suppress(OSError):
            self._display.reading(done, total)

    def waiting(self, seconds: float, why: str) -> None:
        """Show a wait."""
        with suppress(OSError):
            self._display.waiting(seconds, why)

    def spent(self, read: int, write: int, retried: int, statuses: Mapping[int, int]) -> None:
        """Show nothing: plans and outcomes have these numbers."""


class _Several:
    """Passes progress on to several receivers. One whose stream breaks is dropped.

    The work goes on: to stop in the middle of it would be worse than lines that nobody reads.
    """

    def __init__(self, parts: Sequence[Progress]) -> None:
        self._parts = list(parts)

    def started(self, action: Action) -> None:
        """Report that *action* begins."""
        self._each(lambda part: part.started(action))

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


def _later(seconds: float, call: Callable[[], None]) -> None:
    """Call *call* after *seconds* if an event loop runs here that long."""
    import asyncio  # noqa: PLC0415

    def quietly() -> None:
        with suppress(OSError):
            call()

    with suppress(RuntimeError):  # there is no loop
        asyncio.get_running_loop().call_later(seconds, quietly)


def _now() -> str:
    return canonical_instant(datetime.now(UTC))
