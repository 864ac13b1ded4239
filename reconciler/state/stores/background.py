"""A store away from this machine, for any thread and event loop: its own work is done by one of the process.

A lease is renewed while the main thread asks a person, plans, or computes slow digests. So whatever talks to
such a store runs in the event loop of one thread, which the whole process shares and its end ends.
"""

from __future__ import annotations

import asyncio
import atexit
import os
import threading
from collections.abc import AsyncIterator, Callable, Collection, Coroutine, Iterator, Mapping
from concurrent.futures import Future
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Any, Final, Protocol, Self, TypeVar

from reconciler.model import Address
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
        """Raise StateError if the lock was lost since it was taken, also once it is released."""


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
    def fences(self) -> bool:
        """As of the core."""
        return self._core.fences

    @property
    def is_grouped(self) -> bool:
        """As of the core."""
        return self._core.is_grouped

    @property
    def is_unfolded(self) -> bool:
        """As of the core."""
        return self._core.is_unfolded

    def narrow(self, groups: Collection[int] | None) -> None:
        """Read these groups alone."""
        self._core.narrow(groups)

    async def read(self) -> State | None:
        """Return the state, or None."""
        return await _there(self._core.read())

    async def begin(self, state: State) -> Journal:
        """Write *state*, and return a journal that continues it."""
        return _Journal(await _there(self._core.begin(state)))

    async def write(self, state: State, *, anew: bool = False) -> None:
        """Make *state* the snapshot."""
        await _there(self._core.write(state, anew=anew))

    def follow(self, plan_id: str, actions: Mapping[int, Address], records: Collection[Address]) -> None:
        """Note where a saved plan changes something."""
        self._core.follow(plan_id, actions, records)

    async def establish(self, state: State) -> State:
        """Return *state* as it is to begin."""
        return await _there(self._core.establish(state))

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
        work = self._core.acquire(holder, patience=timeout, waiting=waiting, settle=settle)
        taking = _Taking(self._core, work)
        try:
            _run(taking.begin()).result()
            yield
        finally:
            _run(taking.end()).result(_FAREWELL)
        self._core.check_kept()

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
        work = self._core.acquire(holder, patience=timeout, waiting=waiting, settle=settle)
        taking = _Taking(self._core, work)
        try:
            await _there(taking.begin())
            yield
        finally:
            await _there(taking.end())
        self._core.check_kept()

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


class _Taking:
    """The lock of *core*, which *work* takes: an interrupt at any moment leaves it to `end` to free it."""

    def __init__(self, core: Core, work: Coroutine[Any, Any, None]) -> None:
        self._core = core
        self._work = work
        self._task: asyncio.Task[Any] | None = None

    async def begin(self) -> None:
        """Take the lock; raises StateError."""
        self._task = asyncio.current_task()
        await self._work

    async def end(self) -> None:
        """Release the lock, after a `begin` that is still under way has let go of what it took."""
        if self._task is not None and not self._task.done():
            if not self._task.cancelling():
                self._task.cancel()
            await asyncio.wait([self._task])
        await self._core.release()


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

    async def flush(self) -> None:
        """Return once all that was committed is durable."""
        await _there(self._journal.flush())


def _run(work: Coroutine[Any, Any, T]) -> Future[T]:
    """Do *work* in the loop of the process."""
    return asyncio.run_coroutine_threadsafe(work, _loop())


async def _there(work: Coroutine[Any, Any, T]) -> T:
    """Return the result of *work*, done in the loop of the process."""
    return await asyncio.wrap_future(_run(work))


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
