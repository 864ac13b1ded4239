"""Show and save a plan that was joined from parts."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from reconciler.cli.options.encryption import keys_in_force
from reconciler.cli.plan_files import save_plan

if TYPE_CHECKING:
    from reconciler.cli.screen import Screen
    from reconciler.model import Desired
    from reconciler.plans.planfile import SavedPlan


def show_merged(
    merged: SavedPlan,
    screen: Screen,
    desired: Desired | None,
    out: Path | None,
    *,
    detailed: bool,
    changes_only: bool,
) -> int:
    """Show a plan, save it to *out* if it can be applied, and return the exit code.

    JSON lists what *desired*, if the manifests are known, declares and the plan leaves as it is.
    """
    from reconciler.operations.session import NOTHING  # noqa: PLC0415  # asyncio, and most of the package

    made = merged.plan
    unchanged = NOTHING if merged.destroy else None if changes_only or made.drift is not None else desired
    is_whole = out is None or not made.applyable or save_plan(out, merged, keys_in_force(), is_withheld=True)
    screen.plan(made, desired or NOTHING, unchanged=unchanged)
    if not made.applyable:
        return 1
    if out is not None:
        from reconciler.cli.next_step import how_to_apply  # noqa: PLC0415

        click.echo(how_to_apply(out, is_whole=is_whole), err=True, nl=False)
    return 2 if detailed and made.changes_anything else 0
