"""The commands that look at the remote side and change it: plan, apply, destroy."""

from __future__ import annotations

import sys
from collections.abc import Coroutine
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from reconciler import __version__
from reconciler.canonical import canonical_instant
from reconciler.cli import options as shared
from reconciler.cli.plans import read_plan, save_plan
from reconciler.errors import ReconcilerError, UsageError

if TYPE_CHECKING:
    from reconciler.apply.run import Watcher
    from reconciler.interrupt import Interrupts
    from reconciler.model import Desired
    from reconciler.plan.actions import Outcome, Plan
    from reconciler.plan.document import SavedPlan
    from reconciler.report.progress import Progress

_FORMATS = ("text", "json")
_INTERRUPTED = 128
"""A shell's exit code for a signal is this plus the signal's number."""


@click.command(epilog="Example: reconciler plan examples/quickstart --endpoint emulator")
@shared.paths
@shared.remote
@shared.planning
@shared.option("--destroy", is_flag=True, help="Plan what `destroy` would do.")
@shared.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Save the plan, to be applied as it is.",
)
@shared.option("--detailed-exitcode", is_flag=True, help="Exit 2 if anything would change.")
@shared.output
def plan(paths: tuple[Path, ...], **given: Any) -> int:
    """Show what would change, and why; nothing is written."""
    from reconciler import operations  # noqa: PLC0415  # asyncio, and most of the package
    from reconciler.interrupt import Interrupted, Interrupts  # noqa: PLC0415

    out = shared.Output.parse(given["formats"], _FORMATS, no_color=given["no_color"])
    out_file: Path | None = given["out"]
    options = shared.options(given, destroy=given["destroy"], record=out_file is not None)
    desired = _desired(paths, optional=given["destroy"])
    settings = shared.settings(given)
    try:
        with shared.locked("plan", given):
            saved = Interrupts().run(operations.plan(desired, settings, options))
    except Interrupted as signal:
        return _INTERRUPTED + signal.signum
    made = saved.plan
    _show_plan(made, out)
    if not made.applyable:
        _tell_refusals(made, out)
        return 1
    if out_file is not None:
        save_plan(out_file, saved)
        click.echo(f"Saved the plan; to apply exactly this: reconciler apply {out_file}", err=True)
    return 2 if given["detailed_exitcode"] and made.actions else 0


@click.command(epilog="Example: reconciler apply examples/quickstart --endpoint emulator --auto-approve")
@shared.paths
@shared.remote
@shared.planning
@shared.approval
@shared.output
def apply(paths: tuple[Path, ...], **given: Any) -> int:
    """Make the messages what the manifests say, exactly once and in order.

    PATHS are manifests, or one saved plan, which is applied as it is, without asking.
    """
    saved = read_plan(paths)
    if saved is not None:
        return _apply_saved(saved, paths[1:], given)
    return _change("apply", _desired(paths, optional=False), given, destroy=False)


@click.command(epilog="Example: reconciler destroy examples/quickstart --endpoint emulator")
@shared.paths
@shared.remote
@shared.approval
@shared.option("--max-delete", metavar="N|N%", help="How many messages may be deleted.")
@shared.output
def destroy(paths: tuple[Path, ...], **given: Any) -> int:
    """Delete every managed message, and the parents that this tool created."""
    return _change("destroy", _desired(paths, optional=True), given, destroy=True)


def _change(command: str, desired: Desired, given: dict[str, Any], *, destroy: bool) -> int:
    from reconciler import operations  # noqa: PLC0415  # asyncio, and most of the package
    from reconciler.interrupt import Interrupts  # noqa: PLC0415

    out = shared.Output.parse(given["formats"], _FORMATS, no_color=given["no_color"])
    if out.screen != "text" and not given["auto_approve"]:
        raise UsageError(f"`--format {out.screen}` cannot ask for approval", hint="pass `--auto-approve`")
    options = shared.options(given, destroy=destroy)
    settings = shared.settings(given)
    asked = _Approval(command, out, auto=given["auto_approve"])
    interrupts = Interrupts()
    work = operations.apply(desired, settings, options, approve=asked, interrupts=interrupts)
    return _carry_out(command, given, work, asked=asked, interrupts=interrupts, out=out, destroy=destroy)


