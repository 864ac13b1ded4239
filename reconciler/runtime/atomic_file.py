"""Write whole files atomically: a reader finds the old content or the new, and nothing between.

The data is written to a new file beside the target, under a name that cannot be guessed, and synced. The new
file then takes the target's name in one step, and the folder is synced. No link is ever followed, and no
device is ever replaced.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, Final

from reconciler.runtime.regular_file import require_regular

PRIVATE: Final = 0o600
"""The mode of files that hold texts of messages or the state: for the owner alone."""
SHARED: Final = 0o666
"""The mode of files that others may read, before the umask."""
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

    Whole files and the journal are written through it, so that a test can make any single call fail, or end
    the process there.
    """

    waits = True
    """Whether the calls that sync wait for a disk; an event loop gives these to another thread."""

    def create(self, path: Path, mode: int = PRIVATE) -> int:
        """Create the empty file *path* and return its descriptor; a link at *path* is not followed."""
        fd = os.open(path, _CREATING, mode)
        if mode != SHARED and hasattr(os, "fchmod"):
            os.fchmod(fd, mode)  # a strict umask could have taken the rights of the owner
        return fd

    def append(self, path: Path) -> int:
        """Return a descriptor that appends to *path*; a link at *path* is not followed."""
        flags = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
        return os.open(path, os.O_WRONLY | os.O_APPEND | flags)

    def write(self, fd: int, data: bytes) -> None:
        """Write all of *data*; when this raises, any part of it may have been written."""
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(fd, rest) :]

    def sync(self, fd: int) -> None:
        """Return once the data written to *fd* is on disk."""
        _sync_data(fd)

    def write_synced(self, fd: int, data: bytes) -> None:
        """Write all of *data* and return once it is on disk."""
        self.write(fd, data)
        self.sync(fd)

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
        """Return once the names in *folder* are on disk; on Windows, which has no such call, do nothing."""
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
    data: bytes | Iterator[bytes],
    *,
    mode: int = SHARED,
    draft: Path | None = None,
    durable: bool = True,
    follow_folders: bool = False,
    files: Files = _DISK,
) -> None:
    """Make *data*, or all its pieces, the content of *path*: wholly, or not at all.

    An existing file keeps its mode, unless *mode* is `PRIVATE`. *draft* is the name of the new file; one that
    a crash left there is removed, so the caller must hold a lock. Without *durable* nothing is synced, which
    suits files whose reader detects torn content. *follow_folders* allows links among the folders of *path*,
    which suits paths that the user alone decides.

    Raises OSError, also if *path* is a link or no regular file; then it has the old or the new content.
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
            for piece in [data] if isinstance(data, bytes) else data:
                files.write(fd, piece)
            if durable:
                files.sync(fd)
        finally:
            files.close(fd)
        files.replace(draft, path)
    except Exception:
        with suppress(OSError):  # the draft must not stay on a full disk
            files.remove(draft)
        raise
    if durable:
        files.sync_folder(path.parent)


def require_writable(path: Path) -> None:
    """Raise OSError if `write_whole` could not write *path* now; nothing is changed."""
    require_replaceable(path)
    draft = _beside(path)
    _DISK.close(_DISK.create(draft))
    draft.unlink()


def open_stream(path: Path) -> BinaryIO:
    """Open *path* for writing piece by piece, so that readers see each piece at once.

    Raises OSError as `write_whole` does.
    """
    require_replaceable(path)
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_NONBLOCK", 0)
    descriptor = os.open(path, flags | (_CREATING & ~os.O_EXCL), SHARED)
    return open(descriptor, "wb")  # noqa: PTH123 - a descriptor, not a path


def require_replaceable(path: Path, *, follow_folders: bool = False) -> os.stat_result | None:
    """Return the status of *path*, None if there is none; raises OSError if it must not be replaced.

    A link must not be replaced, and no other file that is not regular. Unless *follow_folders*, the same
    holds for a path through a folder below the working folder that is a link out of it.
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
