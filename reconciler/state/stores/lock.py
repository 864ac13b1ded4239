"""One writer at a time: a lock of the operating system beside the state.

The lock ends with the process that holds it, however that ends; the lock file itself stays. The holder writes
its name into that file, for messages to whoever waits: nothing relies on that text.
"""

from __future__ import annotations

import os
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path

import msgspec

from reconciler.errors import Locked
from reconciler.runtime.file_lock import POLL_SECONDS, FileLock
from reconciler.runtime.regular_file import open_regular
from reconciler.state.files import beside, require_folder, resolve, unusable
from reconciler.state.stores.holder import Holder
from reconciler.state.stores.interface import silent

_LONGEST = 4096
"""Bytes of a lock file that are read: more was not written by us."""


_NOBODY_KNOWN = Holder("another process", 0, "unknown", "an unknown time")


@contextmanager
def lock(
    path: Path, *, holder: Holder, timeout: float, waiting: Callable[[str], None] = silent
) -> Iterator[FileLock]:
    """Hold the lock of the state at *path*, and yield it; wait at most *timeout* seconds for it.

    *waiting* is called with the holder before it waits. Raises StateError, which names the holder, when the
    time has passed, and if the folder is missing or does not support locks.
    """
    lock_path = _place(path)
    system_lock = FileLock(lock_path)
    with _explained(lock_path):
        if not _take(system_lock, holder):
            if timeout > 0:
                waiting(_held_by(lock_path))
            for wait in _waits(path, lock_path, timeout):
                time.sleep(wait)
                if _take(system_lock, holder):
                    break
    try:
        yield system_lock
    finally:
        system_lock.release()


@asynccontextmanager
async def lock_async(
    path: Path,
    *,
    holder: Holder,
    timeout: float,  # noqa: ASYNC109 - the library's
) -> AsyncIterator[FileLock]:
    """Hold the same lock as `lock` does; the loop goes on while this waits."""
    import asyncio  # noqa: PLC0415 - most callers wait without a loop

    lock_path = _place(path)
    system_lock = FileLock(lock_path)
    with _explained(lock_path):
        if not _take(system_lock, holder):
            for wait in _waits(path, lock_path, timeout):
                await asyncio.sleep(wait)
                if _take(system_lock, holder):
                    break
    try:
        yield system_lock
    finally:
        system_lock.release()


def holder_of(path: Path) -> Holder | None:
    """Return who holds the lock of the state at *path* now, or None if nobody does."""
    lock_path = _place(path)
    if not lock_path.exists():
        return None
    system_lock = FileLock(lock_path)
    with _explained(lock_path):
        if system_lock.take() is None:
            return _read(lock_path) or _NOBODY_KNOWN
        system_lock.release()
    return None


def _place(path: Path) -> Path:
    lock_path = beside(resolve(path), ".lock")
    require_folder(lock_path)
    return lock_path


def _take(system_lock: FileLock, holder: Holder) -> bool:
    """Take the lock in the name of *holder*, and return whether it was free."""
    fd = system_lock.take()
    if fd is not None:
        _introduce(fd, holder)
    return fd is not None


def _waits(path: Path, lock_path: Path, timeout: float) -> Iterator[float]:
    """Yield how long to wait before each next try; raises Locked once *timeout* seconds have passed."""
    end = time.monotonic() + timeout
    while (left := end - time.monotonic()) > 0:
        yield min(left, POLL_SECONDS)
    raise Locked(
        f"the state `{path}` is locked by {_held_by(lock_path)}; waited {timeout:g} s",
        hint="let it finish, or wait longer with `--lock-timeout SECONDS`",
    )


@contextmanager
def _explained(lock_path: Path) -> Iterator[None]:
    """Turn errors of the system into ours."""
    try:
        yield
    except OSError as error:
        raise unusable("lock", lock_path, error) from error


def _introduce(fd: int, holder: Holder) -> None:
    """Write *holder* into the lock file, as far as the disk allows: it only informs."""
    with suppress(OSError):
        os.ftruncate(fd, 0)
        os.pwrite(fd, msgspec.json.encode(holder), 0)


def _held_by(lock_path: Path) -> str:
    return str(_read(lock_path) or "another process")


def _read(lock_path: Path) -> Holder | None:
    try:
        with open_regular(lock_path, follow=False) as file:
            return msgspec.json.decode(file.read(_LONGEST), type=Holder)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        return None
