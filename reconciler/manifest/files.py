"""Which files are manifests: those named, and every `*.yaml` or `*.yml` below a named folder."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from reconciler.errors import UsageError

_SUFFIXES: Final = (".yaml", ".yml")


def manifest_files(paths: Sequence[Path]) -> list[Path]:
    """Return the manifest files that *paths* name, each once, in the order of *paths*.

    A folder stands for the files below it, sorted, without hidden ones. Paths stay as written:
    relative ones stay relative. Raises UsageError for a path that does not exist or cannot be read,
    and for a folder without manifests.
    """
    files: dict[Path, Path] = {}
    for path in paths:
        try:
            named = list(_below(path, frozenset())) if path.is_dir() else [path]
            for file in named:
                if not file.is_file() and file.exists():  # a pipe is read once, and a faulty manifest twice
                    raise UsageError(
                        f"cannot read `{file}`: it is no regular file",
                        hint="write the manifest to a file, and name that",
                    )
                files.setdefault(file.resolve(strict=True), file)
        except (OSError, RuntimeError) as error:
            reason = error.strerror.lower() if isinstance(error, OSError) and error.strerror else str(error)
            raise UsageError(
                f"cannot read `{path}`: {reason}", hint="name manifest files, or folders that hold some"
            ) from error
        if not named:
            raise UsageError(
                f"no manifests in `{path}`", hint="a manifest is a file whose name ends in `.yaml` or `.yml`"
            )
    return list(files.values())


def _below(folder: Path, above: frozenset[Path]) -> Iterator[Path]:
    """Yield the manifests below *folder*; a link back to a folder *above* is not followed."""
    here = folder.resolve()
    if here in above:
        return
    with os.scandir(folder) as entries:
        names = sorted(entry.name for entry in entries if not entry.name.startswith("."))
    for name in names:
        path = folder / name
        if path.is_dir():
            yield from _below(path, above | {here})
        elif path.suffix in _SUFFIXES:
            yield path
