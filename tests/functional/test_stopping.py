"""Signals, locks and many creates, with real processes and an emulator over HTTP."""

from __future__ import annotations

import json
import os
import re
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import pytest

from reconciler.emulator import Emulator, Fault
from reconciler.emulator.fault_text import parse_fault
from reconciler.emulator.faults import Pause
from tests.support.project import Project

STATE = "reconciler.state.json"
PATIENCE = 30.0
"""Seconds that anything may take before a test gives up on it."""
LOOKS = 6_000
"""Times that a test looks at what a process does before it gives up on it."""
_PLENTY = 10_000_000
"""More bytes than a command prints."""


def manifest(count: int, conversations: int = 1) -> str:
    """Return a manifest of so many conversations with so many messages each."""
    lines = ["version: 1", "services:", "  desk:", "    conversations:"]
    for number in range(conversations):
        lines += [f"      c{number}:", "        messages:"]
        lines += [f"          - {{key: k{key}, body: Message {key}}}" for key in range(count)]
    return "\n".join(lines) + "\n"


class Started:
    """A command that runs beside the test, its output in files: a pipe that nobody reads would stop it."""

    def __init__(self, process: subprocess.Popen[bytes], out: IO[bytes], err: IO[bytes]) -> None:
        self.process = process
        self._out = out
        self._err = err

    @property
    def out(self) -> str:
        """What it printed so far."""
        return os.pread(self._out.fileno(), _PLENTY, 0).decode()

    @property
    def err(self) -> str:
        """What it said on stderr so far."""
        return os.pread(self._err.fileno(), _PLENTY, 0).decode()

    def interrupt(self, signum: signal.Signals = signal.SIGINT) -> None:
        """Send a signal."""
        self.process.send_signal(signum)

    def end(self) -> int:
        """Wait for its end, and return the exit code."""
        return self.process.wait(PATIENCE)


@contextmanager
def started(
    project: Project,
    *arguments: str,
    before: Callable[[], None] | None = None,
    stdout: int | None = None,
) -> Iterator[Started]:
    """Run `reconciler ARGUMENTS` beside the test; what is left of it at the end is killed.

    What it prints is kept in a file, or goes to *stdout*.
    """
    with (
        tempfile.TemporaryFile() as out,
        tempfile.TemporaryFile() as err,
        subprocess.Popen(
            [sys.executable, "-m", "reconciler", *arguments],
            cwd=project.folder,
            env=project.environment(),
            stdin=subprocess.PIPE,
            stdout=out if stdout is None else stdout,
            stderr=err,
            preexec_fn=before,  # noqa: PLW1509  # the child does nothing there that needs a lock
        ) as process,
    ):
        try:
            yield Started(process, out, err)
        finally:
            process.kill()


def until(condition: Callable[[], bool]) -> None:
    """Wait for *condition*."""
    for _ in range(LOOKS):
        if condition():
            return
        time.sleep(0.005)
    pytest.fail("it did not happen")


def created(remote: Emulator) -> int:
    """Return how many creates of messages were answered."""
    return sum(request.kind == "create_message" for request in list(remote.requests))


def bodies(remote: Emulator, number: int = 0) -> list[str]:
    """Return what the messages of one conversation say, by index."""
    documents = remote.store._database.all(
        "SELECT document FROM messages WHERE conversation ="
        " (SELECT id FROM conversations WHERE unique_name = ?) ORDER BY number",
        (f"c{number}",),
    )
    return [re.findall(rb'"body":"([^"]*)"', document)[0].decode() for (document,) in documents]


def expected(count: int) -> list[str]:
    """Return what `manifest` asks for."""
    return [f"Message {key}" for key in range(count)]


# Signals


