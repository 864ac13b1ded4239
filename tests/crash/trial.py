"""One emulator, one folder, and processes that are killed: what happens, and what must hold afterwards."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Self

from reconciler.emulator import Emulator, Fault
from reconciler.emulator.fault_text import parse_fault
from reconciler.emulator.faults import Delay, Invoke, Reset
from reconciler.emulator.server import running
from reconciler.errors import StateError
from tests.crash.checks import copy_of, differences, is_connected
from tests.crash.commands import PLAN, arguments
from tests.crash.places import STATE, place_of
from tests.crash.points import Point
from tests.crash.scenarios import Scenario

ROOT = Path(__file__).parents[2]
PNG = b"\x89PNG"
_TRIES = 5
"""How often an apply is run where a replica is behind: it fails where it cannot read."""
_LATE_TRIES = 2
"""How often an apply is run that a late request of a dead process may meet.

It refuses what that request changed between its plan and its lock, as if somebody else had done it.
"""
TORN = ("write", "push", "put")
"""Calls to the disk or the store that a process can be killed in the middle of."""
LATE = 0.1
"""Seconds after which a late request is handled."""


LAG = timedelta(seconds=5)
"""Longer than any replica of a scenario lags; the emulator's clock goes ahead by it between two steps."""


class Trial:
    """An emulator over HTTP, a folder in *home* and a *kind* of place for its state.

    Use it as a context manager.
    """

    def __init__(self, home: Path, kind: str = "file") -> None:
        self.folder = home / "work"
        self.place = place_of(kind, home / "place")
        self._kept = home / "kept"
        self._output = home / "output"
        self._clock = 0.0
        """By how many seconds the clocks of runs go ahead: a lease ends while nobody waits for it."""
        self._ahead = timedelta()
        self._emulator = Emulator(clock=lambda: datetime.now(UTC) + self._ahead)
        self._live = self._emulator.store._database._connection
        self._empty = copy_of(self._live)
        self._before = copy_of(self._live)
        self._open = ExitStack()
        self._pid = 0
        self._faults: list[Fault] = []
        self._started = threading.Event()

    def __enter__(self) -> Self:
        url = self._open.enter_context(running(self._emulator))
        self._port = int(url.rpartition(":")[2])
        self.environ = {
            "RECONCILER_ENDPOINT": url,
            "TWILIO_ACCOUNT_SID": self._emulator.store.account_sid,
            "TWILIO_AUTH_TOKEN": "none",
            **self.place.environ(),
        }
        self._forks = subprocess.Popen(
            [sys.executable, "-m", "tests.crash.forks"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._forks.communicate()
        self._open.close()
        self.place.close()
        self._emulator.close()
        self._empty.close()
        self._before.close()

    # Getting there.

    def prepare(self, scenario: Scenario) -> None:
        """Bring about what stands before *scenario*, and remember it."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir()
        self.place.begin(self.folder)
        self._empty.backup(self._live)
        self._faults = [parse_fault(text) for text in scenario.faults]
        self._misbehave()
        self._ahead = timedelta()
        if scenario.before:
            self._write(scenario.before, scenario.files_before)
            self._run("apply", "desk.yaml", "--auto-approve", check=True)
        if scenario.before:
            self._spoil(scenario)
        self._ahead = LAG
        self._write(scenario.wanted, scenario.files)
        if scenario.saved:
            self._run("plan", "desk.yaml", "--out", PLAN, *scenario.flags, check=True)
        shutil.rmtree(self._kept, ignore_errors=True)
        shutil.copytree(self.folder, self._kept)
        self.place.save()
        self._live.backup(self._before)

    def _spoil(self, scenario: Scenario) -> None:
        """Do what others do once the tool has been here."""
        store = self._emulator.store
        service = self._live.execute("SELECT sid FROM services").fetchone()[0]
        for name, bodies in scenario.strangers.items():
            for body in bodies:
                store.messages.create(service, name, {"Author": "system", "Body": body})
        for name, indexes in scenario.deleted.items():
            for index in indexes:
                store.messages.delete(service, name, self._sid("messages", name, "number", index))
        for name, identities in scenario.joined.items():
            for identity in identities:
                store.participants.create(service, name, {"Identity": identity})
        for name, identities in scenario.left.items():
            for identity in identities:
                store.participants.delete(
                    service, name, self._sid("participants", name, "identity", identity)
                )
        for name in scenario.closed:
            store.conversations.update(service, name, {"State": "closed"})

    def _sid(self, table: str, conversation: str, column: str, value: str | int) -> str:
        ((sid,),) = self._live.execute(
            f"SELECT sid FROM {table} WHERE {column} = ? AND conversation ="
            " (SELECT id FROM conversations WHERE unique_name = ?)",
            (value, conversation),
        ).fetchall()
        return str(sid)

    def restore(self) -> None:
        """Go back to what `prepare` left."""
        shutil.rmtree(self.folder)
        shutil.copytree(self._kept, self.folder)
        self.place.restore()
        self._emulator._site._delayed.clear()  # or a write of the last point would fall into this one
        self._before.backup(self._live)
        self._misbehave()
        self._emulator.requests.clear()

    def points(self, scenario: Scenario) -> Iterator[Point]:
        """Apply *scenario* undisturbed, and yield every place where it could have been killed."""
        self.restore()
        self.apply(scenario, check=True)
        for number, request in enumerate(list(self._emulator.requests), 1):
            if request.method == "GET":
                yield Point(scenario.name, "request", number, "arrived")
                continue
            for when in ("arrived", "late", "stored"):
                yield Point(scenario.name, "request", number, when)
                if self.place.is_file:
                    yield Point(scenario.name, "request", number, when, lost=True)
        calls = Path(f"{self._output}.calls").read_text().split()
        for number, name in enumerate(calls, 1):
            for when in ("before", "middle", "after") if name in TORN else ("before", "after"):
                yield Point(scenario.name, "call", number, when)

    # What happens.

    def apply(
        self, scenario: Scenario, *, check: bool = False, fatal: int = 0, when: str = "", again: bool = False
    ) -> int:
        """Apply *scenario* in a process that may die at a call to the disk; return its exit status."""
        return self._run(*arguments(scenario, again=again), check=check, fatal=fatal, when=when)

    def kill_at(self, point: Point, scenario: Scenario, *, again: bool = False) -> bool:
        """Apply *scenario*, from where things stand, until *point*; return whether the process died there."""
        if point.what == "call":
            status = self.apply(scenario, fatal=point.number, when=point.when, again=again)
        else:
            self.arm(point)
            status = self.apply(scenario, again=again)
        self.calm()
        self._clock += self.place.ahead
        if point.lost or scenario.rolled_back:
            (self.folder / f"{STATE}.journal").unlink(missing_ok=True)
        if scenario.rolled_back:  # no intent tells of a write under way: what is sent has arrived by then
            shutil.copy(self._kept / STATE, self.folder / STATE)
            self._emulator._site.catch_up(everything=True)
        behind = bool(scenario.faults) and status == 1  # it refused, as it could not read what is there
        if not (behind or self._is_over(scenario, status)):
            assert status == -signal.SIGKILL, f"{point}: exit {status}\n{self._output.read_text()}"
        return status != 0

    def arm(self, point: Point) -> None:
        """Let the emulator kill the process `victim` names when it meets that request."""
        kill = Fault("*", Invoke(self._kill, after=point.when == "stored"), nth=point.number)
        self._emulator.faults.add(kill)
        if point.when == "arrived":
            self._emulator.faults.add(Fault("*", Reset(), nth=point.number))
        elif point.when == "late":
            self._emulator.faults.add(Fault("*", Delay(LATE), nth=point.number))

    def victim(self, pid: int) -> None:
        """Say which process is to be killed."""
        self._pid = pid
        self._started.set()

    def calm(self) -> None:
        """Drop the faults, and wait until nothing of the process is left: requests may still lie unread."""
        self._misbehave()
        self._started.clear()
        while self._emulator._site.in_flight or is_connected(self._port):
            time.sleep(0.001)

    def _misbehave(self) -> None:
        """Let the server do what it always does, and nothing else."""
        self._emulator.faults.clear()
        self._emulator.faults.add(*self._faults)

    def _kill(self) -> None:
        self._started.wait()
        os.kill(self._pid, signal.SIGKILL)

    # What must hold.

    def faults_after(self, scenario: Scenario, *, late: bool) -> list[str]:
        """Apply *scenario* again, now undisturbed, and return everything that is wrong at the end.

        *late* says that a request of a dead process may still arrive.
        """
        try:
            self.place.read()
        except StateError as error:
            return [f"unreadable state: {error.text}"]
        if scenario.rolled_back:
            self.apply(scenario)  # which may be refused, and is not to double anything
        tries = _TRIES if scenario.faults else _LATE_TRIES if late else 1
        if not any(self._is_over(scenario, self.apply(scenario, again=True)) for _ in range(tries)):
            return [f"the second apply failed: {self._output.read_text()}"]
        self._ahead += LAG
        wrong = [*differences(scenario, self.bodies()), *self._odd_rooms(scenario)]
        if self._run("plan", "desk.yaml", "--detailed-exitcode", *scenario.flags):
            wrong.append(f"the next plan is not empty: {self._output.read_text()}")
        if scenario.last:
            self._write(scenario.last, {})
            self._run("apply", "desk.yaml", "--auto-approve", check=True)
            wrong += self._odd_rooms(replace(scenario, people={}))
        return wrong

    def _is_over(self, scenario: Scenario, status: int) -> bool:
        """Return whether an apply is complete, a saved plan perhaps by the one before."""
        return status == 0 or (scenario.saved and "applied already" in self._output.read_text())

    def bodies(self) -> dict[str, list[str]]:
        """Return what stands in every conversation, in order; two of one name are told apart."""
        found: dict[str, list[str]] = {}
        rows = self._live.execute("SELECT id, unique_name FROM conversations ORDER BY id").fetchall()
        for conversation, name in rows:
            documents = self._live.execute(
                "SELECT document FROM messages WHERE conversation = ? ORDER BY number", (conversation,)
            )
            key = name if name not in found else f"{name} again"
            found[key] = [self._said(document) for (document,) in documents.fetchall()]
        return found

    def _odd_rooms(self, scenario: Scenario) -> Iterator[str]:
        rows = self._live.execute("SELECT id, unique_name, state FROM conversations").fetchall()
        for conversation, name, state in rows:
            people = self._live.execute(
                "SELECT identity FROM participants WHERE conversation = ? ORDER BY identity", (conversation,)
            ).fetchall()
            if [identity for (identity,) in people] != scenario.people.get(name, []):
                yield f"participants of {name}: {people}"
            if state != scenario.states.get(name, "active"):
                yield f"{name} is {state}"

    def _write(self, text: str, files: dict[str, str]) -> None:
        (self.folder / "desk.yaml").write_text(text, encoding="utf-8")
        for name, content in files.items():
            (self.folder / name).write_text(content, encoding="utf-8")

    def _said(self, document: str) -> str:
        """Return the body of a message, and what is in its files behind it; binary ones by name."""
        message = json.loads(document)
        parts = [message["body"]] if message["body"] else []
        for media in message["media"] or ():
            ((content,),) = self._live.execute("SELECT content FROM media WHERE sid = ?", (media["sid"],))
            parts.append(f"[{media['filename'] if content[:4] == PNG else content.decode()}]")
        return " ".join(parts)

    def _run(self, *command: str, check: bool = False, fatal: int = 0, when: str = "") -> int:
        order = {
            "folder": str(self.folder),
            "output": str(self._output),
            "environ": self.environ,
            "arguments": command,
            "fatal": fatal,
            "when": when,
            "ahead": self._clock,
        }
        assert self._forks.stdin is not None
        assert self._forks.stdout is not None
        self._forks.stdin.write(json.dumps(order) + "\n")
        self._forks.stdin.flush()
        self.victim(int(self._forks.stdout.readline()))
        status = int(self._forks.stdout.readline())
        assert not check or status == 0, f"exit {status}\n{self._output.read_text()}"
        return status
