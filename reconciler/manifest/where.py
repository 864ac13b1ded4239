"""Positions for errors that are found after the manifests were loaded."""

from __future__ import annotations

from pathlib import Path

from reconciler.manifest.diagnostics.findings import Loc
from reconciler.manifest.yaml.positions import read_closely
from reconciler.runtime.text_file import NotText, decoded


def where(path: str, loc: Loc, line: int) -> str:
    """Return `path:line:column` of the key at *loc*; `path:line` where the file is no longer readable."""
    try:
        text = decoded(Path(path).read_bytes())
    except (OSError, NotText):
        return f"{path}:{line}"
    position = read_closely(text).of(loc, on_key=True)
    return f"{path}:{position.line}:{position.column}"