def test_interrupt_in_the_middle_of_a_thousand_creates(served: Project, remote: Emulator) -> None:
    """Exit 130 after what is in flight; the next apply makes exactly the rest."""
    served.write("desk.yaml", manifest(1000))
    with started(served, "apply", "desk.yaml", "--auto-approve") as command:
        until(lambda: created(remote) >= 300)
        command.interrupt()
        assert command.end() == 130
        done = created(remote)
        assert len(bodies(remote)) == done < 1000
        assert f"Resources: {done + 2} added" in command.out
        assert f"{1000 - done} not reached" in command.out
        assert "run `reconciler apply` again" in command.err

    ran = served.run("apply", "desk.yaml", "--auto-approve", check=0)

    assert f"Apply complete! Resources: {1000 - done} added" in ran.out
    assert created(remote) == 1000
    assert bodies(remote) == expected(1000)


def test_sigterm_ends_with_143(served: Project, remote: Emulator) -> None:
    """As orchestrators and CI runners stop a job."""
    served.write("desk.yaml", manifest(200))
    with started(served, "apply", "desk.yaml", "--auto-approve") as command:
        until(lambda: created(remote) >= 20)
        command.interrupt(signal.SIGTERM)
        assert command.end() == 143

    served.run("apply", "desk.yaml", "--auto-approve", check=0)
    assert bodies(remote) == expected(200)


def test_second_interrupt_does_not_wait(served: Project, remote: Emulator) -> None:
    """The first waits for a request that hangs; the second leaves its intent open and ends at once."""
    served.write("desk.yaml", manifest(20))
    marker = served.folder / "hanging"
    remote.faults.add(Fault("create_message", Pause(marker), nth=10))
    with started(served, "apply", "desk.yaml", "--auto-approve") as command:
        until(marker.exists)
        command.interrupt()
        with pytest.raises(subprocess.TimeoutExpired):
            command.process.wait(0.5)
        command.interrupt()
        assert command.end() == 130
        assert "looked up by the next" in command.err
    marker.unlink()  # the server gets around to it now

    served.run("apply", "desk.yaml", "--auto-approve", "--settle", "1", check=0)

    assert bodies(remote) == expected(20)


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
def test_interrupt_during_the_last_request(served: Project, remote: Emulator, signum: signal.Signals) -> None:
    """Nothing is left, so it is complete, and exits with 0."""
    served.write("desk.yaml", manifest(3))
    marker = served.folder / "hanging"
    remote.faults.add(Fault("create_message", Pause(marker), nth=3))
    with started(served, "apply", "desk.yaml", "--auto-approve") as command:
        until(marker.exists)
        command.interrupt(signum)
        with pytest.raises(subprocess.TimeoutExpired):
            command.process.wait(0.2)
        marker.unlink()
        assert command.end() == 0
        assert "Apply complete! Resources: 5 added, 0 changed, 0 destroyed." in command.out
        assert "interrupted" not in command.err


def test_interrupt_at_the_prompt_changes_nothing(served: Project, remote: Emulator) -> None:
    """Without waiting for an answer."""
    served.write("desk.yaml", manifest(3))
    with started(served, "apply", "desk.yaml") as command:
        until(lambda: "Only `yes` approves" in command.err)
        command.interrupt()
        assert command.end() == 130
        assert "approves: interrupted\n" in command.err  # nothing was sent that could be in flight

    assert {request.method for request in remote.requests} == {"GET"}
    assert not (served.folder / STATE).exists()


def test_interrupt_while_planning(served: Project, remote: Emulator) -> None:
    """The first signal ends it, as nothing is at stake. Programs are told so."""
    served.write("desk.yaml", manifest(3))
    marker = served.folder / "hanging"
    remote.faults.add(Fault("list_services", Pause(marker), nth=1))
    with started(served, "plan", "desk.yaml", "--format", "jsonl") as command:
        until(marker.exists)
        command.interrupt()
        code = command.end()
        told = [json.loads(line) for line in command.out.splitlines()]
        marker.unlink()

    assert code == 130
    assert [one["type"] for one in told] == ["version", "diagnostic"]
    assert told[1]["diagnostic"]["code"] == "interrupted"


# The lock


