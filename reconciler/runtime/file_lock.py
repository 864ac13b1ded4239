"""A lock of the operating system on a file: one holder, until it lets go or its process ends.

A process that is forked from the holder does not hold it. A file whose name was removed meanwhile locks
nobody out, so it is not taken for the lock.
"""

from __future__ import annotations

import errno
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import Final
from weakref import WeakSet

from reconciler.runtime.atomic_file import PRIVATE

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

_OPENING: Final = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
_TAKEN: Final = frozenset({errno.EACCES, errno.EAGAIN, errno.EDEADLK})
"""What the system says where another holds the lock."""

POLL_SECONDS: Final = 0.05
"""How long to wait before a lock is tried again."""


class FileLock:
    """The lock on the file at *path*, which is made for its owner alone and stays."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._fd = -1
        _held.add(self)

    def take(self) -> int | None:
        """Take the lock and return a descriptor of its file, or None while another holds it.

        Raises OSError, also where the file system has no locks.
        """
        while True:
            self._fd = os.open(self._path, _OPENING, PRIVATE)
            try:
                if not _lock(self._fd):
                    self.forget()
                    return None
                if self.is_at_its_name():
                    break
            except BaseException:
                self.forget()
                raise
            self.release()
        if hasattr(os, "fchmod"):
            with suppress(OSError):  # the file may be another user's
                os.fchmod(self._fd, PRIVATE)
        return self._fd

    def release(self) -> None:
        """Let go of the lock, if it is held."""
        fd, self._fd = self._fd, -1
        if fd >= 0:
            try:
                _unlock(fd)
            finally:
                os.close(fd)

    def forget(self) -> None:
        """Close the file and leave the lock as it is: where it is held, another process holds it."""
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)

    def is_at_its_name(self) -> bool:
        """Return whether the file that was locked is still the one at its path: another locks nobody out."""
        try:
            return os.path.samestat(os.fstat(self._fd), self._path.lstat())
        except FileNotFoundError:
            return False


_held: WeakSet[FileLock] = WeakSet()


def _forget_all() -> None:
    for lock in _held:
        lock.forget()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_all)


def _lock(fd: int) -> bool:
    """Lock the file *fd*, and return whether that was possible at once."""
    try:
        if sys.platform == "win32":
            msvcrt.locking(fd, msvcrt.LK_NBLCK, 1)
        else:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in _TAKEN:
            return False
        raise
    return True


def _unlock(fd: int) -> None:
    if sys.platform == "win32":
        os.lseek(fd, 0, os.SEEK_SET)
        msvcrt.locking(fd, msvcrt.LK_UNLCK, 1)
    else:
        fcntl.flock(fd, fcntl.LOCK_UN)
