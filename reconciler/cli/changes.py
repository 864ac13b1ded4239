"""The commands that look at the remote side and change it: plan, apply, destroy."""

from __future__ import annotations

from collections.abc import Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from reconciler.cli import options as shared
from reconciler.cli.param_types import FILE, Planning
from reconciler.cli.plan_files import read_plan, save_plan
from reconciler.cli.screen import Screen
from reconciler.cli.streams import ask, complain
from reconciler.errors import Interrupted, UsageError

if TYPE_CHECKING:
    from reconciler.applier.results import Watcher
    from reconciler.model import Desired
    from reconciler.plans.outcome import Outcome
    from reconciler.plans.plan import Plan
    from reconciler.plans.planfile import SavedPlan
    from reconciler.runtime.interrupts import Interrupts

_INTERRUPTED = 128
"""A shell's exit code for a signal is this plus the signal's number."""


@click.command(cls=Planning, epilog="Example: reconciler plan examples/quickstart --endpoint emulator")
@shared.manifests
@shared.remote
@shared.planning
@shared.option("--destroy", is_flag=True, help="Plan what `destroy` would do.")
@shared.option(
    "--out",
    type=FILE,
    metavar="FILE",
    help="Save the plan, to be applied as it is.",
)
@shared.option("--detailed-exitcode", is_flag=True, help="Exit 2 if anything would change.")
@shared.output
def plan(paths: tuple[Path, ...], **given: Any) -> int:
    """Show what would change, and why; nothing is written."""
    from reconciler.operations.plan import make_plan  # noqa: PLC0415  # asyncio, and most of the package
    from reconciler.runtime.interrupts import Interrupts  # noqa: PLC0415

    screen = shared.screen(given)
    out_file: Path | None = given["out"]
    options = shared.options(given, destroy=given["destroy"], record=out_file is not None)
    desired = _desired(paths, given, screen, optional=given["destroy"] or given["refresh_only"])
    settings = shared.settings(given)
    interrupts = Interrupts()
    try:
        with screen.annotating(), interrupts.at_once(), shared.locked("plan", given):
            saved = interrupts.run(make_plan(desired, settings, options))
    except Interrupted as signal:
        click.echo("interrupted", err=True)
        return _INTERRUPTED + signal.signum
    made = saved.plan
    screen.plan(made, desired)
    if not made.applyable:
        return 1
    if out_file is not None:
        is_whole = save_plan(out_file, saved)
        needed = str(out_file) if is_whole else f"{out_file} MANIFESTS… (for the sensitive values)"
        click.echo(f"Saved the plan; to apply exactly this: reconciler apply {needed}", err=True)
    if options.refresh_only:
        click.echo("To apply this changes the state alone, and nothing remote.", err=True)
    return 2 if given["detailed_exitcode"] and made.changes_anything else 0


@click.command(
    cls=Planning, epilog="Example: reconciler apply examples/quickstart --endpoint emulator --auto-approve"
)
@shared.manifests
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
        return _apply_saved(saved, paths, given)
    return _change("apply", paths, given, destroy=False)


@click.command(epilog="Example: reconciler destroy examples/quickstart --endpoint emulator")
@shared.manifests
@shared.remote
@shared.targeting
@shared.approval
@shared.option("--max-delete", metavar="N|N%", help="How many messages may be deleted.")
@shared.output
def destroy(paths: tuple[Path, ...], **given: Any) -> int:
    """Delete every managed message, and the parents that this tool created."""
    return _change("destroy", paths, given, destroy=True)


def _change(command: str, paths: tuple[Path, ...], given: dict[str, Any], *, destroy: bool) -> int:
    from reconciler.operations.apply import plan_and_apply  # noqa: PLC0415  # asyncio, and most of the package
    from reconciler.runtime.interrupts import Interrupts  # noqa: PLC0415

    screen = shared.screen(given)
    if not screen.asks and not given["auto_approve"]:
        raise UsageError("this `--format` leaves no screen to ask for approval", hint="pass `--auto-approve`")
    desired = _desired(paths, given, screen, optional=destroy or given["refresh_only"])
    options = shared.options(given, destroy=destroy)
    settings = shared.settings(given)
    approve = _Approval(command, screen, desired, auto=given["auto_approve"])
    interrupts = Interrupts()
    work = plan_and_apply(desired, settings, options, approve=approve, interrupts=interrupts)
    return _carry_out(command, given, work, desired, screen=screen, interrupts=interrupts, destroy=destroy)


def _apply_saved(saved: SavedPlan, paths: tuple[Path, ...], given: dict[str, Any]) -> int:
    """Apply a plan that was read from the first of *paths*; the others are manifests."""
    from reconciler.operations.apply_saved import apply_saved  # noqa: PLC0415
    from reconciler.operations.session import NOTHING  # noqa: PLC0415
    from reconciler.runtime.interrupts import Interrupts  # noqa: PLC0415  # asyncio

    screen = shared.screen(given)
    shared.require_apart(paths, given)
    desired = _desired(paths[1:], given, screen, optional=False) if paths[1:] else None
    settings = shared.settings(given)
    interrupts = Interrupts()
    work = apply_saved(
        saved, settings, desired=desired, watcher=screen.progress(saved.plan), interrupts=interrupts
    )
    command = "destroy" if saved.destroy else "apply"  # what finishes it, should it fail
    return _carry_out(
        command, given, work, desired or NOTHING, screen=screen, interrupts=interrupts, destroy=False
    )


def _carry_out(
    command: str,
    given: dict[str, Any],
    work: Coroutine[Any, Any, Outcome | None],
    desired: Desired,
    *,
    screen: Screen,
    interrupts: Interrupts,
    destroy: bool,
) -> int:
    """Do the work under the lock, show what came of it, and return the exit code."""
    from reconciler.report.outcome import failure  # noqa: PLC0415

    try:
        with screen.annotating(), interrupts.at_once(), shared.locked(command, given):
            outcome = interrupts.run(work)
    except Interrupted as signal:
        click.echo("interrupted: what was in flight is looked up by the next `plan` or `apply`", err=True)
        return _INTERRUPTED + signal.signum
    finally:
        work.close()
        screen.close()
    if outcome is None:
        return 1
    screen.outcome(outcome, desired, destroy=destroy)
    error = failure(outcome, command)
    if error is not None:
        complain(error)
    if outcome.interrupted and interrupts.signum is not None:
        return _INTERRUPTED + interrupts.signum
    return 1 if error is not None else 0


class _Approval:
    """Show the plan, ask, and say who watches the work."""

    def __init__(self, command: str, screen: Screen, desired: Desired, *, auto: bool) -> None:
        self._command = command
        self._screen = screen
        self._desired = desired
        self._auto = auto

    def __call__(self, made: Plan) -> Watcher | None:
        """Return the watcher of an approved plan, or None."""
        self._screen.plan(made, self._desired, before_apply=True)
        if not made.applyable:
            return None
        if made.changes_anything and not self._auto and not self._ask():
            click.echo(f"{self._command} cancelled: only `yes` approves", err=True)
            return None
        return self._screen.progress(made)

    def _ask(self) -> bool:
        return ask(f"Do you want to {self._command} these changes?")


def _desired(paths: tuple[Path, ...], given: dict[str, Any], screen: Screen, *, optional: bool) -> Desired:
    """Load the manifests; a destroy needs none, but those that are there may protect messages."""
    from reconciler.operations.session import NOTHING  # noqa: PLC0415  # asyncio, and most of the package

    with screen.annotating():
        return (shared.desired_if_any(paths, given) or NOTHING) if optional else shared.desired(paths, given)
