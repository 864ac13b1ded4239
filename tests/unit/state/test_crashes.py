"""A process or machine that stops, or a disk that fails, at every single step of every write.

Each scenario is run once to count its calls to the disk, then once per call that goes wrong there.
Whatever happens, the next read returns what was there before or what was being written, every
record that somebody was told to be on disk is there, and the same write succeeds afterwards.
"""

from __future__ import annotations

import asyncio
import errno
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeAlias

import pytest

from reconciler.errors import StateError
from reconciler.state.files import Files
from reconciler.state.model import Bound, State
from reconciler.state.remembered import Binding
from reconciler.state.stores.file import StateStore, new_state

RECORDS = [Bound(f"a/b/k{number}", Binding(sid=f"IM{number}")) for number in range(4)]


class PowerOff(BaseException):
    """The process or the machine stopped."""


class Unreliable(Files):
    """Goes wrong at call number *fatal*: before, in the middle of (a write), or after it."""

    def __init__(self, fatal: int = 0, when: str = "before", failure: OSError | None = None) -> None:
        self.calls = 0
        self.fatal = fatal
        self.when = when
        self.failure = failure
        self.open: dict[int, Path] = {}
        self.flushed: dict[Path, int] = {}
        self.renamed: list[tuple[Path, bytes | None]] = []

    @contextmanager
    def step(self) -> Iterator[None]:
        """Count one call; a process that stopped makes no more of them."""
        self.calls += 1
        now = self.calls == self.fatal
        if now and self.when != "after":
            raise self.failure or PowerOff
        if self.fatal and self.calls > self.fatal and self.failure is None:
            raise PowerOff
        yield
        if now:
            raise self.failure or PowerOff

    def create(self, path: Path, mode: int = 0o600) -> int:
        """Create, unless it goes wrong."""
        with self.step():
            fd = super().create(path, mode)
            self.open[fd] = path
            self.flushed[path] = 0
            return fd

    def append(self, path: Path) -> int:
        """Open, unless it goes wrong."""
        with self.step():
            fd = super().append(path)
            self.open[fd] = path
            return fd

    def write(self, fd: int, data: bytes) -> None:
        """Write all, none, or half."""
        if self.calls + 1 == self.fatal and self.when == "middle":
            super().write(fd, data[: len(data) // 2])
        with self.step():
            super().write(fd, data)

    def sync(self, fd: int) -> None:
        """Flush, unless it goes wrong."""
        with self.step():
            super().sync(fd)
            self.flushed[self.open[fd]] = os.fstat(fd).st_size

    def replace(self, source: Path, path: Path) -> None:
        """Rename, unless it goes wrong."""
        with self.step():
            self.renamed.append((path, path.read_bytes() if path.exists() else None))
            super().replace(source, path)
            self.flushed[path] = self.flushed.pop(source)

    def remove(self, path: Path) -> None:
        """Remove, unless it goes wrong."""
        with self.step():
            if path.exists():
                self.renamed.append((path, path.read_bytes()))
            super().remove(path)

    def sync_folder(self, folder: Path) -> None:
        """Flush the names, unless it goes wrong."""
        with self.step():
            super().sync_folder(folder)
            self.renamed.clear()

    def lose_power(self, *, kept: int) -> None:
        """Undo what was never flushed: data, and names; the last *kept* names happen to be on disk."""
        for path, length in self.flushed.items():
            if path.exists() and path.stat().st_size > length:
                os.truncate(path, length)
        for path, content in reversed(self.renamed[: len(self.renamed) - kept]):
            path.unlink(missing_ok=True)
            if content is not None:
                path.write_bytes(content)


Scenario: TypeAlias = Callable[[StateStore, list[Bound]], None]


def first(store: StateStore, told: list[Bound]) -> None:
    """Begin and record the first apply ever."""
    _apply(store, new_state("AC1", "https://x"), told)


def second(store: StateStore, told: list[Bound]) -> None:
    """Take over a journal that a crash left, then apply, then fold."""
    state = store.read()
    assert state is not None
    _apply(store, state, told)
    for record in told:
        state.apply(record)
    store.write(state)


def fold(store: StateStore, told: list[Bound]) -> None:
    """Fold a journal that a crash left."""
    state = store.read()
    assert state is not None
    assert not told
    store.write(state)


def _apply(store: StateStore, state: State, told: list[Bound]) -> None:
    async def main() -> None:
        with store.begin(state) as journal:
            for record in RECORDS:
                await journal.commit(record)
                told.append(record)

    asyncio.run(main())


def prepared(folder: Path, scenario: Scenario) -> tuple[Path, dict[str, Binding]]:
    """Return a state path ready for *scenario*, and what it binds."""
    folder.mkdir()
    path = folder / "s.json"
    if scenario is first:
        return path, {}
    state = new_state("AC1", "https://x")

    async def main() -> None:
        with StateStore(path).begin(state) as journal:
            await journal.commit(Bound("a/b/old", Binding(sid="IM")))

    asyncio.run(main())
    return path, {"a/b/old": Binding(sid="IM")}


def calls_of(folder: Path, scenario: Scenario) -> int:
    """Return how many calls *scenario* makes if nothing goes wrong."""
    files = Unreliable()
    scenario(StateStore(prepared(folder, scenario)[0], files=files), [])
    return files.calls


def bindings_at(path: Path) -> dict[str, Binding]:
    """Return what a new process reads."""
    state = StateStore(path).read()
    return state.bindings if state else {}


def expected(before: dict[str, Binding], told: list[Bound]) -> list[dict[str, Binding]]:
    """Return what may be read: all that was told, and perhaps the one record that was being written."""
    return [
        before | {record.address: record.binding for record in RECORDS[:count]}
        for count in (len(told), len(told) + 1)
    ]


SCENARIOS = [first, second, fold]


@pytest.mark.parametrize("scenario", SCENARIOS)
@pytest.mark.parametrize("when", ["before", "middle", "after"])
def test_a_process_killed_at_any_step_loses_nothing(tmp_path: Path, scenario: Scenario, when: str) -> None:
    """The next process reads all that was told to be recorded, and can go on."""
    for fatal in range(1, calls_of(tmp_path / "count", scenario) + 1):
        path, before = prepared(tmp_path / f"{fatal}", scenario)
        told: list[Bound] = []
        with pytest.raises(PowerOff):
            scenario(StateStore(path, files=Unreliable(fatal, when)), told)

        assert bindings_at(path) in expected(before, told)
        _goes_on(path)


@pytest.mark.parametrize("scenario", SCENARIOS)
@pytest.mark.parametrize("kept", [0, 1])
@pytest.mark.parametrize("when", ["before", "middle", "after"])
def test_a_power_failure_at_any_step_loses_nothing(
    tmp_path: Path, scenario: Scenario, when: str, kept: int
) -> None:
    """Nor when what was not flushed is gone, or only an earlier rename of two is."""
    for fatal in range(1, calls_of(tmp_path / "count", scenario) + 1):
        path, before = prepared(tmp_path / f"{fatal}", scenario)
        told: list[Bound] = []
        files = Unreliable(fatal, when)
        with pytest.raises(PowerOff):
            scenario(StateStore(path, files=files), told)
        files.lose_power(kept=kept)

        assert bindings_at(path) in expected(before, told)
        _goes_on(path)


@pytest.mark.parametrize("scenario", SCENARIOS)
@pytest.mark.parametrize("when", ["before", "middle", "after"])
def test_a_full_disk_at_any_step_is_an_error(tmp_path: Path, scenario: Scenario, when: str) -> None:
    """The path, the reason and the way out are named; what was there before still is."""
    for fatal in range(1, calls_of(tmp_path / "count", scenario) + 1):
        path, before = prepared(tmp_path / f"{fatal}", scenario)
        told: list[Bound] = []
        files = Unreliable(fatal, when, OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)))
        with pytest.raises(StateError) as caught:
            scenario(StateStore(path, files=files), told)

        assert str(path) in caught.value.text
        assert caught.value.text.endswith(": No space left on device")
        assert caught.value.hint == "free some space on that disk, then run the command again"
        assert bindings_at(path) in expected(before, told)
        _goes_on(path)


