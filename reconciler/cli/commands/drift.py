"""The command `drift`: show what was changed remotely. It takes no lock, as it can write nothing."""

from __future__ import annotations

from contextlib import closing

import click

from reconciler.cli.command import Command
from reconciler.cli.options.connection import Reading, reading
from reconciler.cli.options.declare import option
from reconciler.cli.options.manifests import Manifests, manifests
from reconciler.cli.options.output import Output, output


@click.command(cls=Command, epilog="Example: reconciler drift --endpoint emulator --detailed-exitcode")
@manifests
@reading
@option("--detailed-exitcode", is_flag=True, help="Exit 2 if anything was changed remotely.")
@output
def drift(manifests: Manifests, remote: Reading, output: Output, *, detailed_exitcode: bool) -> int:
    """Compare live messages with what was last applied; nothing can be written.

    Needs no manifests. With them (or a folder `manifests`), it also counts what they still want, and shows
    earlier values.
    """
    from reconciler.operations.drift import look_for_drift  # noqa: PLC0415  # asyncio, and most of the package
    from reconciler.operations.session import NOTHING  # noqa: PLC0415
    from reconciler.runtime.interrupts import Interrupts  # noqa: PLC0415

    screen = output.screen()
    settings = remote.settings(activity=screen.activity(), see=screen.sight())
    with closing(screen), screen.annotating():
        desired = manifests.load_if_any()
        found = Interrupts().run(look_for_drift(desired, settings))
    screen.plan(found, desired or NOTHING)
    return 2 if detailed_exitcode and found.changes_anything else 0
