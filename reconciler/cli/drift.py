"""The command that looks for drift. It takes no lock, as it can write nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from reconciler.cli import options as shared
from reconciler.errors import Interrupted

_INTERRUPTED = 128
"""A shell's exit code for a signal is this plus the signal's number."""


@click.command(epilog="Example: reconciler drift --endpoint emulator --detailed-exitcode")
@shared.manifests
@shared.reading
@shared.option("--detailed-exitcode", is_flag=True, help="Exit 2 if anything was changed remotely.")
@shared.output
def drift(paths: tuple[Path, ...], **given: Any) -> int:
    """Compare live messages with what was last applied; nothing can be written.

    Needs no manifests. With them (or a folder `manifests`), it also counts what they still want, and shows
    earlier values.
    """
    from reconciler.operations.drift import look_for_drift  # noqa: PLC0415  # asyncio, and most of the package
    from reconciler.operations.session import NOTHING  # noqa: PLC0415
    from reconciler.runtime.interrupts import Interrupts  # noqa: PLC0415

    screen = shared.screen(given)
    settings = shared.settings(given)
    try:
        with screen.annotating():
            desired = shared.desired_if_any(paths, given)
            found = Interrupts().run(look_for_drift(desired, settings))
    except Interrupted as signal:
        click.echo("interrupted", err=True)
        return _INTERRUPTED + signal.signum
    screen.plan(found, desired or NOTHING)
    return 2 if given["detailed_exitcode"] and found.changes_anything else 0
