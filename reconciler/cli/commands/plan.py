"""The command `plan`: show what would change."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import click

from reconciler.cli.carry_out import load_manifests
from reconciler.cli.command import BareOptions
from reconciler.cli.options.connection import Locking, changing
from reconciler.cli.options.declare import option
from reconciler.cli.options.encryption import keys_in_force
from reconciler.cli.options.manifests import Manifests, files_written, manifests
from reconciler.cli.options.output import Output, changes_only, output
from reconciler.cli.options.planning import Planning, planning
from reconciler.cli.param_types import FILE
from reconciler.cli.plan_files import save_plan


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
) -> int:
    """Show what would change, and why; nothing is written."""
    from reconciler.operations.plan import make_plan  # noqa: PLC0415  # asyncio, and most of the package
    from reconciler.operations.session import NOTHING  # noqa: PLC0415
    from reconciler.runtime.interrupts import Interrupts  # noqa: PLC0415

    screen = output.screen()
    options = planning.options(destroy=destroy, record=out is not None)
    written = files_written(out=out, state=remote.state, formats=output.formats)
    desired = load_manifests(manifests, written, screen, optional=destroy or options.refresh_only)
    settings = remote.settings(activity=screen.activity(), see=screen.sight())
    interrupts = Interrupts()
    lock = remote.lock("plan", settings, reading=True)
    with closing(screen), screen.annotating(), interrupts.at_once(), lock as held:
        saved = interrupts.run(make_plan(desired, held, options))
    made = saved.plan
    unchanged = NOTHING if destroy else None if changes_only or options.refresh_only else desired
    screen.plan(made, desired, unchanged=unchanged)
    if not made.applyable:
        return 1
    if out is not None:
        is_whole = save_plan(out, saved, keys_in_force())
        needed = str(out) if is_whole else f"{out} MANIFESTS… (for the sensitive values)"
        click.echo(f"Saved the plan; to apply exactly this: reconciler apply {needed}", err=True)
    if options.refresh_only:
        click.echo("To apply this changes the state alone, and nothing remote.", err=True)
    return 2 if detailed_exitcode and made.changes_anything else 0
