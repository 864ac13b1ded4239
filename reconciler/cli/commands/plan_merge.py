"""The command `plan merge`: join the parts that several machines planned, and judge the whole."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import click
import msgspec

from reconciler.cli.command import Command
from reconciler.cli.merged import show_merged
from reconciler.cli.options.declare import option
from reconciler.cli.options.encryption import keys_in_force
from reconciler.cli.options.manifests import Manifests, manifests
from reconciler.cli.options.output import Output, changes_only, output
from reconciler.cli.param_types import FILE
from reconciler.cli.plan_files import read_saved
from reconciler.errors import PlanError, UsageError
from reconciler.plans.planfile import SavedPart, SavedPlan


@click.command(
    name="plan merge",
    cls=Command,
    epilog="Example: reconciler plan merge part-1 part-2 manifests --out plan.bin",
)
@manifests
@option("--out", type=FILE, metavar="FILE", help="Save the plan, to be applied as it is.")
@option("--detailed-exitcode", is_flag=True, help="Exit 2 if anything would change.")
@changes_only
@output
def plan_merge(
    manifests: Manifests, output: Output, *, out: Path | None, detailed_exitcode: bool, changes_only: bool
) -> int:
    """Make one plan of its parts, which `plan --shard I/N --out PART` saved; no request is sent.

    PATHS are all parts, and then the manifests: with them, json also has what the plan leaves as it is.
    """
    from reconciler.operations.plan_parts import merge_parts  # noqa: PLC0415  # most of the package

    parts: dict[str, SavedPart] = {}
    for path in manifests.paths:
        saved = read_saved(path, keys_in_force)
        if saved is None:
            break
        if isinstance(saved, SavedPlan):
            raise PlanError(f"`{path}` is a whole plan, not a part of one", hint="name parts alone")
        if str(path) in parts:
            raise PlanError(f"`{path}` is named twice", hint="name each part once")
        parts[str(path)] = saved
    if not parts:
        raise UsageError(
            "the first path is no part of a plan",
            hint="name all parts that `reconciler plan --shard I/N --out PART` saved",
        )
    screen = output.screen()
    rest = msgspec.structs.replace(manifests, paths=manifests.paths[len(parts) :])
    desired = rest.load() if rest.paths else None
    merged = merge_parts(parts)
    if desired is not None and desired.digest != merged.plan.manifest_digest:
        raise PlanError(
            "these are not the manifests that the parts were made from",
            hint="name those, with the same variables",
        )
    with closing(screen):
        return show_merged(
            merged, screen, desired, out, detailed=detailed_exitcode, changes_only=changes_only
        )
