"""Where something of a manifest is, for an error that comes up after the files were read."""

from __future__ import annotations

from pathlib import Path

from reconciler.manifest.findings import Loc
from reconciler.manifest.places import read_closely


def where(path: str, loc: Loc, line: int) -> str:
    """Return `path:line:column` of the key at *loc*, which was read at *line*.

    A file that cannot be read any more has no column.
    """
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError):
        return f"{path}:{line}"
    place = read_closely(text).of(loc, on_key=True)
    return f"{path}:{place.line}:{place.column}"
