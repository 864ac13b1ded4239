"""Read regular files only: pipes, devices and sockets are refused, as they may block or never end."""

from __future__ import annotations

import errno
import os
import stat
from io import BufferedReader
from pathlib import Path
from typing import Final

_OPENING: Final = (
    os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
)
_NO_FOLLOW: Final = getattr(os, "O_NOFOLLOW", 0)


def open_regular(path: Path, *, follow: bool = True, most: int | None = None) -> BufferedReader:
    """Open the regular file *path* for reading, without ever waiting for it.

    Raises OSError, also for a file that is not regular, for a link unless *follow*, and for a file of more
    than *most* bytes.
    """
    require_regular(path, path.stat() if follow else path.lstat())
    descriptor = os.open(path, _OPENING if follow else _OPENING | _NO_FOLLOW)
    try:
        status = os.fstat(descriptor)
        require_regular(path, status)  # another file may have taken its name meanwhile
        _require_size(path, status.st_size, most)
        return open(descriptor, "rb")  # noqa: PTH123 - a descriptor, not a path
    except BaseException:
        os.close(descriptor)
        raise


def read_regular(path: Path, *, follow: bool = True, most: int | None = None) -> bytes:
    """Return the content of the regular file *path*; *follow* is as for `open_regular`.

    Raises OSError, also for a file of more than *most* bytes, before it is read.
    """
    with open_regular(path, follow=follow, most=most) as file:
        if most is None:
            return file.read()
        size = os.fstat(file.fileno()).st_size
        data = file.read(size + 1)  # room for the whole of *most* could be more memory than there is
        if len(data) > size:  # it has grown meanwhile
            data += file.read(most + 1 - len(data))
    _require_size(path, len(data), most)
    return data


def require_regular(path: Path, status: os.stat_result) -> None:
    """Raise OSError unless *status* is that of a regular file; for a link the error names the target."""
    if stat.S_ISREG(status.st_mode):
        return
    if stat.S_ISLNK(status.st_mode):
        raise OSError(errno.ELOOP, f"it is a link to `{path.readlink()}`", str(path))
    if stat.S_ISDIR(status.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    raise OSError(errno.EINVAL, "it is no regular file", str(path))


def _require_size(path: Path, size: int, most: int | None) -> None:
    """Raise OSError if *path*, of *size* bytes, has more than *most*."""
    if most is not None and size > most:
        raise OSError(errno.EFBIG, f"it has more than {most:,} bytes", str(path))
