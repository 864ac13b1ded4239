"""The command `sweep`: delete the services that tests left behind."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from reconciler.cli.command import Command
from reconciler.cli.options.connection import Sending, sending
from reconciler.cli.options.declare import option
from reconciler.cli.param_types import AGE
from reconciler.cli.settings.chosen import in_force
from reconciler.cli.settings.protection import confirm
from reconciler.cli.streams import ask, complain, say
from reconciler.operations.ephemeral import DEFAULT_WORKSPACE, check_workspace
from reconciler.text.inert import escape, quoted

if TYPE_CHECKING:
    from reconciler.operations.sweep import Leftover
    from reconciler.twilio.client import Twilio

T = TypeVar("T")
_REST: Final = "sweep again to delete the rest"


@click.command(cls=Command, epilog="Example: reconciler sweep --older-than 2h --workspace checkout-tests")
@sending
@option("--older-than", required=True, type=AGE, metavar="AGE", help="Such as 90s, 30m, 2h or 1d.")
@option(
    "--workspace", default=DEFAULT_WORKSPACE, show_default=True, help="Whose services: as the tests named it."
)
@option("--dry-run", is_flag=True, help="List them, and delete nothing.")
@option("--auto-approve", is_flag=True, help="Do not ask.")
def sweep(remote: Sending, older_than: float, workspace: str, *, dry_run: bool, auto_approve: bool) -> int:
    """Delete services that earlier test runs left behind, with everything in them.

    Only services whose names end with the mark of this workspace are looked at; the age is by Twilio's clock.
    """
    from reconciler.operations.sweep import delete_services, leftovers  # noqa: PLC0415  # asyncio

    check_workspace(workspace)
    found = _with_client(remote, lambda client: leftovers(client, workspace))
    now = datetime.now(UTC)
    old = [one for one in found if (now - one.made_at).total_seconds() > older_than]
    _show(old, workspace, now=now, younger=len(found) - len(old))
    if dry_run or not old:
        return 0
    confirm("sweep")
    if not auto_approve and not ask("Do you want to delete them, with everything in them?"):
        click.echo("sweep cancelled: only `yes` approves", err=True)
        return 1
    sids = [one.sid for one in old]
    failed = _with_client(
        remote, lambda client: delete_services(client, sids, at_once=remote.parallelism), _REST
    )
    for error in failed.values():
        complain(error)
    say(f"Sweep complete! Services: {len(sids) - len(failed)} destroyed.")
    return 1 if failed else 0


def _show(old: Sequence[Leftover], workspace: str, *, now: datetime, younger: int) -> None:
    for one in old:
        minutes = int((now - one.made_at).total_seconds()) // 60
        say(f"- {escape(one.sid)}  {minutes // 60:>4} h {minutes % 60:>2} min  {quoted(one.friendly_name)}")
    say(f"{len(old)} left behind in workspace `{workspace}`, {younger} too young to tell.")


def _with_client(remote: Sending, work: Callable[[Twilio], Coroutine[Any, Any, T]], advice: str = "") -> T:
    """Connect, and return the result of *work*; *advice* is for whoever interrupts it."""
    from reconciler.operations.connection import connect  # noqa: PLC0415
    from reconciler.runtime.interrupts import Interrupts  # noqa: PLC0415  # asyncio

    address = remote.address()

    async def connected() -> T:
        opened = connect(
            address,
            parallelism=remote.parallelism,
            rate=None,
            max_wait=remote.max_wait,
            guard=in_force().guard,
        )
        async with opened as connection:
            return await work(connection.client)

    return Interrupts(advice).run(connected())
