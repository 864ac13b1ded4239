"""A store away from this machine, for any thread and event loop: its own work is done by one of the process.

A lease is renewed while the main thread asks a person, plans, or computes slow digests. So whatever talks to
such a store runs in the event loop of one thread, which the whole process shares and its end ends.
"""

from __future__ import annotations

import asyncio
import atexit
import os
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Any, Final, Protocol, Self, TypeVar

from reconciler.state.deadlines import SETTLE_SECONDS
from reconciler.state.model import Record, State
from reconciler.state.stores.holder import Holder
from reconciler.state.stores.interface import Journal, Kept, LockInfo, silent

T = TypeVar("T")

_FAREWELL: Final = 30.0
"""Seconds that the release of a lease may take before the process goes on: it ends by itself too."""


class Core(Kept, Protocol):
    """What a protocol offers in one event loop: a store whose lock is taken and released by calls."""

    async def acquire(
        self, holder: Holder, *, patience: float, waiting: Callable[[str], None], settle: float
    ) -> None:
        """Take the lock, as `Store.lock` does with *patience* as its timeout; raises StateError."""

    async def release(self) -> None:
        """Release the lock; does nothing if it is not held."""

    def check_kept(self) -> None:
        """Raise StateError if the lock was lost since it was taken."""


class Remote:
    """A `Store` whose work is done by *core* in the loop of the process."""

    is_file = False

    def __init__(self, core: Core) -> None:
        self._core = core

    @property
    def place(self) -> str:
        """The address."""
        return self._core.place

    @property
    def window(self) -> int:
        """As of the core."""
        return self._core.window

    @property
    def announces(self) -> bool:
        """As of the core."""
        return self._core.announces

    @property
    def is_unfolded(self) -> bool:
        """As of the core."""
        return self._core.is_unfolded

    async def read(self) -> State | None:
        """Return the state, or None."""
        return await _there(self._core.read())

    async def begin(self, state: State) -> Journal:
        """Write *state*, and return a journal that continues it."""
        return _Journal(await _there(self._core.begin(state)))

    async def write(self, state: State) -> None:
        """Make *state* the snapshot."""
        await _there(self._core.write(state))

    def next_serial(self, state: State) -> int:
        """Return the serial of the next snapshot."""
        return self._core.next_serial(state)

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
        """Hold the lock; a command that only reads needs none."""
        if reading:
            yield
            return
        loop = _loop()
        taking = self._core.acquire(holder, patience=timeout, waiting=waiting, settle=settle)
        taken = asyncio.run_coroutine_threadsafe(taking, loop)
        try:
            taken.result()
        except BaseException:
            taken.cancel()
            raise
        try:
            yield
            self._core.check_kept()
        finally:
            asyncio.run_coroutine_threadsafe(self._core.release(), loop).result(_FAREWELL)

    @asynccontextmanager
    async def lock_async(
        self,
        holder: Holder,
        *,
        timeout: float,  # noqa: ASYNC109 - as in `lock`
        waiting: Callable[[str], None] = silent,
        settle: float = SETTLE_SECONDS,
        reading: bool = False,
    ) -> AsyncIterator[None]:
        """Hold the lock; the event loop goes on while this waits."""
        if reading:
            yield
            return
        await _there(self._core.acquire(holder, patience=timeout, waiting=waiting, settle=settle))
        try:
            yield
            self._core.check_kept()
        finally:
            await _there(self._core.release())

    def may_send(self) -> None:
        """Return if a request may be handed over; raises NotSent."""
        self._core.may_send()

    def on_loss(self, stop: Callable[[], None]) -> None:
        """Let *stop* be called in the running event loop once the lock is lost."""
        here = asyncio.get_running_loop()

        def tell() -> None:
            with suppress(RuntimeError):  # that loop has ended
                here.call_soon_threadsafe(stop)

        _loop().call_soon_threadsafe(self._core.on_loss, tell)

    async def locks(self) -> list[LockInfo]:
        """Return who holds the lock."""
        return await _there(self._core.locks())

    async def unlock(self, settle: float = SETTLE_SECONDS) -> LockInfo | None:
        """Free the lock."""
        return await _there(self._core.unlock(settle))

    async def mark(self, state: State, moved_to: str) -> None:
        """Leave a marker in place of *state*."""
        await _there(self._core.mark(state, moved_to))

    async def close(self) -> None:
        """Free what is held open."""
        await _there(self._core.close())


class _Journal:
    """A journal of the core, used from another event loop."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    async def __aenter__(self) -> Self:
        await _there(self._journal.__aenter__())
        return self

    async def __aexit__(self, *raised: object) -> None:
        await _there(self._journal.__aexit__(*raised))

    async def commit(self, *records: Record) -> None:
        """Return once *records* are durable."""
        await _there(self._journal.commit(*records))


async def _there(work: Coroutine[Any, Any, T]) -> T:
    """Return the result of *work*, done in the loop of the process."""
    return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, _loop()))


_guard = threading.Lock()
_loops: dict[int, asyncio.AbstractEventLoop] = {}
"""By process: a process that was forked needs a thread of its own."""


def _loop() -> asyncio.AbstractEventLoop:
    with _guard:
        loop = _loops.get(os.getpid())
        if loop is None:
            loop = asyncio.new_event_loop()
            thread = threading.Thread(target=loop.run_forever, name="state", daemon=True)
            thread.start()
            _loops[os.getpid()] = loop
            atexit.register(_end, loop, thread)
    return loop


def _end(loop: asyncio.AbstractEventLoop, thread: threading.Thread) -> None:
    if thread.is_alive():
        loop.call_soon_threadsafe(loop.stop)
        thread.join(1.0)
    if not loop.is_running():
        loop.close()