@pytest.mark.parametrize(
    ("code", "advice"),
    [
        (errno.EROFS, "use a folder that can be written to, with `--state`"),
        (errno.EACCES, "make the file and its folder writable for you, or use another place with `--state`"),
        (errno.EDQUOT, "free some of your quota, then run the command again"),
        (errno.EIO, "check that disk before running the command again"),
    ],
)
def test_each_failure_has_its_advice(tmp_path: Path, code: int, advice: str) -> None:
    """The path, the system's reason, and what to do about it."""
    store = StateStore(tmp_path / "s.json", files=Unreliable(1, failure=OSError(code, os.strerror(code))))

    with pytest.raises(StateError) as caught:
        store.write(new_state("AC1", "https://x"))

    assert caught.value.text == f"cannot write `{tmp_path / 's.json'}`: {os.strerror(code)}"
    assert caught.value.hint == advice


def test_a_store_that_failed_can_write_again(tmp_path: Path) -> None:
    """At the end of an apply whose disk was full for a while, the same store saves what was done."""
    for fatal in range(1, calls_of(tmp_path / "count", fold) + 1):
        path, before = prepared(tmp_path / f"{fatal}", fold)
        store = StateStore(path, files=Unreliable(fatal, "after", OSError(errno.ENOSPC, "full")))
        state = store.read()
        assert state is not None
        with suppress(StateError):
            store.write(state)

        state.apply(RECORDS[0])
        store.write(state)

        assert bindings_at(path) == before | {RECORDS[0].address: RECORDS[0].binding}


def test_a_full_disk_is_left_as_full_as_it_was(tmp_path: Path) -> None:
    """The draft that could not be finished is removed."""
    path, _ = prepared(tmp_path / "s", fold)
    names = {file.name for file in path.parent.iterdir()}
    full = OSError(errno.ENOSPC, "full")

    with pytest.raises(StateError):
        fold(StateStore(path, files=Unreliable(3, "middle", full)), [])

    assert {file.name for file in path.parent.iterdir()} == names


def _goes_on(path: Path) -> None:
    """Claim that a later process can write, and reads what it wrote."""
    store = StateStore(path)
    state = store.read() or new_state("AC1", "https://x")
    state.bindings["a/b/later"] = Binding(sid="IML")
    store.write(state)
    assert bindings_at(path) == state.bindings
    assert {file.name for file in path.parent.iterdir()} <= {"s.json", "s.json.backup", "s.json.journal.tmp"}