def _apply_saved(saved: SavedPlan, manifests: tuple[Path, ...], given: dict[str, Any]) -> int:
    from reconciler.interrupt import Interrupts  # noqa: PLC0415  # asyncio
    from reconciler.saved import apply_saved  # noqa: PLC0415

    out = shared.Output.parse(given["formats"], _FORMATS, no_color=given["no_color"])
    desired = shared.desired(manifests) if manifests else None
    settings = shared.settings(given)
    asked = _Approval("apply", out, auto=True)
    interrupts = Interrupts()
    work = apply_saved(
        saved, settings, desired=desired, watcher=asked.watcher(saved.plan), interrupts=interrupts
    )
    return _carry_out("apply", given, work, asked=asked, interrupts=interrupts, out=out, destroy=False)


def _carry_out(
    command: str,
    given: dict[str, Any],
    work: Coroutine[Any, Any, Outcome | None],
    *,
    asked: _Approval,
    interrupts: Interrupts,
    out: shared.Output,
    destroy: bool,
) -> int:
    """Do the work under the lock, show what came of it, and return the exit code."""
    from reconciler.interrupt import Interrupted  # noqa: PLC0415  # asyncio
    from reconciler.report.outcome import failure  # noqa: PLC0415

    try:
        with shared.locked(command, given):
            outcome = interrupts.run(work)
    except Interrupted as signal:
        return _INTERRUPTED + signal.signum
    finally:
        work.close()
        asked.close()
    if outcome is None:
        return 1
    _show_outcome(outcome, out, destroy=destroy)
    error = failure(outcome)
    if error is not None:
        _warn(error)
    if outcome.interrupted and interrupts.signum is not None:
        return _INTERRUPTED + interrupts.signum
    return 1 if error is not None else 0


class _Approval:
    """Show the plan, ask, and say who watches the work."""

    def __init__(self, command: str, out: shared.Output, *, auto: bool) -> None:
        self._command = command
        self._out = out
        self._auto = auto
        self._progress: Progress | None = None

    def __call__(self, made: Plan) -> Watcher | None:
        """Return the watcher of an approved plan, or None."""
        if self._out.screen == "text":
            _show_plan(made, shared.Output("text", (), self._out.color))
        if not made.applyable:
            _tell_refusals(made, self._out)
            return None
        if made.actions and not self._auto and not self._ask():
            click.echo(f"{self._command} cancelled: only `yes` approves", err=True)
            return None
        return self.watcher(made)

    def watcher(self, made: Plan) -> Watcher:
        """Return who tells of the progress of *made* on stderr."""
        from reconciler.report.progress import LineProgress, StatusProgress  # noqa: PLC0415

        is_person = sys.stderr.isatty()
        total = len(made.actions)
        self._progress = StatusProgress(sys.stderr, total) if is_person else LineProgress(sys.stderr)
        return self._progress

    def close(self) -> None:
        """Take the progress away."""
        if self._progress is not None:
            self._progress.close()

    def _ask(self) -> bool:
        click.echo(f"Do you want to {self._command} these changes? Only `yes` approves: ", err=True, nl=False)
        return sys.stdin.readline().strip() == "yes"


def _desired(paths: tuple[Path, ...], *, optional: bool) -> Desired:
    """Load the manifests; a destroy needs none, but those that are there may protect messages."""
    if optional and not paths and not Path(shared.DEFAULT_MANIFESTS).is_dir():
        from reconciler.operations import NOTHING  # noqa: PLC0415

        return NOTHING
    return shared.desired(paths)


def _show_plan(made: Plan, out: shared.Output) -> None:
    def render(name: str, color: bool) -> str:  # noqa: FBT001
        if name == "json":
            from reconciler.report.json import encode, plan_document  # noqa: PLC0415

            now = canonical_instant(datetime.now(UTC))
            return encode(plan_document(made, timestamp=now, version=__version__)).decode()
        from reconciler.report.text import render_plan  # noqa: PLC0415

        return render_plan(made, color=color)

    out.write(render)


def _tell_refusals(made: Plan, out: shared.Output) -> None:
    """Say on stderr why the plan is not applyable, where the screen does not show it."""
    if out.screen != "text":
        for refusal in made.refusals:
            _warn(ReconcilerError(refusal.text, hint=refusal.hint))


def _show_outcome(outcome: Outcome, out: shared.Output, *, destroy: bool) -> None:
    def render(name: str, color: bool) -> str:  # noqa: FBT001
        if name == "json":
            from reconciler.report.json import encode, outcome_document  # noqa: PLC0415

            return encode(outcome_document(outcome)).decode()
        from reconciler.report.outcome import render_outcome  # noqa: PLC0415

        return render_outcome(outcome, destroy=destroy, color=color)

    out.write(render)


def _warn(error: ReconcilerError) -> None:
    from reconciler.report.errors import render_error  # noqa: PLC0415

    click.echo(render_error(error), err=True, nl=False)
