"""Remember which processes have live worlds, so that a later run can clean up after a killed one."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from reconciler.runtime.file_lock import FileLock

_SUFFIX = ".lock"


class RunRegistry:
    """One file in *folder* for each process, named after the process, which holds a lock on it.

    The operating system releases the lock when the process ends. So a file that can be locked belongs to a
    process that was killed.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @contextmanager
    def entry(self, maker: str, origin: str, *, is_clean: Callable[[], bool]) -> Iterator[None]:
        """Register the process *maker*, with worlds at *origin*, inside the block.

        The entry stays behind unless *is_clean* returns True at the end.
        """
        path = self._folder / f"{maker}{_SUFFIX}"
        lock = FileLock(path)
        try:
            if (fd := lock.take()) is not None:
                _write(fd, text=origin)
            yield
            if is_clean():
                path.unlink()
        finally:
            lock.release()

    def clear(self, origin: str, sweep: Callable[[str], None]) -> None:
        """Call *sweep* with each ended process that left worlds at *origin*, and remove its entry."""
        for path in sorted(self._folder.glob(f"*{_SUFFIX}")):
            lock = FileLock(path)
            if lock.take() is None:
                continue
            try:
                made_at = path.read_text(encoding="utf-8")
                if made_at == origin:
                    sweep(path.name.removesuffix(_SUFFIX))
                if made_at in {origin, ""}:  # an empty file belongs to a process that just ended cleanly
                    path.unlink()
            finally:
                lock.release()

    def __bool__(self) -> bool:
        """Return whether there is any entry."""
        return any(self._folder.glob(f"*{_SUFFIX}"))


def _write(fd: int, text: str) -> None:
    os.ftruncate(fd, 0)
    os.pwrite(fd, text.encode(), 0)
