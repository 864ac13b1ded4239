"""Where something of a manifest is, for an error that comes up after the files were read."""

from __future__ import annotations

from pathlib import Path

from reconciler.manifest.diagnostics.findings import Loc
from reconciler.manifest.yaml.positions import read_closely
from reconciler.runtime.text_file import NotText, decoded


def where(path: str, loc: Loc, line: int) -> str:
    """Return `path:line:column` of the key at *loc*, which was read at *line*.

    A file that cannot be read any more has no column.
    """
    try:
        text = decoded(Path(path).read_bytes())
    except (OSError, NotText):
        return f"{path}:{line}"
    place = read_closely(text).of(loc, on_key=True)
    return f"{path}:{place.line}:{place.column}"
