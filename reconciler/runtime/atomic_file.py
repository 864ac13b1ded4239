"""The one way in which a whole file is written: under its own name, wholly or not at all.

What is written is a new file beside the target, of a name that nobody can guess; it is synced, then takes the
target's name in one step, and the folder is synced. So no link is ever followed, no device is ever replaced,
and whoever reads finds the old content or the new.
"""

from __future__ import annotations

import errno
import os
import stat
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, Final

from reconciler.runtime.regular_file import require_regular

PRIVATE: Final = 0o600
"""The mode of what holds texts of messages or the state: for its owner alone."""
SHARED: Final = 0o666
"""The mode of what others may read; the umask takes from it."""
_CREATING: Final = (
    os.O_WRONLY
    | os.O_CREAT
    | os.O_EXCL
    | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_BINARY", 0)
)
_FOLDER: Final = getattr(os, "O_DIRECTORY", None)
_sync_data = getattr(os, "fdatasync", os.fsync)  # macOS has no fdatasync


class Files:
    """The calls that change the disk. Each raises OSError where the system does.

    Whole files and the journal reach the disk through it, so that a test can make any single call fail, or
    end the process there.
    """

    def create(self, path: Path, mode: int = PRIVATE) -> int:
        """Return a descriptor of the new, empty file *path*; a link there is not followed."""
        fd = os.open(path, _CREATING, mode)
        if mode != SHARED and hasattr(os, "fchmod"):
            os.fchmod(fd, mode)  # an odd umask could have taken the owner's own rights
        return fd

    def append(self, path: Path) -> int:
        """Return a descriptor that writes at the end of *path*; a link there is not followed."""
        flags = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
        return os.open(path, os.O_WRONLY | os.O_APPEND | flags)

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
        """Return once the names in *folder* are on disk; Windows has no way to ask for that."""
        if _FOLDER is None:
            return
        fd = os.open(folder, os.O_RDONLY | _FOLDER | os.O_CLOEXEC)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)


_DISK: Final = Files()


def write_whole(
    path: Path,
    data: bytes,
    *,
    mode: int = SHARED,
    draft: Path | None = None,
    durable: bool = True,
    follow_folders: bool = False,
    files: Files = _DISK,
) -> None:
    """Make *data* the content of *path*: wholly, or not at all.

    A file that is there keeps its mode, unless the new one is private. With *draft*, that is the name of the
    new file, and one that a crash left there is removed: only for whom a lock keeps all others away. Without
    *durable* nothing is synced: only for what its reader can tell from a torn file. *follow_folders* is for
    a path whose folders the user alone decides.

    Raises OSError; then *path* has the old or the new content. It is raised for a link, with its target, and
    for all else that is no regular file.
    """
    before = require_replaceable(path, follow_folders=follow_folders)
    if before is not None and mode == SHARED:
        mode = stat.S_IMODE(before.st_mode) & 0o777
    if draft is None:
        draft = _beside(path)
    else:
        files.remove(draft)
    fd = files.create(draft, mode)
    try:
        try:
            files.write(fd, data)
            if durable:
                files.sync(fd)
        finally:
            files.close(fd)
        files.replace(draft, path)
    except OSError:
        with suppress(OSError):  # a full disk is not left fuller than it was
            files.remove(draft)
        raise
    if durable:
        files.sync_folder(path.parent)


def require_writable(path: Path) -> None:
    """Raise OSError if `write_whole` could not write *path* now; everything stays as it is."""
    require_replaceable(path)
    draft = _beside(path)
    _DISK.close(_DISK.create(draft))
    draft.unlink()


def open_stream(path: Path) -> BinaryIO:
    """Open *path* to be written piece by piece, from its beginning, where readers are to see each.

    Raises OSError as `write_whole` does.
    """
    require_replaceable(path)
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_NONBLOCK", 0)
    descriptor = os.open(path, flags | (_CREATING & ~os.O_EXCL), SHARED)
    return open(descriptor, "wb")  # noqa: PTH123 - a descriptor, not a path


def require_replaceable(path: Path, *, follow_folders: bool = False) -> os.stat_result | None:
    """Return the status of *path*, None if nothing is there; raises OSError if it must not be replaced.

    That is so for a link, for what is no regular file, and, unless *follow_folders*, where a folder on the
    way, below the one that is worked in, is a link that leads out of it.
    """
    if not follow_folders:
        require_own_folders(path, Path.cwd())
    try:
        status = path.lstat()
    except FileNotFoundError:
        return None
    require_regular(path, status)
    return status


def require_own_folders(path: Path, root: Path) -> None:
    """Raise OSError if a folder between *root* and *path* is a link that leads out of *root*."""
    whole = root / path
    if not whole.is_relative_to(root):
        return
    for folder in reversed(whole.relative_to(root).parents):
        link = root / folder
        if folder.parts and link.is_symlink() and not link.resolve().is_relative_to(root.resolve()):
            raise OSError(errno.ELOOP, f"its folder `{link}` is a link to `{link.readlink()}`", str(path))


def _beside(path: Path) -> Path:
    return path.with_name(f".reconciler-{os.urandom(8).hex()}.tmp")