@pytest.fixture
def holder(served: Project, remote: Emulator) -> Iterator[subprocess.Popen[bytes]]:
    """An apply that hangs in its fifth create, and holds the lock."""
    served.write("desk.yaml", manifest(10))
    served.environ["GITHUB_RUN_ID"] = "4711"
    served.environ["GITHUB_REPOSITORY"] = "acme/desk"
    marker = served.folder / "hanging"
    remote.faults.add(Fault("create_message", Pause(marker), nth=5))
    with started(served, "apply", "desk.yaml", "--auto-approve") as command:
        until(marker.exists)
        yield command.process
        marker.unlink(missing_ok=True)


def test_locked_state_names_its_holder(served: Project, holder: subprocess.Popen[bytes]) -> None:
    """Who, since when, from which CI run, and what to do."""
    before = (served.folder / STATE).read_bytes()

    ran = served.run("apply", "desk.yaml", "--auto-approve", check=1)

    assert re.search(
        rf"is locked by \S+@\S+ \(`apply`, pid {holder.pid}\) since \d{{4}}-\d\d-\d\dT\d\d:\d\d:\d\dZ, "
        r"CI run https://github\.com/acme/desk/actions/runs/4711; waited 0 s",
        ran.err,
    )
    assert "hint: let it finish, or wait longer with `--lock-timeout SECONDS`" in ran.err
    assert (served.folder / STATE).read_bytes() == before


@pytest.mark.parametrize(("signum", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_waiting_for_the_lock_can_be_interrupted(
    served: Project, holder: subprocess.Popen[bytes], signum: signal.Signals, code: int
) -> None:
    """It says for whom it waits, and does not sit out its time."""
    with started(served, "apply", "desk.yaml", "--auto-approve", "--lock-timeout", "600") as command:
        until(lambda: "waiting for the lock of the state, which is held by " in command.err)
        assert f"pid {holder.pid}" in command.err
        command.interrupt(signum)
        assert command.end() == code


def test_lock_of_a_dead_process_is_simply_acquired(
    served: Project, remote: Emulator, holder: subprocess.Popen[bytes]
) -> None:
    """Nobody has to break it, and what was in flight is settled."""
    holder.kill()
    holder.wait()
    (served.folder / "hanging").unlink()

    served.run("apply", "desk.yaml", "--auto-approve", "--settle", "1", check=0)

    assert bodies(remote) == expected(10)


@pytest.mark.parametrize("takes_over", [True, False])
def test_a_lock_file_that_is_removed_locks_nobody_out(
    served: Project, remote: Emulator, *, takes_over: bool
) -> None:
    """So its holder sends nothing more and writes no state; nothing is posted twice."""
    served.write("desk.yaml", manifest(10))
    marker = served.folder / "hanging"
    remote.faults.add(Fault("create_message", Pause(marker, after=True), nth=5))
    with started(served, "apply", "desk.yaml", "--auto-approve") as command:
        until(marker.exists)
        (served.folder / f"{STATE}.lock").unlink()
        if takes_over:
            served.run("apply", "desk.yaml", "--auto-approve", "--settle", "1", check=0)
            left = (served.folder / STATE).read_bytes()
        stored = bodies(remote)
        marker.unlink()
        assert command.end() == 1
        assert "is no longer held by this run: its lock file was removed or replaced" in command.err
    assert bodies(remote) == stored

    if takes_over:
        assert (served.folder / STATE).read_bytes() == left
    served.run("apply", "desk.yaml", "--auto-approve", "--settle", "1", check=0)
    assert bodies(remote) == expected(10)


def test_two_processes_applying_the_same_manifests(served: Project, remote: Emulator) -> None:
    """One waits for the other and finds nothing left to do."""
    served.write("desk.yaml", manifest(40, 3))
    arguments = ("apply", "desk.yaml", "--auto-approve", "--lock-timeout", "60")
    with started(served, *arguments) as one, started(served, *arguments) as other:
        assert (one.end(), other.end()) == (0, 0)
        assert sum("No changes." in command.out for command in (one, other)) == 1

    assert [bodies(remote, number) for number in range(3)] == [expected(40)] * 3


# Trouble by chance


def test_thousand_creates_on_a_rough_server(served: Project, remote: Emulator) -> None:
    """10 % resets, half of them after the write, 10 % 429 and 5 % 5xx: one apply makes exactly a thousand."""
    served.write("desk.yaml", manifest(1000))
    faults = ("reset_before", 0.05), ("reset_after", 0.05), ("429", 0.10), ("503_html", 0.05)
    remote.faults.add(*(parse_fault(f"create_message:p={chance}:{what}") for what, chance in faults))

    ran = served.run("apply", "desk.yaml", "--auto-approve", "--settle", "0", check=0)

    assert "Apply complete! Resources: 1002 added, 0 changed, 0 destroyed." in ran.out
    assert bodies(remote) == expected(1000)
    remote.faults.clear()
    assert "No changes." in served.run("plan", "desk.yaml", "--detailed-exitcode", check=0).out


def test_late_writes_and_late_listings(served: Project, remote: Emulator) -> None:
    """Accepted writes that show only after a while are waited for."""
    served.write("desk.yaml", manifest(12, 2))
    remote.faults.add(
        parse_fault("create_message:5:delay=0.6"),
        parse_fault("create_message:15:reset_after"),
        parse_fault("list_messages:late=0.6"),
    )

    served.run("apply", "desk.yaml", "--auto-approve", "--settle", "3", check=0)

    assert [bodies(remote, number) for number in range(2)] == [expected(12)] * 2


# A disk that fills up


def test_disk_that_fills_up_in_the_middle(served: Project, remote: Emulator) -> None:
    """The journal can grow no more: the error says what to do, and the next apply makes exactly the rest."""
    served.write("desk.yaml", manifest(200))

    def small_files_only() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, 60_000))

    with started(served, "apply", "desk.yaml", "--auto-approve", before=small_files_only) as command:
        assert command.end() == 1
        assert "error: cannot write `" in command.err
        assert "hint: " in command.err
    assert 20 < len(bodies(remote)) < 200

    served.run("apply", "desk.yaml", "--auto-approve", "--settle", "1", check=0)

    assert created(remote) == 200
    assert bodies(remote) == expected(200)


