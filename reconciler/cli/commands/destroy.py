"""The command `destroy`: delete everything that is managed."""

from __future__ import annotations

import click

from reconciler.cli.carry_out import plan_and_change
from reconciler.cli.command import Command
from reconciler.cli.options.connection import Locking, changing
from reconciler.cli.options.declare import option
from reconciler.cli.options.manifests import Manifests, manifests
from reconciler.cli.options.output import Output, output
from reconciler.cli.options.planning import Approval, Planning, Targeting, approval, targeting


@click.command(cls=Command, epilog="Example: reconciler destroy examples/quickstart --endpoint emulator")
@manifests
@changing
@targeting
@approval
@option("--max-delete", metavar="N|N%", help="How many messages may be deleted.")
@output
def destroy(
    manifests: Manifests,
    remote: Locking,
    targeting: Targeting,
    approval: Approval,
    output: Output,
    *,
    max_delete: str | None,
) -> int:
    """Delete every managed message, and the parents that this tool created."""
    planning = Planning(targets=targeting.targets, excludes=targeting.excludes, max_delete=max_delete)
    options = planning.options(destroy=True)
    return plan_and_change("destroy", manifests, remote, options, approval, output)
