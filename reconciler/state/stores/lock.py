"""One writer at a time: a lock of the operating system beside the state.

The lock ends with the process that holds it, however that ends; the lock file itself stays. The holder writes
its name into that file, for messages to whoever waits: nothing relies on that text.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
from filelock import FileLock, Timeout

from reconciler.errors import Locked
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
) -> Iterator[None]:
    """Hold the lock of the state at *path*; wait at most *timeout* seconds for it.

    *waiting* is called with the holder before it waits. Raises StateError, which names the holder, when the
    time has passed, and if the folder is missing or does not support locks.
    """
    lock_path = _place(path)
    system_lock = FileLock(lock_path, **_how(holder))
    with _explained(path, lock_path, timeout):
        try:
            system_lock.acquire(timeout=0)
        except Timeout:
            if timeout <= 0:
                raise
            waiting(_held_by(lock_path))
            system_lock.acquire(timeout=timeout)
    try:
        yield
    finally:
        system_lock.release()


@asynccontextmanager
async def lock_async(path: Path, *, holder: Holder, timeout: float) -> AsyncIterator[None]:  # noqa: ASYNC109 - the library's
    """Hold the same lock as `lock` does; the loop goes on while this waits."""
    from filelock import AsyncFileLock  # noqa: PLC0415 - asyncio

    lock_path = _place(path)
    system_lock = AsyncFileLock(lock_path, run_in_executor=False, **_how(holder))
    with _explained(path, lock_path, timeout):
        await system_lock.acquire(timeout=max(timeout, 0))
    try:
        yield
    finally:
        await system_lock.release()


def holder_of(path: Path) -> Holder | None:
    """Return who holds the lock of the state at *path* now, or None if nobody does."""
    lock_path = _place(path)
    if not lock_path.exists():
        return None
    try:
        with FileLock(lock_path, mode=0o600, fallback_to_soft=False).acquire(timeout=0):
            return None
    except Timeout:
        return _read(lock_path) or _NOBODY_KNOWN
    except OSError as error:
        raise unusable("lock", lock_path, error) from error


def _place(path: Path) -> Path:
    lock_path = beside(resolve(path), ".lock")
    require_folder(lock_path)  # otherwise the library creates the folder
    return lock_path


def _how(holder: Holder) -> dict[str, Any]:
    return {
        "mode": 0o600,
        "fallback_to_soft": False,
        "on_acquired": partial(_introduce, holder=holder),
    }


@contextmanager
def _explained(path: Path, lock_path: Path, timeout: float) -> Iterator[None]:
    """Turn what the library raises into our errors."""
    try:
        yield
    except Timeout as error:
        raise Locked(
            f"the state `{path}` is locked by {_held_by(lock_path)}; waited {timeout:g} s",
            hint="let it finish, or wait longer with `--lock-timeout SECONDS`",
        ) from error
    except OSError as error:
        raise unusable("lock", lock_path, error) from error


def _introduce(fd: int, *, holder: Holder) -> None:
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
