"""The store of a path: files on this machine, and a lock of the operating system."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.errors import NotSent, StateError
from reconciler.runtime.file_lock import FileLock
from reconciler.state.deadlines import SETTLE_SECONDS
from reconciler.state.files import Files
from reconciler.state.keys import NO_KEYS, Keys
from reconciler.state.model import State
from reconciler.state.stores import lock as system_lock
from reconciler.state.stores.file import StateStore
from reconciler.state.stores.holder import Holder
from reconciler.state.stores.interface import LockInfo, silent
from reconciler.state.stores.whole import Whole

if TYPE_CHECKING:
    from reconciler.state.journal import Journal


class FileStore(Whole):
    """The state at *path*, as `Store` has it; no method ever waits for an event loop."""

    is_file = True
    window = 1
    announces = True
    fences = True

    def __init__(self, path: Path | str, *, files: Files | None = None, keys: Keys = NO_KEYS) -> None:
        self._path = Path(path)
        self._files = files
        self._keys = keys
        self._lock: FileLock | None = None
        """The lock while it is held."""
        self._stops: list[Callable[[], None]] = []
        """What ends the run once the lock is lost."""

    @property
    def place(self) -> str:
        """The path, behind a link."""
        return str(self._kept.path)

    @property
    def is_unfolded(self) -> bool:
        """Whether a journal is there."""
        return self._kept.journal_path.exists()

    @property
    def _kept(self) -> StateStore:
        """The files; a link is followed when they are first used, which may be after the lock is taken."""
        if self._opened is None:
            self._opened = StateStore(self._path, files=self._files, keys=self._keys)
        return self._opened

    _opened: StateStore | None = None

    async def read(self) -> State | None:
        """Return the state, or None."""
        return self._kept.read()

    async def begin(self, state: State) -> Journal:
        """Write *state*, and return a journal that continues it."""
        self._check_held()
        return self._kept.begin(state)

    async def write(self, state: State, *, anew: bool = False) -> None:
        """Make *state* the snapshot."""
        del anew  # it is always written
        self._check_held()
        self._kept.write(state)

    def next_serial(self, state: State) -> int:
        """Return the serial of the next snapshot of *state*."""
        return state.serial + 1

    @contextmanager
    def lock(
        self,
        holder: Holder,
        *,
        timeout: float,
        waiting: Callable[[str], None] = silent,
        settle: float = SETTLE_SECONDS,
        reading: bool = False,
    ) -> Iterator[None]:
        """Hold the lock; a command that only reads holds it too, as the files are read one after another."""
        del settle, reading

        def held_by(other: str) -> None:
            waiting(f"waiting for the lock of the state, which is held by {other}")

        with (
            system_lock.lock(self._path, holder=holder, timeout=timeout, waiting=held_by) as held,
            self._holding(held),
        ):
            yield

    @asynccontextmanager
    async def lock_async(
        self,
        holder: Holder,
        *,
        timeout: float,  # noqa: ASYNC109 - the library's
        waiting: Callable[[str], None] = silent,
        settle: float = SETTLE_SECONDS,
        reading: bool = False,
    ) -> AsyncIterator[None]:
        """Hold the lock; the event loop goes on while this waits."""
        del waiting, settle, reading
        async with system_lock.lock_async(self._path, holder=holder, timeout=timeout) as held:
            with self._holding(held):
                yield

    def may_send(self) -> None:
        """Return while the lock is held; raises NotSent if its file was removed: another locks nobody out."""
        if not self._is_held:
            for stop in self._stops:
                stop()
            raise NotSent("not sent: the lock file of the state was removed or replaced")

    def on_loss(self, stop: Callable[[], None]) -> None:
        """Let *stop* be called once the lock file is found to be another one."""
        self._stops.append(stop)

    @contextmanager
    def _holding(self, lock: FileLock) -> Iterator[None]:
        self._lock = lock
        try:
            yield
        finally:
            self._lock, self._stops = None, []

    @property
    def _is_held(self) -> bool:
        return self._lock is None or self._lock.is_at_its_name()

    def _check_held(self) -> None:
        if not self._is_held:
            raise StateError(
                f"the state `{self._path}` is no longer held by this run: its lock file was removed or"
                " replaced",
                hint="leave that file alone; let any other run finish, then run the command again",
            )

    async def locks(self) -> list[LockInfo]:
        """Return who holds the lock."""
        holder = system_lock.holder_of(self._path)
        return [] if holder is None else [LockInfo(holder)]

    async def unlock(self, settle: float = SETTLE_SECONDS) -> LockInfo | None:
        """Refuse: the lock ends with the process that holds it."""
        del settle
        raise StateError(
            f"the lock of `{self._path}` belongs to a process of this machine and ends with it",
            hint="`reconciler state locks` names the process",
        )

    async def mark(self, state: State, moved_to: str) -> None:
        """Leave a marker in place of *state*."""
        self._check_held()
        self._kept.mark(state, moved_to)

    async def close(self) -> None:
        """Do nothing: no file is held open."""
