"""Show plans and outcomes in every requested format."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from reconciler._version import __version__
from reconciler.cli.clock import now
from reconciler.cli.for_programs import for_programs
from reconciler.cli.formats import Format, Policy, parse
from reconciler.cli.streams import colored, columns, complain, obeys_escapes, writing
from reconciler.errors import ManifestError, ReconcilerError

if TYPE_CHECKING:
    from reconciler.cli.pages import Pages
    from reconciler.model import Desired
    from reconciler.plans.outcome import Outcome
    from reconciler.plans.plan import Plan
    from reconciler.plans.seen import Seen
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
        self._programs = for_programs()
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
        """Show a plan. Before an apply only people and event streams see it: the others get the outcome.

        JSON lists what *unchanged* declares among the planned values.
        """
        self.close()
        for one in self._formats:
            if one.name == "jsonl":
                with writing(one.file):
                    self._programs.stream(one.file).plan(plan)
            elif not before_apply or (one.name == "text" and one.file is None):
                self._write(one, self._rendered_plan(one, plan, desired, unchanged))
        if not self.asks:
            for refusal in plan.refusals:
                complain(ReconcilerError(refusal.text, hint=refusal.hint))

    def outcome(self, outcome: Outcome, desired: Desired, *, destroy: bool) -> None:
        """Show the outcome of an apply or *destroy*; *desired* gives the places of annotations."""
        for one in self._formats:
            if one.name == "jsonl":
                with writing(one.file):
                    self._programs.stream(one.file).outcome(outcome, destroy=destroy)
            else:
                self._write(one, self._rendered_outcome(one, outcome, desired, destroy=destroy))

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
        from reconciler.report.progress import Several, StatusProgress  # noqa: PLC0415

        if self._pages is not None:
            self._pages.begin(plan)
        display = self._displayed()
        if isinstance(display, StatusProgress):
            display.apply(len(plan.actions))
        streams = [self._programs.stream(one.file) for one in self._formats if one.name == "jsonl"]
        return Several([*streams, display])

    def sight(self) -> Callable[[Seen], None] | None:
        """Return a receiver of what a plan is made from; None where no format shows it."""
        return self._pages.see if self._pages is not None else None

    def activity(self) -> Activity:
        """Return a receiver of what is read and waited for; it writes to stderr."""
        is_live = obeys_escapes(sys.stderr)
        if is_live:
            self._displayed()  # its clock begins
        return _Activity(self._displayed, is_live=is_live)

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

    def _rendered_plan(
        self, one: Format, plan: Plan, desired: Desired, unchanged: Desired | None
    ) -> str | Iterator[bytes]:
        if one.name == "json":
            from reconciler.report.json import encoded_plan  # noqa: PLC0415

            return encoded_plan(
                plan, timestamp=now(), version=__version__, desired=unchanged, **self._policy()
            )
        if self._pages is not None and one.name == "html":
            return self._pages.plan(plan, self._policy(), now=now())
        if one.name == "markdown":
            from reconciler.report.markdown import plan_markdown  # noqa: PLC0415

            return plan_markdown(plan, key=self._key, **self._policy())
        if one.name == "github":
            from reconciler.report.github import plan_annotations  # noqa: PLC0415

            return "".join(f"{line}\n" for line in plan_annotations(plan, desired))
        from reconciler.report.text import render_plan  # noqa: PLC0415

        on_terminal = one.file is None and sys.stdout.isatty()
        color = self._color and one.file is None
        return render_plan(plan, color=color, on_terminal=on_terminal, **self._policy())

    def _rendered_outcome(self, one: Format, outcome: Outcome, desired: Desired, *, destroy: bool) -> str:
        if one.name == "json":
            from reconciler.report.json import encode  # noqa: PLC0415
            from reconciler.report.json_outcome import outcome_document  # noqa: PLC0415

            return encode(outcome_document(outcome)).decode()
        if self._pages is not None and one.name == "html":
            return self._pages.outcome(outcome, self._policy(), destroy=destroy, now=now())
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

    def _write(self, one: Format, text: str | Iterator[bytes]) -> None:
        one.write(text, color=self._color)
        if one.name == "json" and one.file is None:
            self._programs.is_answered = True


class _Activity:
    """Shows what an operation does on what *displayed* returns. A stream that breaks stops nothing.

    Only where the display *is_live* it shows what is read: a log is read later.
    """

    def __init__(self, displayed: Callable[[], LineProgress | StatusProgress], *, is_live: bool) -> None:
        self._displayed = displayed
        self._is_live = is_live

    def reading(self, done: int, total: int) -> None:
        """Show how much is read."""
        if self._is_live:
            with suppress(OSError):
                self._displayed().reading(done, total)

    def waiting(self, seconds: float, why: str) -> None:
        """Show a wait."""
        with suppress(OSError):
            self._displayed().waiting(seconds, why)

    def spent(self, read: int, write: int, retried: int, statuses: Mapping[int, int]) -> None:
        """Show nothing: plans and outcomes have these numbers."""


def _later(seconds: float, call: Callable[[], None]) -> None:
    """Call *call* after *seconds* if an event loop runs here that long."""
    import asyncio  # noqa: PLC0415

    def quietly() -> None:
        with suppress(OSError):
            call()

    with suppress(RuntimeError):  # there is no loop
        asyncio.get_running_loop().call_later(seconds, quietly)
