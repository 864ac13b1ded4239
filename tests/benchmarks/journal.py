"""What it costs to record an action, to write and read the state, and to lock it, by number of bindings.

Run `python -m tests.benchmarks.journal [FOLDER]`; FOLDER says which disk is measured.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from time import perf_counter

from reconciler.model import MESSAGE_FIELDS
from reconciler.state.files import Files
from reconciler.state.model import Bound, State
from reconciler.state.remembered import Binding
from reconciler.state.stores.file import StateStore, new_state
from reconciler.state.stores.holder import this_process
from reconciler.state.stores.lock import lock

SIZES = (100, 10_000, 100_000)
COMMITS = 320
ROUNDS = 5


def state_of(size: int) -> State:
    """Return a state of *size* messages with four managed fields each."""
    state = new_state("AC0123456789abcdef0123456789abcdef", "https://conversations.twilio.com")
    for number in range(size):
        record = bound(state, number)
        state.bindings[record.address] = record.binding
    return state


def bound(state: State, number: int) -> Bound:
    """Return the record that one created message leaves."""
    sent = {name: state.digest(name, f"{number}") for name in MESSAGE_FIELDS[:4]}
    binding = Binding(f"IM{number:032x}", f"IS{1:032x}", f"CH{number // 100:032x}", number % 100, sent)
    return Bound(f"support/order-{number // 100}/message-{number}", binding)


def per_record(store: StateStore, state: State, at_once: int) -> float:
    """Return the seconds that one record costs with *at_once* callers side by side."""
    records = [bound(state, number) for number in range(COMMITS)]

    async def main() -> float:
        with store.begin(state) as journal:
            started = perf_counter()
            for first in range(0, COMMITS, at_once):
                batch = records[first : first + at_once]
                await asyncio.gather(*map(journal.commit, batch))
                for record in batch:
                    state.apply(record)
            return (perf_counter() - started) / COMMITS

    return asyncio.run(main())


def seconds(act: Callable[[], object]) -> float:
    """Return how long *act* takes, as the median of some rounds."""
    times = []
    for _ in range(ROUNDS):
        started = perf_counter()
        act()
        times.append(perf_counter() - started)
    return median(times)


class Unsynced(Files):
    """A disk that need not be waited for: only reading is measured."""

    def sync(self, fd: int) -> None:
        """Do nothing."""


def unfolded(path: Path, size: int) -> StateStore:
    """Return a store whose journal has *size* records, each on a line of its own."""
    store = StateStore(path, files=Unsynced())
    state = state_of(0)

    async def main() -> None:
        with store.begin(state) as journal:
            for number in range(size):
                await journal.commit(bound(state, number))

    asyncio.run(main())
    return store


def say(line: str) -> None:
    """Print *line* at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def locked(path: Path) -> None:
    """Take the lock of the state at *path*, and let it go."""
    with lock(path, holder=this_process("benchmark", {}, datetime.now(UTC)), timeout=0):
        pass


def main(folder: Path) -> None:
    """Measure on the disk of *folder*."""
    stores = {size: (StateStore(folder / f"{size}.json"), state_of(size)) for size in SIZES}
    for at_once in (1, 16):
        rounds: dict[int, list[float]] = {size: [] for size in SIZES}
        for _ in range(ROUNDS):  # sizes take turns, so that a busy moment of the machine hits all
            for size, (store, state) in stores.items():
                rounds[size].append(per_record(store, state, at_once))
        cost = {size: median(times) for size, times in rounds.items()}
        ratio = cost[SIZES[-1]] / cost[SIZES[0]]
        shown = ", ".join(f"{cost[size] * 1e6:.0f} µs at {size:,} bindings" for size in SIZES)
        say(f"one record, {at_once:2} at once: {shown}; ratio {ratio:.2f} (at most 1.5)")
    for size, (store, state) in stores.items():
        write = seconds(lambda store=store, state=state: store.write(state))  # type: ignore[misc]
        read, held = seconds(store.read), seconds(lambda size=size: locked(folder / f"{size}.json"))  # type: ignore[misc]
        say(
            f"state of {size:,} bindings: written in {write * 1e3:.1f} ms, read in {read * 1e3:.1f} ms, "
            f"locked and unlocked in {held * 1e3:.1f} ms"
        )
    store = unfolded(folder / "unfolded.json", SIZES[-1])
    say(f"journal of {SIZES[-1]:,} records: replayed in {seconds(store.read) * 1e3:.0f} ms")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(dir=sys.argv[1] if len(sys.argv) > 1 else None) as scratch:
        main(Path(scratch))
