"""Tell the files that this tool writes itself from manifests: they are JSON, as a manifest may be."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Final

from reconciler.errors import UsageError
from reconciler.runtime.regular_file import open_regular
from reconciler.runtime.text_file import NotText, without_mark

_BEGINNING: Final = 200
"""Bytes that tell what a file is."""


def refuse_own(path: Path, data: bytes) -> None:
    """Raise UsageError if *data*, the beginning of *path*, is that of a saved plan or a state."""
    with suppress(NotText):  # a shell may have put it into another encoding
        data = without_mark(data[:_BEGINNING])
    if not data.startswith(b"{"):
        return
    from reconciler.plans.planfile import is_plan  # noqa: PLC0415 - few manifests are JSON
    from reconciler.state.document import is_state  # noqa: PLC0415
    from reconciler.state.sealed import is_sealed, is_sealed_plan  # noqa: PLC0415

    if is_plan(data) or is_sealed_plan(data):
        raise UsageError(
            f"`{path}` is a saved plan, not a manifest",
            hint=f"`reconciler show {path}` shows it, and `reconciler apply {path}` carries it out",
        )
    if is_state(data) or is_sealed(data):
        raise UsageError(
            f"`{path}` is a state, not a manifest",
            hint=f"`reconciler show --state {path}` shows it; "
            f"name manifests to plan beside it: `reconciler plan --state {path} MANIFESTS`",
        )


def refuse_own_file(path: Path) -> None:
    """Raise UsageError if the file *path* is a saved plan or a state; raises OSError too."""
    with open_regular(path) as file:
        refuse_own(path, file.read(_BEGINNING))
