"""Saved plans as files: written for their owner alone, as they hold the text of messages."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from reconciler.cli.streams import hint_of, reason_of
from reconciler.errors import PlanError
from reconciler.runtime.atomic_file import PRIVATE, write_whole
from reconciler.runtime.regular_file import read_regular

if TYPE_CHECKING:
    from reconciler.model import Desired
    from reconciler.planner.actions import Plan
    from reconciler.planner.document import SavedPlan


def save_plan(path: Path, saved: SavedPlan, desired: Desired) -> bool:
    """Write a plan with mode 0600 and without the sensitive values that *desired* has.

    Return whether nothing that apply needs was left out. Raises PlanError if it cannot be written.
    """
    from reconciler.planner.document import encode_plan  # noqa: PLC0415  # only when a plan is saved
    from reconciler.planner.sensitive import withheld  # noqa: PLC0415

    kept = withheld(saved.plan, desired)
    data = encode_plan(msgspec.structs.replace(saved, plan=kept))
    try:
        write_whole(path, data, mode=PRIVATE)
    except OSError as error:
        raise PlanError(f"cannot write the plan `{path}`: {reason_of(error)}", hint=hint_of(error)) from error
    return _is_whole(kept)


def _is_whole(plan: Plan) -> bool:
    """Return whether a plan can be applied as it is: the very thing that apply does is tried."""
    from reconciler.planner.sensitive import restored  # noqa: PLC0415

    try:
        restored(plan, None)
    except PlanError:
        return False
    return True


def read_plan(paths: tuple[Path, ...]) -> SavedPlan | None:
    """Return the saved plan that the first of *paths* is, or None if it is none."""
    from reconciler.planner.document import decode_plan, is_plan  # noqa: PLC0415  # msgspec

    if not paths or not paths[0].is_file():
        return None
    try:
        data = read_regular(paths[0])
    except OSError as error:
        raise PlanError(f"cannot read `{paths[0]}`: {error.strerror}") from error
    return decode_plan(data) if is_plan(data) else None
