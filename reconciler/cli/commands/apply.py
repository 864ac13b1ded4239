"""The command `apply`: carry out what the manifests ask for, or a saved plan."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from reconciler.cli.carry_out import change_as_saved, plan_and_change
from reconciler.cli.command import BareOptions
from reconciler.cli.options.connection import Locking, changing
from reconciler.cli.options.encryption import keys_in_force
from reconciler.cli.options.manifests import Manifests, manifests
from reconciler.cli.options.output import Output, output
from reconciler.cli.options.planning import Approval, Planning, approval, planning
from reconciler.cli.options.sharding import dask_option, shard_option
from reconciler.cli.plan_files import read_plan

if TYPE_CHECKING:
    from reconciler.model.shard import Shard


@click.command(
    cls=BareOptions,
    epilog="Example: reconciler apply examples/quickstart --endpoint emulator --auto-approve",
)
@manifests
@changing
@planning
@approval
@shard_option
@dask_option
@output
def apply(
    manifests: Manifests,
    remote: Locking,
    planning: Planning,
    approval: Approval,
    output: Output,
    *,
    shard: Shard | None,
    dask: str | None,
) -> int:
    """Make the messages what the manifests say, exactly once and in order.

    PATHS are manifests, or one saved plan, which is applied as it is, without asking.
    """
    saved = read_plan(manifests.paths, keys_in_force)
    if dask is not None:
        from reconciler.cli.cluster.command import apply_in_parts  # noqa: PLC0415

        return apply_in_parts(dask, saved, manifests, remote, planning.options(), approval, output)
    if saved is not None:
        return change_as_saved(saved, manifests, remote, approval, output, shard)
    return plan_and_change("apply", manifests, remote, planning.options(), approval, output, shard)
