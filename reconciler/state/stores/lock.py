"""One writer at a time: a lock of the operating system beside the state.

The lock ends with the process that holds it, however that ends; the lock file itself stays. The holder writes
its name into that file, for messages to whoever waits: nothing relies on that text.
"""

from __future__ import annotations

import getpass
import os
import platform
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
from filelock import FileLock, Timeout
from msgspec import Struct

from reconciler.errors import StateError
from reconciler.model.canonical import canonical_instant
from reconciler.runtime.regular_file import open_regular
from reconciler.state.files import beside, require_folder, resolve, unusable

_LONGEST = 4096
"""Bytes of a lock file that are read: more was not written by us."""


_SHOWN = 200


class Holder(Struct, frozen=True):
    """Who holds a lock."""

    who: str
    """`user@host`."""
    pid: int
    """The id of its process."""
    command: str
    """The name of the command, without arguments, which could hold secrets."""
    since: str
    """In whole seconds of UTC."""
    run: str = ""
    """The address of the CI run; empty outside CI."""

    def __str__(self) -> str:
        run = f", CI run {_inert(self.run)}" if self.run else ""
        return (
            f"{_inert(self.who)} (`{_inert(self.command)}`, pid {self.pid}) since {_inert(self.since)}{run}"
        )


def this_process(command: str, environ: Mapping[str, str], now: datetime) -> Holder:
    """Return this process as a holder; *environ* names the CI run."""
    try:
        user = getpass.getuser()
    except (OSError, KeyError):  # in a container, a user id need have no name
        user = str(os.getuid())
    return Holder(
        who=f"{user}@{platform.node()}",
        pid=os.getpid(),
        command=command,
        since=canonical_instant(now),
        run=_ci_run(environ),
    )


def _ignore(_: str) -> None:
    pass


@contextmanager
def lock(
    path: Path, *, holder: Holder, timeout: float, waiting: Callable[[str], None] = _ignore
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
        raise StateError(
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


def _ci_run(environ: Mapping[str, str]) -> str:
    """Return the address of the CI run, by the variables of GitHub, GitLab, Jenkins and others."""
    if run := environ.get("GITHUB_RUN_ID"):
        server = environ.get("GITHUB_SERVER_URL", "https://github.com")
        return f"{server}/{environ.get('GITHUB_REPOSITORY', '')}/actions/runs/{run}"
    names = ("CI_JOB_URL", "BUILD_URL", "CIRCLE_BUILD_URL", "BUILDKITE_BUILD_URL")
    return next((environ[name] for name in names if environ.get(name)), "")


def _inert(text: str) -> str:
    """Return *text*, which anyone may have written, cut and without control characters."""
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode() for char in text[:_SHOWN]
    )
