"""A cache of parsed manifests, so that unchanged files are not parsed again.

The cache is in the user's own cache folder, never in the working folder: a repository could bring entries
along there. It has one entry per manifest.

An entry is used only for the same bytes, the same path and the same code. Its digest must be made with a
secret key that is in the cache folder too. Any other entry is treated as missing, so the folder can be
deleted at any time.
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
"""Bytes of the secret key that all digests in one folder are made with."""
_LARGEST: Final = 256 * 1024 * 1024
"""Bytes of the largest entry; a larger content is parsed each time."""
_MOST: Final = 32
"""Working folders that have entries; the one written longest ago is deleted first."""


class ParsedFiles:
    """The cache for the working folder *here*, in the cache folder *folder*.

    *folder* is made when the first entry is kept, and is not used if anybody but its owner may write there.
    """

    def __init__(self, folder: Path, here: Path | None = None) -> None:
        self._folder = folder
        self._entries = folder / _name(os.fsencode(here or Path.cwd()))

    @classmethod
    def of_user(cls) -> Self | None:
        """Return the cache of this user; None where its folder is unknown or inside the checkout."""
        from platformdirs import user_cache_dir  # noqa: PLC0415 - only commands that read manifests need it

        try:
            here = Path.cwd()
        except OSError:  # the working folder was removed
            return None
        folder = Path(user_cache_dir("reconciler", appauthor=False))
        if not folder.is_absolute() or folder.resolve().is_relative_to(_checkout(here.resolve())):
            return None
        return cls(folder, here)

    def key(self, data: bytes, path: str) -> bytes:
        """Return the cache key of the manifest *data* at *path*, as this code parses it."""
        return _digest(self._reader, data, os.fsencode(path))

    def get(self, key: bytes, path: str) -> FileContent | None:
        """Return the content of the manifest at *path* with this *key*; None if it is not in the cache."""
        if self._secret is None:
            return None
        try:
            entry = read_regular(self._place(path), follow=False, most=_LARGEST)
            payload = memoryview(entry)[_DIGEST:]
            if entry[:_DIGEST] != _sealed(self._secret, key, payload):
                return None
            content = msgspec.msgpack.decode(payload, type=FileContent)
        except (OSError, msgspec.DecodeError):
            return None
        share_texts(content)
        return content

    def keep(self, key: bytes, content: FileContent) -> None:
        """Write the *content* of the manifest with this *key*; errors of writing are ignored."""
        with suppress(OSError, UnicodeEncodeError):  # a path may hold bytes that are no text
            payload = msgspec.msgpack.encode(content)
            if len(payload) + _DIGEST > _LARGEST:
                return
            secret = self._secret or self._new_secret()
            if not self._entries.is_dir():
                self._forget_others()
                self._entries.mkdir(mode=0o700, exist_ok=True)
            # Not synced: a torn entry has a wrong digest, and is treated as missing.
            entry = _sealed(secret, key, payload) + payload
            write_whole(self._place(content.path), entry, mode=PRIVATE, durable=False)

    def _place(self, path: str) -> Path:
        return self._entries / _name(os.fsencode(path))

    @cached_property
    def _secret(self) -> bytes | None:
        """The key of all digests; None if there is none, or if others may have written it."""
        with suppress(OSError):
            if _is_private(self._folder.lstat()) and _is_private((self._folder / "key").lstat()):
                secret = read_regular(self._folder / "key", follow=False, most=_KEY)
                return secret if len(secret) == _KEY else None
        return None

    def _new_secret(self) -> bytes:
        """Make folder and key; raises OSError where the folder exists and others may write to it."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not _is_private(self._folder.lstat()):
            raise PermissionError
        vars(self).pop("_secret", None)
        if self._secret is not None:  # of another process that began beside this one
            return self._secret
        secret = os.urandom(_KEY)
        write_whole(self._folder / "key", secret, mode=PRIVATE)
        self._secret = secret
        return secret

    def _forget_others(self) -> None:
        """Delete the oldest folders of entries, so that one more fits."""
        from shutil import rmtree  # noqa: PLC0415 - seldom needed

        others = sorted(self._others(), key=lambda one: one.stat().st_mtime, reverse=True)
        for old in others[_MOST - 1 :]:
            rmtree(old, ignore_errors=True)

    def _others(self) -> Iterator[Path]:
        return (one for one in self._folder.iterdir() if one.is_dir() and not one.is_symlink())

    @cached_property
    def _reader(self) -> bytes:
        # in a working copy the version stays the same while the code changes, so its times count too
        package = Path(__file__).parents[1]
        newest = max(_newest(package / name) for name in ("manifest", "model", "text"))
        return f"{__version__} {newest}".encode()


def _newest(folder: str | Path) -> int:
    """Return when a module in *folder* was changed last, in nanoseconds since 1970."""
    newest = 0
    with os.scandir(folder) as entries:  # at a quarter of the time of `Path.rglob`
        for entry in entries:
            if entry.name.endswith(".py"):
                newest = max(newest, entry.stat().st_mtime_ns)
            elif entry.name != "__pycache__" and entry.is_dir():
                newest = max(newest, _newest(entry.path))
    return newest


def _checkout(here: Path) -> Path:
    """Return the root of the git working tree around *here*, or *here* itself."""
    return next((folder for folder in (here, *here.parents) if os.path.lexists(folder / ".git")), here)


def _is_private(status: os.stat_result) -> bool:
    """Return whether a file of this *status* is ours, is no link, and is writable for nobody else."""
    if os.name == "nt":  # rights are not in the mode there; the folder is in the user's profile
        return not stat.S_ISLNK(status.st_mode)
    is_ours = status.st_uid == os.geteuid() and not status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    return is_ours and not stat.S_ISLNK(status.st_mode)


def _name(text: bytes) -> str:
    return hashlib.sha256(text).hexdigest()[:32]


def _sealed(secret: bytes, key: bytes, payload: bytes | memoryview) -> bytes:
    """Return the digest of an entry, which only a holder of *secret* can make."""
    return hashlib.blake2b(_digest(key, payload), key=secret, digest_size=_DIGEST).digest()


def _digest(*parts: bytes | memoryview) -> bytes:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(b"%d:" % len(part))
        digest.update(part)
    return digest.digest()
