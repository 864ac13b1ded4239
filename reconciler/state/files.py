"""The calls that change the disk, and the one way in which a whole file is written.

State, backup and journal reach the disk through a `Files`, so that a test can make any single
call fail, or end the process there.
"""

from __future__ import annotations

import errno
import os
from contextlib import suppress
from pathlib import Path

from reconciler.errors import StateError

_PRIVATE = 0o600
_sync_data = getattr(os, "fdatasync", os.fsync)  # macOS has no fdatasync

_ADVICE = {
    errno.ENOSPC: "free some space on that disk, then run the command again",
    errno.EDQUOT: "free some of your quota, then run the command again",
    errno.EFBIG: "raise the limit on the size of files (`ulimit -f`), then run the command again",
    errno.EROFS: "use a folder that can be written to, with `--state`",
    errno.EACCES: "make the file and its folder writable for you, or use another place with `--state`",
    errno.EPERM: "make the file and its folder writable for you, or use another place with `--state`",
    errno.ENOENT: "create that folder, or correct `--state`",
    errno.ENOTDIR: "correct `--state`: a part of that path is a file",
    errno.EISDIR: "correct `--state`: it must name a file",
    errno.ENOLCK: "that file system has no locks: keep the state on another one, with `--state`",
    errno.ENOSYS: "that file system has no locks: keep the state on another one, with `--state`",
    errno.EOPNOTSUPP: "that file system has no locks: keep the state on another one, with `--state`",
    errno.EIO: "check that disk before running the command again",
}


class Files:
    """The calls that change the disk. Each raises OSError where the system does."""

    def create(self, path: Path) -> int:
        """Return a descriptor of the new, empty file *path*, which only its owner may open."""
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, _PRIVATE)
        os.fchmod(fd, _PRIVATE)  # an odd umask could have taken the owner's own rights
        return fd

    def append(self, path: Path) -> int:
        """Return a descriptor that writes at the end of *path*."""
        return os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)

    def write(self, fd: int, data: bytes) -> None:
        """Write all of *data*; when this raises, any part of it may have been written."""
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(fd, rest) :]

    def sync(self, fd: int) -> None:
        """Return once what was written to *fd* is on disk."""
        _sync_data(fd)

    def close(self, fd: int) -> None:
        """Close *fd*."""
        os.close(fd)

    def replace(self, source: Path, path: Path) -> None:
        """Give *source* the name *path*, in one step."""
        source.replace(path)

    def remove(self, path: Path) -> None:
        """Remove *path* if it exists."""
        path.unlink(missing_ok=True)

    def sync_folder(self, folder: Path) -> None:
        """Return once the names in *folder* are on disk."""
        fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)


def put(files: Files, path: Path, data: bytes) -> None:
    """Make *data* the durable content of *path*: wholly, or not at all.

    The draft beside it has a fixed name, so what a crash leaves is removed by the next call; the
    state's lock keeps others away. Raises OSError; then *path* has the old or the new content.
    """
    draft = beside(path, ".tmp")
    files.remove(draft)
    fd = files.create(draft)
    try:
        try:
            files.write(fd, data)
            files.sync(fd)
        finally:
            files.close(fd)
        files.replace(draft, path)
    except OSError:
        with suppress(OSError):  # a full disk is not left fuller than it was
            files.remove(draft)
        raise
    files.sync_folder(path.parent)


def beside(path: Path, suffix: str) -> Path:
    """Return the neighbour of *path* whose name is longer by *suffix*."""
    return path.with_name(path.name + suffix)


def resolve(path: Path) -> Path:
    """Return what *path* stands for: a link's target, so that its neighbours are the same for all."""
    is_link = os.path.islink(path)  # noqa: PTH114 - Path.is_symlink raises where a folder is closed to us
    return Path(os.path.realpath(path)) if is_link else path


def require_folder(path: Path) -> None:
    """Raise StateError unless the folder of *path* is there; a mistyped `--state` makes no folder."""
    try:
        path.parent.stat()
    except OSError as error:
        raise unusable("open", path.parent, error) from error


def unusable(verb: str, path: Path, error: OSError) -> StateError:
    """Return the error for "cannot *verb* *path*", with the system's reason and what to do."""
    reason = error.strerror or str(error)
    return StateError(f"cannot {verb} `{path}`: {reason}", hint=_ADVICE.get(error.errno or 0))
