"""The commands of `state` that are about its place: `migrate`, `locks` and `unlock`."""

from __future__ import annotations

from pathlib import Path

import click

from reconciler.cli.command import Command
from reconciler.cli.options.declare import option
from reconciler.cli.options.encryption import keys_in_force
from reconciler.cli.options.state import finished, lock_timeout_option, locked, opened, state_option
from reconciler.cli.outputs import Written, require_not_beside
from reconciler.cli.param_types import PLACE
from reconciler.cli.settings.chosen import in_force
from reconciler.cli.settings.protection import confirm
from reconciler.cli.streams import ask, say
from reconciler.errors import UsageError
from reconciler.text.inert import escape
from reconciler.text.words import counted


@click.command(
    name="migrate",
    cls=Command,
    epilog="Example: reconciler state migrate reconciler.state.json s3://acme-reconciler/production",
)
@click.argument("source", type=PLACE, metavar="FROM")
@click.argument("target", type=PLACE, metavar="TO")
@lock_timeout_option
def migrate(source: Path | str, target: Path | str, lock_timeout: float) -> None:
    """Move the state from one place to another, each a file or an address.

    At FROM a marker is left that names TO; every command refuses it. Saved plans must be made again.
    """
    from reconciler.operations import migrate as operation  # noqa: PLC0415 - asyncio
    from reconciler.runtime.concurrency import finish  # noqa: PLC0415

    if opened(source).place == opened(target).place:
        raise UsageError("FROM and TO are the same place", hint="name another one as TO")
    if isinstance(target, Path):
        require_not_beside(Written("TO", target), click.get_current_context())
    confirm("state migrate")
    with (
        locked("state migrate", source, lock_timeout, confirmed=True) as old,
        locked("state migrate", target, lock_timeout, confirmed=True) as new,
    ):
        moved = finish(operation.migrate(old, new, in_force().environment, keys_in_force()))
        place = escape(new.place)
    say(f"Moved {counted(len(moved.bindings), 'binding')} to {place}; the state is at serial {moved.serial}")
    click.echo(
        f"Name it from now on: `--state {place}`, RECONCILER_STATE, or `state:` in the settings file",
        err=True,
    )


@click.command(
    name="locks", cls=Command, epilog="Example: reconciler state locks --state s3://acme/production"
)
@state_option
def locks(state: Path | str) -> None:
    """Show who holds the lock of the state: user, host, command, process, since when, CI run, until when."""
    store = opened(state)
    held = finished(store, store.locks())
    for one in held:
        say(escape(str(one)))
    if not held:
        say("Nobody holds the lock of the state.")


@click.command(
    name="unlock", cls=Command, epilog="Example: reconciler state unlock --state s3://acme/production"
)
@state_option
@option("--auto-approve", is_flag=True, help="Do not ask.")
def unlock(state: Path | str, *, auto_approve: bool) -> int:
    """Free the lock of a run that cannot do it itself any more, as its machine is gone.

    A lease ends by itself within minutes. The lock of a file ends with its process, and cannot be freed.
    """
    store = opened(state)
    if not store.is_file:
        held = finished(store, store.locks())
        if not held and store.fences:
            say("Nobody holds the lock of the state.")
            return 0
        confirm("state unlock")
        by = (
            f"held by {' and by '.join(escape(str(one)) for one in held)}"
            if held
            else "held by nobody who is named in the state"
        )
        click.echo(f"The lock is {by}.\n{_RISK}", err=True)
        if not store.fences:
            click.echo(_UNFENCED, err=True)
        if not auto_approve and not ask("Do you want to take it away?"):
            click.echo("state unlock cancelled: only `yes` approves", err=True)
            return 1
    freed = finished(store, store.unlock())
    say("Nobody held the lock any more." if freed is None else f"Freed the lock of {escape(str(freed))}")
    return 0


_RISK = (
    "If that run still lives, it stops, and the next one looks up what it has sent. That one waits until the "
    "lease would have ended, and for what may still arrive."
)
_UNFENCED = (
    "This server cannot tell a late write of that run from one of the next: it may replace the state, and "
    "then messages are posted twice. Make sure that the run has ended."
)
