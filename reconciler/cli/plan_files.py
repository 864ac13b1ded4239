"""Saved plans as files, readable for their owner alone: they hold the text of messages."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from reconciler.cli.streams import hint_of, reason_of
from reconciler.errors import PlanError
from reconciler.runtime.atomic_file import PRIVATE, write_whole
from reconciler.runtime.regular_file import open_regular, read_regular
from reconciler.runtime.text_file import NotText, without_mark

if TYPE_CHECKING:
    from reconciler.plans.part import Part
    from reconciler.plans.plan import Plan
    from reconciler.plans.planfile import Saved, SavedPlan
    from reconciler.state.keys import Keys

_OPENING: Final = 256
"""Bytes by which a saved plan is told from a manifest, which may be large."""
_PLACE: Final = "plan"
"""The place that a sealed plan is sealed as."""
_MOST: Final = 2_000_000_000
"""Bytes of a saved plan that are read."""


def save_plan(path: Path, saved: Saved, keys: Keys, *, is_withheld: bool = False) -> bool:
    """Write a plan or part with mode 0600 and without its sensitive values, sealed if there are *keys*.

    With *is_withheld* it has none, as it was joined from files. Return True if apply needs nothing else, and
    False if it needs the sensitive values again. Raises PlanError if the file cannot be written.
    """
    data, is_whole = encoded(saved, keys, is_withheld=is_withheld)
    try:
        write_whole(path, data, mode=PRIVATE)
    except OSError as error:
        raise PlanError(f"cannot write the plan `{path}`: {reason_of(error)}", hint=hint_of(error)) from error
    return is_whole


def encoded(saved: Saved, keys: Keys, *, is_withheld: bool = False) -> tuple[bytes, bool]:
    """Return the file of a plan or part, and whether apply needs nothing else, as `save_plan` writes it."""
    from reconciler.plans.planfile import SavedPart, encode_plan  # noqa: PLC0415  # only when a plan is saved
    from reconciler.plans.redact import is_whole, part_withheld, withheld  # noqa: PLC0415

    kept: Plan | Part
    if isinstance(saved, SavedPart):
        kept = part_withheld(saved.part, keys.of_digests)
        data = encode_plan(msgspec.structs.replace(saved, part=kept))
    else:
        kept = saved.plan if is_withheld else withheld(saved.plan, keys.of_digests)
        data = encode_plan(msgspec.structs.replace(saved, plan=kept))
    if keys:
        from reconciler.state.sealed import seal  # noqa: PLC0415

        data = seal(data, keys, _PLACE, lineage=kept.lineage, serial=kept.serial)
    return data, is_whole(kept)


def read_plan(paths: tuple[Path, ...], keys: Callable[[], Keys]) -> SavedPlan | None:
    """Return the saved plan at the first of *paths*, or None if that is no saved plan.

    *keys* are asked for if it is one. Raises PlanError as `read_saved` does, and for a part of a plan.
    """
    from reconciler.plans.planfile import require_plan  # noqa: PLC0415  # msgspec

    saved = read_saved(paths[0], keys) if paths else None
    return None if saved is None else require_plan(saved)


def read_saved(path: Path, keys: Callable[[], Keys]) -> Saved | None:
    """Return the saved plan or part at *path*, or None if that is neither.

    *keys* are asked for if it is one. Raises PlanError if the file cannot be read, is a damaged plan, or is
    sealed and cannot be opened, and UsageError for keys that cannot be used.
    """
    from reconciler.plans.planfile import is_plan  # noqa: PLC0415  # msgspec
    from reconciler.state.sealed import is_sealed_plan  # noqa: PLC0415

    if not path.is_file():
        return None
    try:
        with open_regular(path) as file:
            beginning = _unmarked(file.read(_OPENING))
        if not (is_plan(beginning) or is_sealed_plan(beginning)):
            return None
        data = read_regular(path, most=_MOST)
    except OSError as error:
        raise PlanError(f"cannot read `{path}`: {error.strerror}") from error
    return saved_in(data, str(path), keys())


def plan_in(data: bytes, where: str, keys: Keys) -> SavedPlan:
    """Return the saved plan in *data*, the content of the file *where*; raises PlanError, also for a part."""
    from reconciler.plans.planfile import require_plan  # noqa: PLC0415  # msgspec

    return require_plan(saved_in(data, where, keys))


def saved_in(data: bytes, where: str, keys: Keys) -> Saved:
    """Return the saved plan or part in *data*, the content of the file *where*; raises PlanError."""
    from reconciler.plans.planfile import AGAIN, SavedPart, decode_saved  # noqa: PLC0415  # msgspec
    from reconciler.state.sealed import Refusal, is_sealed, require_sealed, unseal  # noqa: PLC0415

    of_a_plan = Refusal(PlanError, damaged=AGAIN, lost=AGAIN)
    if not is_sealed(data):
        saved = decode_saved(_unmarked(data))
        require_sealed(keys, where, of_a_plan)
        return saved
    header, clear = unseal(data, keys, where, place=_PLACE, refuse=of_a_plan)
    saved = decode_saved(clear)
    kept = saved.part if isinstance(saved, SavedPart) else saved.plan
    if (header.lineage, header.serial) != (kept.lineage, kept.serial):
        raise PlanError(f"`{where}` is not what its header says", hint=AGAIN)
    return saved


def _unmarked(data: bytes) -> bytes:
    """Return a clear plan as it was written, where a shell has put it into another encoding, else *data*."""
    try:
        plain = without_mark(data)
    except NotText:
        return data
    return data if plain is data else plain.rstrip() + b"\n"
