"""The command that cleans up after tests that could not: sweep."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Coroutine, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from reconciler.cli import options as shared
from reconciler.cli.streams import ask, complain, say
from reconciler.errors import Interrupted, UsageError
from reconciler.operations.ephemeral import DEFAULT_WORKSPACE, check_workspace
from reconciler.text.inert import escape, quoted

if TYPE_CHECKING:
    from reconciler.operations.sweep import Leftover
    from reconciler.twilio.client import Twilio

T = TypeVar("T")

_INTERRUPTED = 128
"""A shell's exit code for a signal is this plus the signal's number."""
_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


@click.command(epilog="Example: reconciler sweep --older-than 2h --workspace checkout-tests")
@shared.endpoint
@shared.patience
@shared.option("--older-than", required=True, metavar="AGE", help="Such as 90s, 30m, 2h or 1d.")
@shared.option(
    "--workspace", default=DEFAULT_WORKSPACE, show_default=True, help="Whose services: as the tests named it."
)
@shared.option("--dry-run", is_flag=True, help="List them, and delete nothing.")
@shared.option("--auto-approve", is_flag=True, help="Do not ask.")
def sweep(older_than: str, workspace: str, *, dry_run: bool, auto_approve: bool, **given: Any) -> int:
    """Delete services that earlier test runs left behind, with everything in them.

    Only services whose names end with the mark of this workspace are looked at; the age is by Twilio's clock.
    """
    age = _age(older_than)
    check_workspace(workspace)
    try:
        return _sweep(age, workspace, dry_run=dry_run, auto_approve=auto_approve, given=given)
    except Interrupted as signal:
        click.echo("interrupted: sweep again to delete the rest", err=True)
        return _INTERRUPTED + signal.signum


def _sweep(
    age: timedelta, workspace: str, *, dry_run: bool, auto_approve: bool, given: dict[str, Any]
) -> int:
    from reconciler.operations.sweep import delete_services, leftovers  # noqa: PLC0415  # asyncio

    found = _with_client(given, lambda client: leftovers(client, workspace))
    now = datetime.now(UTC)
    old = [one for one in found if now - one.made_at > age]
    _show(old, workspace, now=now, younger=len(found) - len(old))
    if dry_run or not old:
        return 0
    if not auto_approve and not ask("Do you want to delete them, with everything in them?"):
        click.echo("sweep cancelled: only `yes` approves", err=True)
        return 1
    sids = [one.sid for one in old]
    failed = _with_client(given, lambda client: delete_services(client, sids, at_once=given["parallelism"]))
    for error in failed.values():
        complain(error)
    say(f"Sweep complete! Services: {len(sids) - len(failed)} destroyed.")
    return 1 if failed else 0


def _show(old: Sequence[Leftover], workspace: str, *, now: datetime, younger: int) -> None:
    for one in old:
        minutes = int((now - one.made_at).total_seconds()) // 60
        say(f"- {escape(one.sid)}  {minutes // 60:>4} h {minutes % 60:>2} min  {quoted(one.friendly_name)}")
    say(f"{len(old)} left behind in workspace `{workspace}`, {younger} too young to tell.")


def _with_client(given: dict[str, Any], work: Callable[[Twilio], Coroutine[Any, Any, T]]) -> T:
    from reconciler.operations.connection import connect  # noqa: PLC0415
    from reconciler.runtime.interrupts import Interrupts  # noqa: PLC0415  # asyncio
    from reconciler.twilio.endpoint import Endpoint  # noqa: PLC0415

    where = Endpoint.parse(
        given["endpoint"], os.environ, allow_insecure_host=given["allow_insecure_endpoint"]
    )

    async def connected() -> T:
        session = connect(where, parallelism=given["parallelism"], rate=None, max_wait=given["max_wait"])
        async with session as open_session:
            return await work(open_session.client)

    return Interrupts().run(connected())


def _age(text: str) -> timedelta:
    found = re.fullmatch(r"(\d{1,6})([smhd])", text, re.ASCII)
    if found is None:
        raise UsageError(f"`--older-than {text}` is no age", hint="pass one such as 90s, 30m, 2h or 1d")
    return timedelta(**{_UNITS[found[2]]: int(found[1])})
