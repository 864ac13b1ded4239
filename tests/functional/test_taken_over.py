"""Two processes: the holder is stopped past its lease, the other takes over, and the first wakes up."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import TypeAlias

import pytest

from reconciler.emulator import Emulator
from reconciler.emulator.server import running
from tests.crash.checks import copy_of
from tests.support.desk import conversation
from tests.support.folder_blobs import SharedClock

Remote: TypeAlias = tuple[Emulator, str]

ROOT = Path(__file__).parents[2]
ACCOUNT = "AC" + "0" * 32
FIRST, LATER = "first", "later"
"""The runs: a first one, and one that deletes two messages and creates two."""
MESSAGES = {FIRST: range(20), LATER: range(2, 22)}
POINTS = {
    "objects": (
        # The first run: its lease, snapshot and head, its windows, replies, fold, deletions and release.
        (FIRST, "1 after create lease"),
        (FIRST, "1 before create snapshots"),
        (FIRST, "1 after create snapshots"),
        (FIRST, "1 before create head"),
        (FIRST, "1 after create head"),
        (FIRST, "4 before create journal"),
        (FIRST, "4 after create journal"),
        (FIRST, "9 before the check"),
        (FIRST, "1 after create_service"),
        (FIRST, "1 after create_conversation"),
        (FIRST, "9 after create_message"),
        (FIRST, "2 before create snapshots"),
        (FIRST, "2 after create snapshots"),
        (FIRST, "1 before swap head"),
        (FIRST, "1 after swap head"),
        (FIRST, "2 before delete objects"),
        (FIRST, "2 after delete objects"),
        (FIRST, "1 before swap lease"),
        # A later one: its takeover and fence, and what is deleted at Twilio.
        (LATER, "1 after swap lease"),
        (LATER, "1 before create journal"),
        (LATER, "1 after create journal"),
        (LATER, "1 before swap head"),
        (LATER, "1 after swap head"),
        (LATER, "1 before delete objects"),
        (LATER, "3 before the check"),
        (LATER, "1 after delete_message"),
        (LATER, "2 before swap lease"),
    ),
    "page": (
        # Its lease, the announcement, replies, what is written at the end, and the release.
        (FIRST, "1 after replace"),
        (FIRST, "2 before replace"),
        (FIRST, "2 after replace"),
        (FIRST, "9 before the check"),
        (FIRST, "1 after create_service"),
        (FIRST, "9 after create_message"),
        (FIRST, "3 before replace"),
        (FIRST, "3 after replace"),
        (FIRST, "4 before replace"),
        (LATER, "1 after replace"),
        (LATER, "3 before the check"),
        (LATER, "1 after delete_message"),
        (LATER, "4 before replace"),
    ),
}
"""Where the holder is stopped: in which run, and when it comes to that point for that time."""
LOST = {
    "objects": (
        (FIRST, "1 create snapshots"),
        (FIRST, "1 create head"),
        (FIRST, "1 create journal"),
        (FIRST, "4 create journal"),
        (FIRST, "1 swap head"),
        (FIRST, "1 swap lease"),
        (LATER, "1 create journal"),
        (LATER, "1 delete objects"),
    ),
    "page": ((FIRST, "2 replace"), (FIRST, "3 replace"), (FIRST, "4 replace")),
}
"""Writes whose reply is lost; the holder is stopped right after one."""
CASES = [(kind, *case) for kind, cases in POINTS.items() for case in cases]
CASES_LOST = [(kind, *case) for kind, cases in LOST.items() for case in cases]


class Place:
    """A folder with a manifest and a state, and an emulator."""

    def __init__(self, folder: Path, remote: Remote, kind: str, run: str) -> None:
        self.folder = folder
        self.remote, self.url = remote
        self.clock = SharedClock(folder, jumps=True)
        self._kind = ("--page",) * (kind == "page")
        self._messages = MESSAGES[run]
        wanted = conversation(*(f"m{number:02}: Text {number}" for number in self._messages))
        (folder / "desk.yaml").write_text(wanted)
        self._started: list[subprocess.Popen[str]] = []

    def start(self, name: str, *arguments: str) -> subprocess.Popen[str]:
        """Start an apply as *name*."""
        environ = {**os.environ, "TWILIO_ACCOUNT_SID": ACCOUNT, "TWILIO_AUTH_TOKEN": "any"}
        command = [sys.executable, "-m", "tests.support.stopping", str(self.folder), self.url, name]
        process = subprocess.Popen(
            [*command, *self._kind, *arguments], cwd=ROOT, env=environ, stderr=subprocess.PIPE, text=True
        )
        self._started.append(process)
        return process

    def end(self, process: subprocess.Popen[str]) -> tuple[int, str]:
        """Wait for a process, and return its exit code and what it said."""
        _, said = process.communicate(timeout=120)
        return process.returncode, said

    def stopped(self, point: str, *arguments: str) -> subprocess.Popen[str]:
        """Start an apply that stops at *point*, and return it once it has."""
        process = self.start("ann@here", "--stop", point, *arguments)
        _, status = os.waitpid(process.pid, os.WUNTRACED)
        assert os.WIFSTOPPED(status), (point, process.stderr and process.stderr.read())
        return process

    def check_woken(self, ann: subprocess.Popen[str]) -> None:
        """Wake the first run, and check that it sends nothing, fails, and names who took over."""
        ann.send_signal(signal.SIGCONT)
        code, said = self.end(ann)
        assert self.bodies() == [f"Text {number}" for number in self._messages]
        assert (code, "it was taken over by bob@there" in said) == (1, True), said

    def close(self) -> None:
        """End what a failed test has left."""
        for process in self._started:
            if process.returncode is None:
                process.kill()
                process.communicate()

    def bodies(self) -> list[str]:
        """Return what the messages say."""
        found = self.remote.store._database.all("SELECT document FROM messages ORDER BY number", ())
        return [json.loads(document)["body"] for (document,) in found]


@pytest.fixture(scope="module")
def remote() -> Iterator[Remote]:
    """An emulator without anything, over HTTP, and its URL."""
    with closing(Emulator()) as emulator, running(emulator) as url:
        yield emulator, url


@pytest.fixture(scope="module")
def empty(remote: Remote) -> sqlite3.Connection:
    """What the emulator holds before anything."""
    return copy_of(remote[0].store._database._connection)


@pytest.fixture(scope="module")
def applied(
    tmp_path_factory: pytest.TempPathFactory, remote: Remote, empty: sqlite3.Connection
) -> dict[str, tuple[Path, sqlite3.Connection]]:
    """By kind, a folder in which the first run has ended, and what the emulator holds then."""
    found, live = {}, remote[0].store._database._connection
    for kind in POINTS:
        empty.backup(live)
        place = Place(tmp_path_factory.mktemp(kind), remote, kind, FIRST)
        assert place.end(place.start("ann@here")) == (0, "")
        found[kind] = place.folder, copy_of(live)
    return found


@pytest.fixture
def place(
    tmp_path: Path,
    remote: Remote,
    empty: sqlite3.Connection,
    applied: dict[str, tuple[Path, sqlite3.Connection]],
    kind: str,
    run: str,
) -> Iterator[Place]:
    """A state and an emulator as that run finds them."""
    folder, before = applied[kind] if run == LATER else (tmp_path, empty)
    before.backup(remote[0].store._database._connection)
    if run == LATER:
        shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    with closing(Place(tmp_path, remote, kind, run)) as place:
        yield place


@pytest.mark.parametrize(("kind", "run", "point"), CASES)
def test_who_was_stopped_past_its_lease_sends_nothing_more(place: Place, point: str) -> None:
    """The other looks up what was under way, does the rest and folds; the first names it and exits 1."""
    ann = place.stopped(point)
    place.clock.add(200)

    assert place.end(place.start("bob@there")) == (0, "")

    place.check_woken(ann)


@pytest.mark.parametrize(("kind", "run", "lost"), CASES_LOST)
def test_a_write_whose_reply_is_lost(place: Place, lost: str) -> None:
    """The holder is stopped right after it, and does not know whether it was written."""
    number, _, write = lost.partition(" ")
    ann = place.stopped(f"{number} after {write}", "--lost", lost)
    place.clock.add(200)

    assert place.end(place.start("bob@there")) == (0, "")

    place.check_woken(ann)


@pytest.mark.parametrize(
    ("kind", "run", "point"),
    [
        ("objects", FIRST, "9 before the check"),
        ("objects", LATER, "1 after delete_message"),
        ("page", FIRST, "9 before the check"),
    ],
)
def test_a_lock_that_is_freed_in_the_middle(place: Place, point: str) -> None:
    """Whoever takes it waits until the first can send nothing more."""
    ann = place.stopped(point)

    assert place.end(place.start("bob@there", "--unlock")) == (0, "")

    place.check_woken(ann)
