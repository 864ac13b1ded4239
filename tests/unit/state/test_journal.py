"""The journal: appending so that a reply counts only when it is on disk, and reading what is there.

Cases: group commit, failure of a write or flush, cancellation, closing; replay of a current, an
older, a later and a foreign journal; torn lines, damage, order.
"""

from __future__ import annotations

import asyncio
import errno
import os
from collections.abc import Callable
from pathlib import Path
from threading import Event, active_count
from typing import TypeAlias
from zlib import crc32

import pytest

from reconciler.errors import StateError
from reconciler.state.files import Files
from reconciler.state.journal import Journal, replay
from reconciler.state.model import (
    Bound,
    Carried,
    Closed,
    Moved,
    Opened,
    OpenPlan,
    PlanOpened,
    PlanUsed,
    Record,
    State,
    Unbound,
)
from reconciler.state.remembered import Binding, Intent

Damage: TypeAlias = Callable[[list[bytes]], list[bytes]]

FIRST, SECOND, THIRD = (Bound(f"a/b/k{n}", Binding(sid=f"IM{n}")) for n in (1, 2, 3))


def state(serial: int = 3, lineage: str = "history") -> State:
    """Return a snapshot without bindings."""
    return State(lineage=lineage, account_sid="AC1", origin="https://x", serial=serial)


def journal_at(path: Path, files: Files | None = None) -> Journal:
    """Start the journal that continues `state()`."""
    return Journal(path, lineage="history", serial=3, files=files or Files())


def written(path: Path, *records: Record) -> bytes:
    """Return a journal with a line for each of *records*."""

    async def main() -> None:
        with journal_at(path) as journal:
            for record in records:
                await journal.commit(record)

    asyncio.run(main())
    return path.read_bytes()


def replayed(data: bytes, snapshot: State | None = None) -> list[str]:
    """Return the addresses bound after replaying *data*."""
    snapshot = snapshot or state()
    replay(snapshot, data, "s.journal")
    return list(snapshot.bindings)


class Held(Files):
    """Lets a flush begin, then holds it until told."""

    def __init__(self) -> None:
        self.hold = False
        self.begun = Event()
        self.go = Event()
        self.synced = 0

    def sync(self, fd: int) -> None:
        """Wait, if asked to, then count."""
        if self.hold:
            self.begun.set()
            assert self.go.wait(10)
        super().sync(fd)
        self.synced += 1


