"""The commands `plan` and `apply` with `--dask`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from reconciler.cli.carry_out import Approve, conclude
from reconciler.cli.cluster.address import check
from reconciler.cli.cluster.follow import connected
from reconciler.cli.cluster.work import apply_on, plan_on
from reconciler.cli.merged import show_merged
from reconciler.cli.options.state import opened
from reconciler.cli.settings.protection import confirm_saved, require_person
from reconciler.errors import UsageError
from reconciler.operations.session import NOTHING
from reconciler.runtime.interrupts import Interrupts

if TYPE_CHECKING:
    from reconciler.cli.options.connection import Locking
    from reconciler.cli.options.manifests import Manifests
    from reconciler.cli.options.output import Output
    from reconciler.cli.options.planning import Approval
    from reconciler.cli.screen import Screen
    from reconciler.plans.options import Options
    from reconciler.plans.planfile import SavedPlan


def plan_in_parts(
    address: str,
    manifests: Manifests,
    remote: Locking,
    screen: Screen,
    out: Path | None,
    *,
    detailed: bool,
    destroy: bool,
) -> int:
    """Plan on the cluster at *address*, show the plan, save it to *out*, and return the exit code."""
    context = _allowed(address, remote)
    interrupts = Interrupts()
    with connected(address, interrupts) as cluster:
        merged = plan_on(cluster, context, manifests.paths, destroy=destroy)
    return show_merged(merged, screen, None, out, detailed=detailed, changes_only=True)


def apply_in_parts(
    address: str,
    saved: SavedPlan | None,
    manifests: Manifests,
    remote: Locking,
    options: Options,
    approval: Approval,
    output: Output,
) -> int:
    """Carry out *saved*, or a plan that is made and approved first, on the cluster at *address*.

    Return the exit code.
    """
    context = _allowed(address, remote)
    screen = output.screen()
    interrupts = Interrupts()
    paths = manifests.paths if saved is None else manifests.paths[1:]
    try:
        with connected(address, interrupts) as cluster:
            if saved is not None:
                confirm_saved("destroy" if saved.destroy else "apply")
            else:
                require_person("apply")
                if not screen.asks and not approval.auto_approve:
                    raise UsageError(
                        "this `--format` leaves no screen to ask for approval", hint="pass `--auto-approve`"
                    )
                saved = plan_on(cluster, context, paths, destroy=options.destroy)
                approve = Approve("apply", screen, NOTHING, auto=approval.auto_approve)
                if approve(saved.plan) is None:
                    return 1
            outcome = apply_on(cluster, context, saved, paths)
    finally:
        screen.close()
    return conclude(outcome, screen, NOTHING, interrupts, "apply")


def _allowed(address: str, remote: Locking) -> click.Context:
    """Return the context of the command; raises UsageError for a cluster or a state that cannot be used."""
    context = click.get_current_context()
    if context.params.get("shard") is not None:
        raise UsageError("`--dask` and `--shard` exclude each other", hint="pass one of them")
    check(address, remote.allow_insecure_endpoint)
    opened(remote.state, frozenset())
    return context
