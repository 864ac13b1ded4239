"""The command `plan`: show what would change."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import click

from reconciler.cli.carry_out import load_manifests
from reconciler.cli.command import BareOptions
from reconciler.cli.options.connection import Locking, changing
from reconciler.cli.options.declare import option
from reconciler.cli.options.encryption import keys_in_force
from reconciler.cli.options.manifests import Manifests, manifests
from reconciler.cli.options.output import Output, changes_only, output
from reconciler.cli.options.planning import Planning, planning
from reconciler.cli.options.sharding import Sharded, dask_option, shard_option
from reconciler.cli.param_types import FILE
from reconciler.cli.plan_files import save_plan

if TYPE_CHECKING:
    from reconciler.cli.screen import Screen
    from reconciler.model import Desired
    from reconciler.model.shard import Shard
    from reconciler.plans.planfile import SavedPart


@click.command(cls=BareOptions, epilog="Example: reconciler plan examples/quickstart --endpoint emulator")
@manifests
@changing
@planning
@option("--destroy", is_flag=True, help="Plan what `destroy` would do.")
@option(
    "--out",
    type=FILE,
    metavar="FILE",
    help="Save the plan, to be applied as it is.",
)
@option("--detailed-exitcode", is_flag=True, help="Exit 2 if anything would change.")
@shard_option
@dask_option
@changes_only
@output
def plan(
    manifests: Manifests,
    remote: Locking,
    planning: Planning,
    output: Output,
    *,
    destroy: bool,
    out: Path | None,
    detailed_exitcode: bool,
    changes_only: bool,
    shard: Shard | None,
    dask: str | None,
) -> int:
    """Show what would change, and why; nothing is written.

    `reconciler plan merge PART…` joins what several machines planned with --shard and --out.
    """
    from reconciler.operations.plan import make_plan  # noqa: PLC0415  # asyncio, and most of the package
    from reconciler.operations.session import NOTHING  # noqa: PLC0415
    from reconciler.runtime.interrupts import Interrupts  # noqa: PLC0415

    screen = output.screen()
    options = planning.options(destroy=destroy, record=out is not None)
    if dask is not None:
        from reconciler.cli.cluster.command import plan_in_parts  # noqa: PLC0415

        with closing(screen):
            return plan_in_parts(
                dask, manifests, remote, screen, out, detailed=detailed_exitcode, destroy=destroy
            )
    optional = destroy or options.refresh_only
    desired = load_manifests(manifests, screen, optional=optional, shard=shard)
    settings = remote.settings(
        activity=screen.activity(), see=screen.sight(), part=Sharded.of(shard, desired)
    )
    interrupts = Interrupts()
    lock = remote.lock("plan", settings, reading=True, groups=settings.groups)
    with closing(screen), screen.annotating(), interrupts.at_once(), lock as held:
        if shard is not None:
            from reconciler.operations.plan_parts import make_part  # noqa: PLC0415

            part = interrupts.run(make_part(desired, held, options, shard))
        else:
            saved = interrupts.run(make_plan(desired, held, options))
    if shard is not None:
        return _show_part(part, screen, desired, out, detailed=detailed_exitcode)
    made = saved.plan
    unchanged = NOTHING if destroy else None if changes_only or options.refresh_only else desired
    # First, as programs that were shown a plan do not look for an error.
    is_whole = out is None or not made.applyable or save_plan(out, saved, keys_in_force())
    screen.plan(made, desired, unchanged=unchanged)
    if not made.applyable:
        return 1
    if out is not None:
        from reconciler.cli.next_step import how_to_apply  # noqa: PLC0415

        click.echo(how_to_apply(out, is_whole=is_whole), err=True, nl=False)
    if options.refresh_only:
        click.echo("To apply this changes the state alone, and nothing remote.", err=True)
    return 2 if detailed_exitcode and made.changes_anything else 0


def _show_part(part: SavedPart, screen: Screen, desired: Desired, out: Path | None, *, detailed: bool) -> int:
    """Show and save one part of a plan; return the exit code.

    What speaks against it is judged with the whole. Without a file for that, it is refused here.
    """
    from reconciler.operations.plan_parts import plan_of_part  # noqa: PLC0415

    made = plan_of_part(part)
    if out is not None:
        save_plan(out, part, keys_in_force())
    screen.plan(made, desired)
    saved = "Saved it" if out is not None else "`--out PART` saves it"
    click.echo(
        f"This is part {part.shard} of a plan, and nothing has judged the whole. {saved}; to judge it: "
        "reconciler plan merge PART… --out PLAN",
        err=True,
    )
    if out is None and made.refusals:
        return 1
    return 2 if detailed and made.changes_anything else 0