class Failing(Files):
    """Fails in *step* once armed; a failing write gets half of its bytes to the file."""

    def __init__(self, step: str, code: int) -> None:
        self.step = step
        self.code = code
        self.armed = False

    def write(self, fd: int, data: bytes) -> None:
        """Write half, then fail."""
        if self.armed and self.step == "write":
            super().write(fd, data[: len(data) // 2])
            raise OSError(self.code, os.strerror(self.code))
        super().write(fd, data)

    def sync(self, fd: int) -> None:
        """Fail."""
        if self.armed and self.step == "sync":
            raise OSError(self.code, os.strerror(self.code))
        super().sync(fd)


def test_each_kind_of_record_is_replayed_in_order(tmp_path: Path) -> None:
    """What was committed changes the snapshot as it changed the state in memory."""
    lost = Opened(Intent(address="a/b/lost", boundary=4))
    records: list[Record] = [
        FIRST,
        SECOND,
        lost,
        Opened(Intent("a/b/k9")),
        Closed("a/b/k9"),
        Unbound("a/b/k1"),
    ]
    records += [Moved("a/b/k2", "a/b/new"), PlanUsed("plan-1")]
    records += [PlanOpened("plan-2", 4), Carried((0, 3)), PlanOpened("plan-2", 5), Carried((1,))]
    after = state()

    replay(after, written(tmp_path / "j", *records), "j")

    assert after.bindings == {"a/b/new": SECOND.binding}
    assert after.intents == {"a/b/lost": lost.intent}
    assert after.used_plans == ["plan-1"]
    assert after.open_plan == OpenPlan("plan-2", 5, [0, 3, 1])


def test_one_who_commits_is_answered_only_after_the_flush(tmp_path: Path) -> None:
    """The event loop goes on meanwhile."""
    files = Held()

    async def main() -> tuple[bool, bool]:
        with journal_at(tmp_path / "j", files) as journal:
            files.hold = True
            commit = asyncio.create_task(journal.commit(FIRST))
            await asyncio.to_thread(files.begun.wait, 10)
            before = commit.done()
            files.go.set()
            await commit
            return before, commit.done()

    assert asyncio.run(main()) == (False, True)


def test_without_a_disk_to_wait_for_the_callers_thread_writes(tmp_path: Path) -> None:
    """Handing a line to another thread would take longer than writing it; a failure is known as ever."""
    files = Failing("write", errno.ENOSPC)
    files.waits = False

    async def main() -> bytes:
        with journal_at(tmp_path / "j", files) as journal:
            await journal.commit(FIRST)
            content, threads = (tmp_path / "j").read_bytes(), active_count()
            files.armed = True
            for _ in range(2):
                with pytest.raises(StateError, match="No space left"):
                    await journal.commit(SECOND)
            assert active_count() == threads == before
            return content

    before = active_count()
    assert replayed(asyncio.run(main())) == ["a/b/k1"]


def test_all_who_wait_share_one_flush(tmp_path: Path) -> None:
    """Sixteen commits that come during a flush cost one more, and are one line."""
    files = Held()

    async def main() -> int:
        with journal_at(tmp_path / "j", files) as journal:
            files.hold = True
            first = asyncio.create_task(journal.commit(FIRST))
            await asyncio.to_thread(files.begun.wait, 10)
            before = files.synced
            others = [asyncio.create_task(journal.commit(SECOND)) for _ in range(16)]
            await asyncio.sleep(0)
            files.go.set()
            await asyncio.gather(first, *others)
            return files.synced - before

    assert asyncio.run(main()) == 2
    assert (tmp_path / "j").read_bytes().count(b"\n") == 3


def test_records_of_one_commit_are_one_line(tmp_path: Path) -> None:
    """They are replayed all or none: a new binding never without what supersedes the old."""

    async def main() -> None:
        with journal_at(tmp_path / "j") as journal:
            await journal.commit(FIRST, SECOND)

    asyncio.run(main())

    data = (tmp_path / "j").read_bytes()
    assert replayed(data) == ["a/b/k1", "a/b/k2"]
    assert replayed(data[:-1]) == []


def test_one_who_gives_up_does_not_stop_the_others(tmp_path: Path) -> None:
    """A cancelled commit is written with the flush that it had joined."""
    files = Held()

    async def main() -> None:
        with journal_at(tmp_path / "j", files) as journal:
            files.hold = True
            first = asyncio.create_task(journal.commit(FIRST))
            await asyncio.to_thread(files.begun.wait, 10)
            second, third = (asyncio.create_task(journal.commit(record)) for record in (SECOND, THIRD))
            await asyncio.sleep(0)
            second.cancel()
            await asyncio.sleep(0)
            files.go.set()
            await asyncio.gather(first, third)
            assert second.cancelled()

    asyncio.run(main())

    assert replayed((tmp_path / "j").read_bytes()) == ["a/b/k1", "a/b/k2", "a/b/k3"]


def test_leaving_makes_durable_what_nobody_waits_for_any_more(tmp_path: Path) -> None:
    """A second Ctrl-C cancels those who wait; their replies are kept."""

    async def main() -> None:
        with journal_at(tmp_path / "j") as journal:
            commit = asyncio.create_task(journal.commit(FIRST))
            await asyncio.sleep(0)
            commit.cancel()

    asyncio.run(main())

    assert replayed((tmp_path / "j").read_bytes()) == ["a/b/k1"]


@pytest.mark.parametrize(
    ("step", "code", "reason"),
    [
        ("write", errno.ENOSPC, "No space left on device"),
        ("write", errno.EIO, "Input/output error"),
        ("sync", errno.EIO, "Input/output error"),
    ],
)
def test_after_a_failure_nothing_more_is_written(tmp_path: Path, step: str, code: int, reason: str) -> None:
    """All who wait are told, so are those who come later, and what was durable before still is."""
    files = Failing(step, code)

    async def main() -> list[object]:
        with journal_at(tmp_path / "j", files) as journal:
            await journal.commit(FIRST)
            files.armed = True
            failed = await asyncio.gather(
                journal.commit(SECOND), journal.commit(SECOND), return_exceptions=True
            )
            files.armed = False
            return [*failed, *await asyncio.gather(journal.commit(THIRD), return_exceptions=True)]

    errors = asyncio.run(main())

    assert {str(error) for error in errors} == {f"cannot write `{tmp_path / 'j'}`: {reason}"}
    assert all(isinstance(error, StateError) and error.hint for error in errors)
    bound = replayed((tmp_path / "j").read_bytes())
    assert bound[0] == "a/b/k1"
    assert "a/b/k3" not in bound


def test_a_short_write_is_continued(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The system may take fewer bytes than it is given."""
    write = os.write
    monkeypatch.setattr(os, "write", lambda fd, data: write(fd, data[:7]))

    assert replayed(written(tmp_path / "j", FIRST, SECOND)) == ["a/b/k1", "a/b/k2"]


@pytest.mark.parametrize("umask", [0, 0o777], ids=oct)
def test_only_its_owner_may_read_it(tmp_path: Path, umask: int) -> None:
    """Mode 0600 whatever the umask."""
    before = os.umask(umask)
    try:
        journal_at(tmp_path / "j").close()
    finally:
        os.umask(before)

    assert (tmp_path / "j").stat().st_mode & 0o777 == 0o600


def test_an_older_journal_changes_nothing(tmp_path: Path) -> None:
    """It was folded into the snapshot before the process stopped."""
    assert replayed(written(tmp_path / "j", FIRST), state(serial=4)) == []


@pytest.mark.parametrize(
    ("snapshot", "whose"),
    [
        (state(serial=2), "a later state (serial 3; this one has 2)"),
        (state(lineage="other"), "another state (lineage history, not other)"),
    ],
    ids=["later", "foreign"],
)
def test_a_journal_of_something_else_is_an_error(tmp_path: Path, snapshot: State, whose: str) -> None:
    """Both sides are named, and nothing is replayed."""
    with pytest.raises(StateError) as caught:
        replayed(written(tmp_path / "j", FIRST), snapshot)

    assert caught.value.text == f"the journal `s.journal` belongs to {whose}"
    assert snapshot.bindings == {}


def test_a_journal_of_a_newer_release_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It may hold records that this release would not understand."""
    with monkeypatch.context() as later:
        later.setattr("reconciler.state.journal.FORMAT_VERSION", 99)
        data = written(tmp_path / "j", FIRST)

    with pytest.raises(StateError, match="made by a newer release") as caught:
        replayed(data)
    assert caught.value.hint == "upgrade reconciler"


def test_a_line_cut_anywhere_is_dropped(tmp_path: Path) -> None:
    """What a crash left of the last line was promised to nobody."""
    data = written(tmp_path / "j", FIRST, SECOND)
    complete = data.index(b"\n", data.index(b"\n") + 1) + 1

    assert {tuple(replayed(data[:length])) for length in range(complete, len(data))} == {("a/b/k1",)}


@pytest.mark.parametrize("data", [b"", b"\0" * 512, b'0123 {"format'], ids=["empty", "zeros", "torn"])
def test_a_journal_without_a_whole_line_holds_nothing(data: bytes) -> None:
    """No record can have been written before the header was there."""
    assert replayed(data) == []


def test_a_last_line_whose_blocks_were_lost_is_dropped(tmp_path: Path) -> None:
    """After a power failure a file can have its length, but zeros in place of the data."""
    data = written(tmp_path / "j", FIRST, SECOND)
    torn = data[:-40] + b"\0" * 39 + b"\n"

    assert replayed(torn) == ["a/b/k1"]


@pytest.mark.parametrize(
    ("damage", "line"),
    [
        (lambda lines: [lines[0].replace(b"3", b"4"), *lines[1:]], 1),
        (lambda lines: [lines[0], lines[1].replace(b"IM1", b"IM9"), *lines[2:]], 2),
        (lambda lines: [lines[0], *lines[2:]], 2),
        (lambda lines: [lines[0], lines[2], lines[1], lines[3]], 2),
        (lambda lines: [lines[0], lines[1], lines[1], lines[2], lines[3]], 3),
        (lambda lines: [lines[0], lines[1], b"\n", *lines[2:]], 3),
        (lambda lines: [*lines[:3], lines[3].replace(b"IM3", b"IM9"), b"0123"], 4),
    ],
    ids=["header", "changed", "lost", "swapped", "doubled", "empty line", "before a torn one"],
)
def test_damage_elsewhere_names_the_line(tmp_path: Path, damage: Damage, line: int) -> None:
    """What was promised to be on disk is not silently dropped."""
    data = written(tmp_path / "j", FIRST, SECOND, THIRD)

    with pytest.raises(StateError) as caught:
        replayed(b"".join(damage(data.splitlines(keepends=True))))

    assert caught.value.text == f"the journal `s.journal` is damaged in line {line}"
    assert "move it away" in str(caught.value.hint)


def test_a_record_that_does_not_fit_the_snapshot_is_damage(tmp_path: Path) -> None:
    """The checksum is right, but nothing has the address that is moved."""
    with pytest.raises(StateError, match="damaged in line 2"):
        replayed(written(tmp_path / "j", Moved("a/b/none", "a/b/new")))


def test_a_header_that_is_none_is_damage() -> None:
    """A file whose first line is well formed, but tells no snapshot, is no journal."""
    with pytest.raises(StateError, match="damaged in line 1"):
        replayed(b"%08x []\n" % crc32(b"[]"))
