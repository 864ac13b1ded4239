"""Carry out changes for `apply` and `destroy`: ask, work under the lock, show the outcome."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

import click
import msgspec

from reconciler.cli.for_programs import for_programs
from reconciler.cli.options.connection import Locking
from reconciler.cli.options.manifests import Manifests
from reconciler.cli.options.output import Output
from reconciler.cli.options.planning import Approval
from reconciler.cli.options.sharding import Sharded
from reconciler.cli.screen import Screen
from reconciler.cli.settings.chosen import in_force
from reconciler.cli.settings.protection import confirm, confirm_saved, require_person
from reconciler.cli.streams import ask, complain
from reconciler.errors import SIGNALLED, UsageError

if TYPE_CHECKING:
    from reconciler.applier.results import Watcher
    from reconciler.model import Desired
    from reconciler.model.shard import Shard
    from reconciler.operations.extent import Extent
    from reconciler.operations.session import Settings
    from reconciler.plans.options import Options
    from reconciler.plans.outcome import Outcome
    from reconciler.plans.plan import Plan
    from reconciler.plans.planfile import SavedPlan
    from reconciler.runtime.interrupts import Interrupts

    Work = Coroutine[Any, Any, Outcome | None]
    Under = Callable[[frozenset[int] | None, Callable[[Settings], Work]], Outcome | None]

_FOR_SERVICES: Final = 240.0
"""Seconds to wait at least for the run that makes services: so long its lease lasts if it dies."""


def plan_and_change(
    command: str,
    manifests: Manifests,
    remote: Locking,
    options: Options,
    approval: Approval,
    output: Output,
    shard: Shard | None = None,
) -> int:
    """Plan with *options*, ask for approval, carry the plan out, and return the exit code of *command*.

    With *shard*, it is about this part of all conversations.
    """
    from reconciler.operations.apply import plan_and_apply  # noqa: PLC0415  # asyncio, and most of the package
    from reconciler.runtime.interrupts import Interrupts  # noqa: PLC0415

    require_person(command)
    screen = output.screen()
    if not screen.asks and not approval.auto_approve:
        raise UsageError("this `--format` leaves no screen to ask for approval", hint="pass `--auto-approve`")
    optional = options.destroy or options.refresh_only
    desired = load_manifests(manifests, screen, optional=optional, shard=shard)
    settings = remote.settings(
        settle=approval.settle,
        activity=screen.activity(),
        see=screen.sight(),
        part=Sharded.of(shard, desired),
    )
    approve = Approve(command, screen, desired, auto=approval.auto_approve)
    interrupts = Interrupts()

    def work(held: Settings) -> Work:
        return plan_and_apply(desired, held, options, approve=approve, interrupts=interrupts)

    def apply(under: Under) -> Outcome | None:
        if settings.shard is None:
            return under(None, work)
        from reconciler.operations import apply_part  # noqa: PLC0415

        known = interrupts.run(apply_part.state_of_services(settings))
        steps = apply_part.ManifestSteps(desired, known, options, approve, interrupts)
        return apply_part.in_steps(steps, apply_part.groups_of_part(settings.shard, desired.moves), under)

    return _carry_out(command, remote, settings, apply, desired, screen, interrupts, destroy=options.destroy)


def change_as_saved(
    saved: SavedPlan,
    manifests: Manifests,
    remote: Locking,
    approval: Approval,
    output: Output,
    shard: Shard | None = None,
) -> int:
    """Carry out a plan that was read from the first path of *manifests*; the others name manifests.

    With *shard*, only what is in this part of all conversations is carried out.
    """
    from reconciler.operations.apply_saved import apply_saved  # noqa: PLC0415
    from reconciler.operations.session import NOTHING  # noqa: PLC0415
    from reconciler.runtime.interrupts import Interrupts  # noqa: PLC0415  # asyncio

    screen = output.screen()
    rest = msgspec.structs.replace(manifests, paths=manifests.paths[1:])
    desired = load_manifests(rest, screen, optional=False) if rest.paths else None
    settings = remote.settings(
        settle=approval.settle,
        activity=screen.activity(),
        see=screen.sight(),
        part=Sharded.of(shard, desired or NOTHING),
    )
    interrupts = Interrupts()

    watcher = screen.progress(saved.plan)

    def work(held: Settings, extent: Extent | None = None) -> Coroutine[Any, Any, Outcome]:
        return apply_saved(
            saved, held, desired=desired, watcher=watcher, interrupts=interrupts, extent=extent
        )

    def apply(under: Under) -> Outcome | None:
        if settings.shard is None:
            return under(None, work)
        from reconciler.operations import apply_part, extent  # noqa: PLC0415

        steps = apply_part.SavedSteps(saved, settings.shard, work)
        return apply_part.in_steps(steps, extent.groups_to_lock(saved, settings.shard), under)

    import shlex  # noqa: PLC0415 - few commands apply a saved plan

    from reconciler.cli.next_step import where_things_are  # noqa: PLC0415

    command = "destroy" if saved.destroy else "apply"  # the command that plans the rest anew
    confirm_saved(command)
    again = shlex.join(["apply", *map(str, manifests.paths), *where_things_are()])
    return _carry_out(
        command, remote, settings, apply, desired or NOTHING, screen, interrupts, destroy=False, again=again
    )


def load_manifests(
    manifests: Manifests,
    screen: Screen,
    *,
    optional: bool,
    shard: Shard | None = None,
) -> Desired:
    """Load the manifests, or the part *shard* of them; *optional* ones need not exist.

    A destroy works without manifests. Those that exist may protect messages.
    """
    from reconciler.operations.session import NOTHING  # noqa: PLC0415  # asyncio, and most of the package
    from reconciler.runtime.memory import return_large_blocks  # noqa: PLC0415

    if shard is not None:
        return_large_blocks()
    with screen.annotating():
        if optional:
            return manifests.load_if_any(shard=shard) or NOTHING
        return manifests.load(shard=shard)


def _carry_out(
    command: str,
    remote: Locking,
    settings: Settings,
    apply: Callable[[Under], Outcome | None],
    desired: Desired,
    screen: Screen,
    interrupts: Interrupts,
    *,
    destroy: bool,
    again: str | None = None,
) -> int:
    """Let *apply* do its work under locks, show its outcome, and return the exit code.

    *again* are the words that finish a saved plan, should it fail; if that has become stale, *command* does.
    """
    from reconciler.model import SERVICES  # noqa: PLC0415

    def under(groups: frozenset[int] | None, work: Callable[[Settings], Work]) -> Outcome | None:
        """Do *work* under the lock of *groups* of conversations; None are all, and what is of services."""
        at_least = 0.0 if groups is None or SERVICES not in groups else _FOR_SERVICES
        with (
            interrupts.at_once(),
            remote.lock(command, settings, confirmed=True, groups=groups, at_least=at_least) as held,
        ):
            return interrupts.run(work(held))

    try:
        with screen.annotating():
            outcome = apply(under)
    finally:
        screen.close()
    if outcome is None:
        return 1
    return conclude(outcome, screen, desired, interrupts, command, destroy=destroy, again=again)


def conclude(
    outcome: Outcome,
    screen: Screen,
    desired: Desired,
    interrupts: Interrupts,
    command: str,
    *,
    destroy: bool = False,
    again: str | None = None,
) -> int:
    """Show an outcome, and what to do next, and return the exit code; *again* is as for `_carry_out`."""
    from reconciler.cli.next_step import where_to_look  # noqa: PLC0415
    from reconciler.report.outcome import failure  # noqa: PLC0415

    screen.outcome(outcome, desired, destroy=destroy)
    first = next((result.kind for result in outcome.results if result.kind), "")  # the one that is shown
    error = failure(outcome, command if again is None or first == "stale" else again)
    if error is not None:
        complain(error)
        with suppress(OSError):
            for_programs().end_report(error)
    elif screen.asks:
        with suppress(OSError):
            click.echo(where_to_look(outcome), err=True, nl=False)
    if outcome.interrupted and interrupts.signum is not None:
        return SIGNALLED + interrupts.signum
    return 1 if error is not None else 0


class Approve:
    """Show the plan, and ask a person to approve it."""

    def __init__(self, command: str, screen: Screen, desired: Desired, *, auto: bool) -> None:
        self._command = command
        self._screen = screen
        self._desired = desired
        self._auto = auto

    def __call__(self, made: Plan) -> Watcher | None:
        """Return the watcher of an approved plan, or None."""
        self._screen.plan(made, self._desired, before_apply=made.applyable)
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
