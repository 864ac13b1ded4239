"""Saved plans as files, readable for their owner alone: they hold the text of messages."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from reconciler.cli.streams import hint_of, reason_of
from reconciler.errors import PlanError
from reconciler.runtime.atomic_file import PRIVATE, write_whole
from reconciler.runtime.regular_file import open_regular, read_regular

if TYPE_CHECKING:
    from reconciler.plans.planfile import SavedPlan

_OPENING: Final = 64
"""Bytes by which a saved plan is told from a manifest, which may be large."""
_MOST: Final = 2_000_000_000
"""Bytes of a saved plan that are read."""


def save_plan(path: Path, saved: SavedPlan) -> bool:
    """Write a plan with mode 0600 and without its sensitive values.

    Return True if apply needs nothing else, and False if it needs the sensitive values again. Raises
    PlanError if the file cannot be written.
    """
    from reconciler.plans.planfile import encode_plan  # noqa: PLC0415  # only when a plan is saved
    from reconciler.plans.redact import is_whole, withheld  # noqa: PLC0415

    kept = withheld(saved.plan)
    data = encode_plan(msgspec.structs.replace(saved, plan=kept))
    try:
        write_whole(path, data, mode=PRIVATE)
    except OSError as error:
        raise PlanError(f"cannot write the plan `{path}`: {reason_of(error)}", hint=hint_of(error)) from error
    return is_whole(kept)


def read_plan(paths: tuple[Path, ...]) -> SavedPlan | None:
    """Return the saved plan at the first of *paths*, or None if that is no saved plan.

    Raises PlanError if the file cannot be read, or is a damaged plan.
    """
    from reconciler.plans.planfile import decode_plan, is_plan  # noqa: PLC0415  # msgspec

    if not paths or not paths[0].is_file():
        return None
    try:
        with open_regular(paths[0]) as file:
            if not is_plan(file.read(_OPENING)):
                return None
        data = read_regular(paths[0], most=_MOST)
    except OSError as error:
        raise PlanError(f"cannot read `{paths[0]}`: {error.strerror}") from error
    return decode_plan(data)
