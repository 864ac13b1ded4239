"""Which files are manifests: those named, and every `*.yaml` or `*.yml` below a named folder."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from operator import attrgetter
from pathlib import Path
from typing import Final

from reconciler.errors import UsageError

_SUFFIXES: Final = (".yaml", ".yml")


def manifest_files(paths: Sequence[Path]) -> list[Path]:
    """Return the manifest files that *paths* name, each once, in the order of *paths*.

    A path that is named may be a link. A folder stands for the files below it, sorted, without hidden ones;
    what lies below it and is a link out of it is refused. Paths stay as written: relative ones stay relative.
    Raises UsageError for that, for a path that does not exist or cannot be read, and for a folder without
    manifests.
    """
    files: dict[Path, Path] = {}
    for path in paths:
        try:
            named = _Folder(path).files() if path.is_dir() else {path.resolve(strict=True): path}
            for real, file in named.items():
                if not real.is_file():  # a pipe is read once, and a faulty manifest twice
                    raise UsageError(
                        f"cannot read `{file}`: it is no regular file",
                        hint="write the manifest to a file, and name that",
                    )
                files.setdefault(real, file)
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


def is_manifest(file: Path, paths: Sequence[Path]) -> bool:
    """Return whether *file*, which need not exist, is one that *paths* name."""
    real = _real(file)
    for path in paths:
        named = _real(path)
        if real == named:
            return True
        if real.suffix in _SUFFIXES and real.is_relative_to(named):
            return not any(part.startswith(".") for part in real.relative_to(named).parts)
    return False


class _Folder:
    """A folder that is named: what lies below it, each real folder and file once."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._real = path.resolve()
        self._seen: set[Path] = set()
        self._links: list[Path] = []

    def files(self) -> dict[Path, Path]:
        """Return the manifests by their real paths, sorted; a link is a name only for what has no other.

        Raises UsageError for a link out of the folder, without having looked at what is there.
        """
        found = dict(self._below(self._path, self._real))
        while self._links:
            link = self._links.pop(0)
            if link.is_dir():
                below = self._below(link, link.resolve())
                found |= {file: name for file, name in below if file not in found}
            elif link.suffix in _SUFFIXES:
                found.setdefault(link.resolve(strict=True), link)
        return dict(sorted(found.items(), key=lambda one: one[1].parts))

    def _below(self, folder: Path, real: Path) -> Iterator[tuple[Path, Path]]:
        """Yield what is below *folder*, which is called *real*, without the links: they are noted."""
        if real in self._seen:
            return
        self._seen.add(real)
        with os.scandir(folder) as entries:
            visible = sorted((one for one in entries if not one.name.startswith(".")), key=attrgetter("name"))
        for entry in visible:
            path = folder / entry.name
            if entry.is_symlink():
                self._note(path)
            elif entry.is_dir():
                yield from self._below(path, real / entry.name)
            elif path.suffix in _SUFFIXES:
                yield real / entry.name, path

    def _note(self, link: Path) -> None:
        """Remember a link that stays inside the folder; another is refused if it could hold manifests."""
        real = _real(link)
        if real.is_relative_to(self._real):
            self._links.append(link)
        elif link.suffix in _SUFFIXES or real.is_dir():
            raise UsageError(
                f"cannot read `{link}`: it is a link out of the folder `{self._path}`",
                hint="move what it leads to into that folder, and remove the link",
            )


def _real(path: Path) -> Path:
    """Return what *path* leads to; unlike Path.resolve this raises nothing for a loop of links."""
    return Path(os.path.realpath(path))
