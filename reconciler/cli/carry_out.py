"""Carry out changes for `apply` and `destroy`: ask, work under the lock, show the outcome."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Coroutine
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click
import msgspec

from reconciler.cli.options.connection import Locking
from reconciler.cli.options.manifests import Manifests, files_written, require_apart
from reconciler.cli.options.output import Output
from reconciler.cli.options.planning import Approval
from reconciler.cli.screen import Screen
from reconciler.cli.settings.chosen import in_force
from reconciler.cli.settings.protection import confirm, confirm_saved, require_person
from reconciler.cli.streams import ask, complain
from reconciler.errors import SIGNALLED, UsageError

if TYPE_CHECKING:
    from reconciler.applier.results import Watcher
    from reconciler.model import Desired
    from reconciler.operations.session import Settings
    from reconciler.plans.options import Options
    from reconciler.plans.outcome import Outcome
    from reconciler.plans.plan import Plan
    from reconciler.plans.planfile import SavedPlan
    from reconciler.runtime.interrupts import Interrupts

    Work = Coroutine[Any, Any, Outcome | None]

_ADVICE: Final = "what was in flight is looked up by the next `plan` or `apply`"


def plan_and_change(
    command: str, manifests: Manifests, remote: Locking, options: Options, approval: Approval, output: Output
) -> int:
    """Plan with *options*, ask for approval, carry the plan out, and return the exit code of *command*."""
    from reconciler.operations.apply import plan_and_apply  # noqa: PLC0415  # asyncio, and most of the package
    from reconciler.runtime.interrupts import Interrupts  # noqa: PLC0415

    require_person(command)
    screen = output.screen()
    if not screen.asks and not approval.auto_approve:
        raise UsageError("this `--format` leaves no screen to ask for approval", hint="pass `--auto-approve`")
    written = files_written(state=remote.state, formats=output.formats)
    optional = options.destroy or options.refresh_only
    desired = load_manifests(manifests, written, screen, optional=optional)
    settings = remote.settings(settle=approval.settle, activity=screen.activity(), see=screen.sight())
    approve = _Approve(command, screen, desired, auto=approval.auto_approve)
    interrupts = Interrupts(_ADVICE)

    def work(held: Settings) -> Work:
        return plan_and_apply(desired, held, options, approve=approve, interrupts=interrupts)

    return _carry_out(command, remote, settings, work, desired, screen, interrupts, destroy=options.destroy)


def change_as_saved(
    saved: SavedPlan, manifests: Manifests, remote: Locking, approval: Approval, output: Output
) -> int:
    """Carry out a plan that was read from the first path of *manifests*; the others name manifests."""
    from reconciler.operations.apply_saved import apply_saved  # noqa: PLC0415
    from reconciler.operations.session import NOTHING  # noqa: PLC0415
    from reconciler.runtime.interrupts import Interrupts  # noqa: PLC0415  # asyncio

    screen = output.screen()
    written = files_written(state=remote.state, formats=output.formats)
    require_apart(manifests.paths, written)
    rest = msgspec.structs.replace(manifests, paths=manifests.paths[1:])
    desired = load_manifests(rest, written, screen, optional=False) if rest.paths else None
    settings = remote.settings(settle=approval.settle, activity=screen.activity(), see=screen.sight())
    interrupts = Interrupts(_ADVICE)

    def work(held: Settings) -> Work:
        return apply_saved(
            saved, held, desired=desired, watcher=screen.progress(saved.plan), interrupts=interrupts
        )

    command = "destroy" if saved.destroy else "apply"  # the command that plans the rest anew
    confirm_saved(command)
    again = shlex.join(["apply", *map(str, manifests.paths)])
    return _carry_out(
        command, remote, settings, work, desired or NOTHING, screen, interrupts, destroy=False, again=again
    )


def load_manifests(
    manifests: Manifests, written: list[tuple[str, Path]], screen: Screen, *, optional: bool
) -> Desired:
    """Load the manifests; *optional* ones need not exist.

    A destroy works without manifests. Those that exist may protect messages.
    """
    from reconciler.operations.session import NOTHING  # noqa: PLC0415  # asyncio, and most of the package

    with screen.annotating():
        return (manifests.load_if_any(written) or NOTHING) if optional else manifests.load(written)


def _carry_out(
    command: str,
    remote: Locking,
    settings: Settings,
    work: Callable[[Settings], Work],
    desired: Desired,
    screen: Screen,
    interrupts: Interrupts,
    *,
    destroy: bool,
    again: str | None = None,
) -> int:
    """Do the work under the lock, show its outcome, and return the exit code.

    *again* are the words that finish a saved plan, should it fail; if that has become stale, *command* does.
    """
    from reconciler.cli.next_step import where_to_look  # noqa: PLC0415
    from reconciler.report.outcome import failure  # noqa: PLC0415

    try:
        with (
            screen.annotating(),
            interrupts.at_once(),
            remote.lock(command, settings, confirmed=True) as held,
        ):
            outcome = interrupts.run(work(held))
    finally:
        screen.close()
    if outcome is None:
        return 1
    screen.outcome(outcome, desired, destroy=destroy)
    first = next((result.kind for result in outcome.results if result.kind), "")  # the one that is shown
    error = failure(outcome, command if again is None or first == "stale" else again)
    if error is not None:
        complain(error)
    elif screen.asks:
        with suppress(OSError):
            click.echo(where_to_look(outcome), err=True, nl=False)
    if outcome.interrupted and interrupts.signum is not None:
        return SIGNALLED + interrupts.signum
    return 1 if error is not None else 0


class _Approve:
    """Show the plan, and ask a person to approve it."""

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
        if in_force().protected and made.changes_anything:
            confirm(self._command)
        elif made.changes_anything and not self._auto and not self._ask():
            click.echo(f"{self._command} cancelled: only `yes` approves", err=True)
            return None
        return self._screen.progress(made)

    def _ask(self) -> bool:
        return ask(f"Do you want to {self._command} these changes?")
