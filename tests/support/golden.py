"""Golden texts: all that users read, kept in files and compared byte for byte.

`RECONCILER_UPDATE_GOLDEN=1 python -m pytest TESTS` writes the files that these tests compare with.
Read the difference before it is committed.
"""

from __future__ import annotations

import os
from pathlib import Path

from tests.support.project import ROOT, Ran

_PRINTED = ROOT / "tests" / "golden" / "cli"


def expect_golden(ran: Ran, name: str) -> None:
    """Compare all that a command printed with the golden text of that *name*."""
    expect_text(ran.normalized, _PRINTED / f"{name}.txt")


def expect_text(text: str, path: Path) -> None:
    """Compare *text* with the golden text at *path*, or write it there if the environment asks for that."""
    if os.environ.get("RECONCILER_UPDATE_GOLDEN"):
        path.write_text(text, encoding="utf-8", newline="")
    assert path.exists(), f"{path} is missing: RECONCILER_UPDATE_GOLDEN=1 writes it"
    assert text == path.read_bytes().decode("utf-8")
