"""A disk that fails under an apply, at every single call; and states that lost their journal."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from reconciler.errors import StateError
from reconciler.plans.options import Options
from reconciler.state.files import Files
from tests.support.desk import Desk, conversation

BEFORE = conversation("a: One", "b: Hello", "c: Hello", "d: Four", settings="order: strict")
AFTER = conversation("a: Uno", "new: Hello", "b: Hello", "c: Hello", settings="order: strict")
BODIES = ["Uno", "Hello", "Hello", "Hello"]
CALLS_OF_A_SNAPSHOT = 10
"""Five for the backup, and five for the file itself."""
ALL = Options(max_delete=100, max_delete_percent=True)


class FailingFiles(Files):
    """Fails at call number *fatal*, a write in its middle, and at every write and flush after it."""

    def __init__(self, fatal: int, error: int) -> None:
        self.calls = 0
        self._fatal = fatal
        self._error = error

    def _reach(self, *, needs_space: bool) -> None:
        self.calls += 1
        if self.calls == self._fatal or (self.calls > self._fatal > 0 and needs_space):
            raise OSError(self._error, os.strerror(self._error))

    def create(self, path: Path, mode: int = 0o600) -> int:
        """Create, or fail."""
        self._reach(needs_space=True)
        return super().create(path, mode)

    def write(self, fd: int, data: bytes) -> None:
        """Write all, or fail after the half."""
        if self.calls + 1 == self._fatal:
            super().write(fd, data[: len(data) // 2])
        self._reach(needs_space=True)
        super().write(fd, data)

    def sync(self, fd: int) -> None:
        """Flush, or fail."""
        self._reach(needs_space=True)
        super().sync(fd)

    def replace(self, source: Path, path: Path) -> None:
        """Rename, or fail."""
        self._reach(needs_space=False)
        super().replace(source, path)

    def sync_folder(self, folder: Path) -> None:
        """Flush the names, or fail."""
        self._reach(needs_space=False)
        super().sync_folder(folder)


def test_apply_survives_a_failing_disk(tmp_path: Path) -> None:
    """Wherever it fails: the error says what to do, the state is readable, the next apply does the rest."""
    fatal, failed = 0, True
    while failed:
        fatal += 1
        folder = tmp_path / str(fatal)
        folder.mkdir()
        with Desk(folder) as desk:
            desk.apply(BEFORE)
            files = FailingFiles(fatal, errno.ENOSPC if fatal % 2 else errno.EIO)
            try:
                desk.apply(AFTER, ALL, files=files)
            except StateError as raised:
                assert raised.hint  # noqa: PT017  # at which calls it is raised differs
            failed = files.calls >= fatal
            desk.apply(AFTER, ALL)
            assert desk.bodies("c") == BODIES
            assert not desk.plan(AFTER, ALL).actions
    assert fatal > 30


def test_full_disk_leaves_state_and_remote_as_they_were(desk: Desk) -> None:
    """Where not even the snapshot fits, nothing is sent."""
    desk.apply(BEFORE)
    before = {path.name: path.read_bytes() for path in desk.folder.iterdir() if "state" in path.name}
    desk.emulator.requests.clear()

    with pytest.raises(StateError, match=r"cannot write .*No space left on device") as raised:
        desk.apply(AFTER, ALL, files=FailingFiles(1, errno.ENOSPC))

    assert raised.value.hint == "free some space on that disk, then run the command again"
    assert {request.method for request in desk.emulator.requests} == {"GET"}
    assert {path.name: path.read_bytes() for path in desk.folder.iterdir() if "state" in path.name} == before


def test_lost_journal_doubles_nothing(tmp_path: Path) -> None:
    """With the snapshot alone, what it announced is looked up."""
    for fatal in range(1, 60):
        folder = tmp_path / str(fatal)
        folder.mkdir()
        with Desk(folder) as desk:
            desk.apply(BEFORE)
            files = FailingFiles(fatal, errno.EIO)
            try:
                desk.apply(AFTER, ALL, files=files)
            except StateError:
                desk.state_path.with_name(desk.state_path.name + ".journal").unlink(missing_ok=True)
            if files.calls < fatal:
                return
            desk.apply(AFTER, ALL)
            assert desk.bodies("c") == BODIES
            assert not desk.plan(AFTER, ALL).actions
    pytest.fail("the disk was called more often than that")


def test_plan_with_open_creates_waits_for_nothing_and_writes_nothing(desk: Desk) -> None:
    """It reports what it would settle, and assumes for the rest what it sees."""
    desk.fault("create_message:3:reset_after", "list_messages:503")
    desk.apply(BEFORE)
    files = {path.name: path.read_bytes() for path in desk.folder.iterdir()}
    desk.fault("list_messages:late=3600")
    began = desk.elapsed

    hidden = desk.plan(BEFORE)
    desk.fault()
    shown = desk.plan(BEFORE)

    assert desk.elapsed == began
    assert [(intent.address, sid) for intent, sid in hidden.settlements] == [("desk/c/c", None)]
    assert [(intent.address, sid) for intent, sid in shown.settlements] == [
        ("desk/c/c", desk.messages("c")[2]["sid"])
    ]
    assert [action.address for action in shown.actions] == ["desk/c/d"]
    assert {path.name: path.read_bytes() for path in desk.folder.iterdir()} == files


def test_journal_left_by_a_crash_is_folded_by_an_apply_with_nothing_to_do(tmp_path: Path) -> None:
    """Everything was done when the last snapshot failed; the next apply writes it."""
    journal = tmp_path / "reconciler.state.json.journal"
    (tmp_path / "counted").mkdir()
    with Desk(tmp_path / "counted") as other:
        counted = FailingFiles(0, errno.EIO)
        other.apply(BEFORE, files=counted)
    with Desk(tmp_path) as desk:
        with pytest.raises(StateError):
            desk.apply(BEFORE, files=FailingFiles(counted.calls - CALLS_OF_A_SNAPSHOT + 1, errno.EIO))
        assert journal.exists()

        desk.apply(BEFORE)

        assert not journal.exists()
        assert desk.bodies("c") == ["One", "Hello", "Hello", "Four"]
