"""Find the manifest files: those named, and every `*.yaml` or `*.yml` below a named folder."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Sequence
from operator import attrgetter
from pathlib import Path
from typing import Final

from reconciler.errors import UsageError

SETTINGS_NAME: Final = "reconciler.yaml"
"""The name of settings files; no file of this name is read as a manifest."""
_SUFFIXES: Final = (".yaml", ".yml")
_OF_A_MANIFEST: Final = frozenset({"version", "services"})


def manifest_files(paths: Sequence[Path], settings_file: Path | None = None) -> list[Path]:
    """Return the manifest files that *paths* name, each once, in the order of *paths*.

    A named path may be a link. A folder gives the files below it, sorted, without hidden ones and settings
    files; *settings_file* is one by another name. Paths are returned as written: relative ones stay relative.

    Raises UsageError for a path that does not exist or cannot be read, for a folder without manifests, for a
    link below a folder that leads out of it, and for a manifest with the name of a settings file. It raises
    it without any path too: where nothing is declared, everything is deleted.
    """
    if not paths:
        raise UsageError("no manifest is named", hint="name manifest files, or folders that hold some")
    files: dict[Path, Path] = {}
    settings = None if settings_file is None else _real(settings_file)
    for path in paths:
        try:
            if path.is_dir():
                found = _Folder(path).files()
                named = {real: file for real, file in found.items() if not _is_settings(real, file, settings)}
            else:
                named = {path.resolve(strict=True): path}
                if settings in named or path.name == SETTINGS_NAME:
                    raise _taken(path)
            for real, file in named.items():
                if not real.is_file():  # a pipe can be read only once, and faulty manifests are read twice
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
    """Return whether *paths* (files or folders) name *file*, which need not exist."""
    real = _real(file)
    for path in paths:
        named = _real(path)
        if real == named:
            return True
        if real.suffix in _SUFFIXES and real.is_relative_to(named):
            return not any(part.startswith(".") for part in real.relative_to(named).parts)
    return False


class _Folder:
    """The search of one named folder, which visits each real folder and file once."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._real = path.resolve()
        self._seen: set[Path] = set()
        self._links: list[Path] = []

    def files(self) -> dict[Path, Path]:
        """Return the manifests by their real paths, sorted; a link names only a file without another name.

        Raises UsageError for a link out of the folder, and reads nothing there.
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
        """Yield real path and path of each manifest below *folder*, and note the links.

        *real* is the real path of *folder*.
        """
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
        """Note a link to the inside of the folder; refuse a link out of it that may lead to manifests."""
        real = _real(link)
        if real.is_relative_to(self._real):
            self._links.append(link)
        elif link.suffix in _SUFFIXES or real.is_dir():
            raise UsageError(
                f"cannot read `{link}`: it is a link out of the folder `{self._path}`",
                hint="move what it leads to into that folder, and remove the link",
            )


def _is_settings(real: Path, file: Path, settings: Path | None) -> bool:
    """Return whether *file*, found in a folder, is a settings file.

    Raises UsageError for a manifest with the name of one.
    """
    if real == settings:
        return True
    if file.name != SETTINGS_NAME:
        return False
    from reconciler.manifest.yaml.reader import Irregular, read  # noqa: PLC0415 - ruamel.yaml, and seldom needed
    from reconciler.runtime.regular_file import read_regular  # noqa: PLC0415

    try:
        value = read(read_regular(file)).value
    except Irregular:
        value = _OF_A_MANIFEST
    if isinstance(value, Collection) and not _OF_A_MANIFEST.isdisjoint(value):
        raise _taken(file)
    return True


def _taken(file: Path) -> UsageError:
    return UsageError(
        f"`{file}` has the name of a settings file, so it is not read as a manifest",
        hint="give it another name, such as `manifests/support.yaml`",
    )


def _real(path: Path) -> Path:
    """Return *path* with all links followed; unlike Path.resolve, a loop of links raises nothing."""
    return Path(os.path.realpath(path))
