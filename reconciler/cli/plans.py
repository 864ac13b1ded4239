"""Saved plans as files: written for their owner alone, as they hold the text of messages."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from reconciler.errors import PlanError

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

    draft = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    kept = withheld(saved.plan, desired)
    data = encode_plan(msgspec.structs.replace(saved, plan=kept))
    try:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
        draft.replace(path)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise PlanError(f"cannot write the plan `{path}`: {error.strerror}") from error
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
        data = paths[0].read_bytes()
    except OSError as error:
        raise PlanError(f"cannot read `{paths[0]}`: {error.strerror}") from error
    return decode_plan(data) if is_plan(data) else None
