"""What files said when they were last parsed, so that those that have not changed since are not parsed again.

It is kept in the user's own cache folder, never in the folder that is worked in: a repository could bring
along entries there. An entry counts only for the very same bytes under the same name, read by the same code,
and only with a digest whose key lies in that folder too; anything else is as if it were not there, so the
folder can be deleted at any time. It has one entry per manifest.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import Final, Self

import msgspec

from reconciler._version import __version__
from reconciler.manifest.content import FileContent, share_texts
from reconciler.runtime.atomic_file import PRIVATE, write_whole
from reconciler.runtime.regular_file import read_regular

_DIGEST: Final = hashlib.sha256().digest_size
_KEY: Final = 32
"""Bytes of the key that all digests in one folder are made with."""
_LARGEST: Final = 256 * 1024 * 1024
"""Bytes of the largest entry: what is larger is parsed each time."""
_MOST: Final = 32
"""How many folders are remembered in which manifests were read; the one written longest ago goes first."""


class ParsedFiles:
    """The entries for manifests that are read from the working folder *here*, kept in *folder*.

    That is made when the first one is kept, and not used if others than its owner may write there.
    """

    def __init__(self, folder: Path, here: Path | None = None) -> None:
        self._folder = folder
        self._entries = folder / _name(os.fsencode(here or Path.cwd()))

    @classmethod
    def of_user(cls) -> Self | None:
        """Return those of this user; None where the cache folder is unknown or part of the checkout."""
        from platformdirs import user_cache_dir  # noqa: PLC0415 - only commands that read manifests need it

        try:
            here = Path.cwd()
        except OSError:  # it was removed
            return None
        folder = Path(user_cache_dir("reconciler", appauthor=False))
        if not folder.is_absolute() or folder.resolve().is_relative_to(_checkout(here.resolve())):
            return None
        return cls(folder, here)

    def key(self, data: bytes, path: str) -> bytes:
        """Return what stands for the manifest *data*, called *path*, read by this code."""
        return _digest(self._reader, data, os.fsencode(path))

    def get(self, key: bytes, path: str) -> FileContent | None:
        """Return what the manifest of this *key*, called *path*, says; None if that is not known."""
        if self._secret is None:
            return None
        try:
            entry = read_regular(self._place(path), follow=False, most=_LARGEST)
            said = memoryview(entry)[_DIGEST:]
            if entry[:_DIGEST] != _sealed(self._secret, key, said):
                return None
            content = msgspec.msgpack.decode(said, type=FileContent)
        except (OSError, msgspec.DecodeError):
            return None
        share_texts(content)
        return content

    def keep(self, key: bytes, content: FileContent) -> None:
        """Note what the manifest of this *key* says; that it cannot be kept changes nothing."""
        with suppress(OSError, UnicodeEncodeError):  # the name of a folder may be no text at all
            said = msgspec.msgpack.encode(content)
            if len(said) + _DIGEST > _LARGEST:
                return
            secret = self._secret or self._new_secret()
            if not self._entries.is_dir():
                self._forget_others()
                self._entries.mkdir(mode=0o700, exist_ok=True)
            # Not synced: a torn entry has another digest, and is as if it were not there.
            entry = _sealed(secret, key, said) + said
            write_whole(self._place(content.path), entry, mode=PRIVATE, durable=False)

    def _place(self, path: str) -> Path:
        return self._entries / _name(os.fsencode(path))

    @cached_property
    def _secret(self) -> bytes | None:
        """The key of all digests; None if there is none that only this user can know."""
        with suppress(OSError):
            if _is_private(self._folder.lstat()) and _is_private((self._folder / "key").lstat()):
                secret = read_regular(self._folder / "key", follow=False, most=_KEY)
                return secret if len(secret) == _KEY else None
        return None

    def _new_secret(self) -> bytes:
        """Make folder and key; raises OSError where others may write to the folder that is there."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not _is_private(self._folder.lstat()):
            raise PermissionError
        secret = os.urandom(_KEY)
        write_whole(self._folder / "key", secret, mode=PRIVATE)
        self._secret = secret
        return secret

    def _forget_others(self) -> None:
        """Make room for one more folder with entries."""
        from shutil import rmtree  # noqa: PLC0415 - seldom needed

        others = sorted(self._others(), key=lambda one: one.stat().st_mtime, reverse=True)
        for old in others[_MOST - 1 :]:
            rmtree(old, ignore_errors=True)

    def _others(self) -> Iterator[Path]:
        return (one for one in self._folder.iterdir() if one.is_dir() and not one.is_symlink())

    @cached_property
    def _reader(self) -> bytes:
        # The release names the code, except for those who are changing it.
        package = Path(__file__).parents[1]
        code = (file for name in ("manifest", "model", "text") for file in (package / name).rglob("*.py"))
        return f"{__version__} {max(file.stat().st_mtime_ns for file in code)}".encode()


def _checkout(here: Path) -> Path:
    """Return the top of the working tree that *here* is in, or *here* itself."""
    return next((folder for folder in (here, *here.parents) if os.path.lexists(folder / ".git")), here)


def _is_private(status: os.stat_result) -> bool:
    """Return whether what has this *status* is ours and no link, and nobody else can write to it."""
    if os.name == "nt":  # its own rights are not in the mode; the folder lies in the user's profile
        return not stat.S_ISLNK(status.st_mode)
    is_ours = status.st_uid == os.geteuid() and not status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    return is_ours and not stat.S_ISLNK(status.st_mode)


def _name(text: bytes) -> str:
    return hashlib.sha256(text).hexdigest()[:32]


def _sealed(secret: bytes, key: bytes, said: bytes | memoryview) -> bytes:
    """Return what only who knows *secret* can say of an entry."""
    return hashlib.blake2b(_digest(key, said), key=secret, digest_size=_DIGEST).digest()


def _digest(*parts: bytes | memoryview) -> bytes:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(b"%d:" % len(part))
        digest.update(part)
    return digest.digest()
