"""Remember which processes have worlds somewhere, to clean up after one that was killed."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from filelock import FileLock, Timeout

_SUFFIX = ".lock"


class Ledger:
    """One file in *folder* for each process, named after it and locked as long as it lives.

    A lock ends with its process, however that ends: a file that can be locked is of one that was killed.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @contextmanager
    def entry(self, maker: str, origin: str, *, is_clean: Callable[[], bool]) -> Iterator[None]:
        """Stand in the ledger as *maker*, who makes worlds at *origin*; leave it only if *is_clean*."""
        path = self._folder / f"{maker}{_SUFFIX}"
        with FileLock(path, on_acquired=partial(_write, text=origin)):
            yield
            if is_clean():
                path.unlink()

    def clear(self, origin: str, sweep: Callable[[str], None]) -> None:
        """Call *sweep* with each process that is gone and had worlds at *origin*, and forget it."""
        for path in sorted(self._folder.glob(f"*{_SUFFIX}")):
            lock = FileLock(path)
            try:
                lock.acquire(timeout=0)
            except Timeout:
                continue
            try:
                made_at = path.read_text(encoding="utf-8")
                if made_at == origin:
                    sweep(path.name.removesuffix(_SUFFIX))
                if made_at in {origin, ""}:  # empty is one that went away just now
                    path.unlink()
            finally:
                lock.release()

    def __bool__(self) -> bool:
        """Return whether anyone stands in it."""
        return any(self._folder.glob(f"*{_SUFFIX}"))


def _write(fd: int, text: str) -> None:
    os.ftruncate(fd, 0)
    os.pwrite(fd, text.encode(), 0)