def test_full_disk_at_the_start_changes_nothing(served: Project, remote: Emulator) -> None:
    """Not even the first snapshot fits: nothing was sent, and nothing is left behind."""
    served.write("desk.yaml", manifest(200))
    # what measures coverage has files of its own, and complains about them
    served.environ.update({name: "" for name in os.environ if name.startswith("COVERAGE")})

    def tiny_files_only() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (500, 500))

    arguments = ("apply", "desk.yaml", "--auto-approve")
    with started(served, *arguments, before=tiny_files_only, stdout=subprocess.DEVNULL) as command:
        assert command.end() == 1
        assert "error: cannot write `" in command.err

    assert {request.method for request in remote.requests} == {"GET"}
    assert {name for name in os.listdir(served.folder) if name.startswith(STATE)} == {f"{STATE}.lock"}  # noqa: PTH208


def test_true_processes_killed_at_a_request(served: Project, remote: Emulator) -> None:
    """Not forked ones: started anew, killed with SIGKILL while a create hangs, and again."""
    served.write("desk.yaml", manifest(30))
    for nth in (3, 7, 9):
        marker: Path = served.folder / f"hanging-{nth}"
        remote.faults.add(Fault("create_message", Pause(marker, after=nth != 7), nth=nth))
        with started(served, "apply", "desk.yaml", "--auto-approve", "--settle", "0.3") as command:
            until(marker.exists)
            command.process.kill()
        remote.faults.clear()
        marker.unlink()

    served.run("apply", "desk.yaml", "--auto-approve", "--settle", "0.3", check=0)

    assert bodies(remote) == expected(30)
