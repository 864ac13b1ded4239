"""Two processes on one state in git: one sleeps past its lease, another takes over, the first wakes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading

import pytest

from reconciler.emulator import Emulator, Fault
from reconciler.emulator.faults import Invoke, Reset
from tests.support.project import ROOT, Project
from tests.support.repository import REF, Repository, environ

LATER = ROOT / "tests" / "support" / "later"
KEYS = tuple(f"m{number}" for number in range(5))
MANIFEST = (
    "version: 1\nservices: {desk: {conversations: {order: {messages: ["
    + ", ".join(f"{{key: {key}, body: {key}}}" for key in KEYS)
    + "]}}}}\n"
)


@pytest.fixture
def desk(served: Project) -> Project:
    """A clone of a bare repository, whose processes share a clock that a file moves."""
    clone = Repository(served.folder).clone("clone")
    (served.folder / "ahead").write_text("0", encoding="utf-8")
    given = {name: value for name, value in environ(served.folder).items() if name not in {"PATH", "LANG"}}
    variables = {
        "RECONCILER_STATE": f"git:{REF}",
        "RECONCILER_SETTLE": "0.25",
        "LATER_FILE": str(served.folder / "ahead"),
        "PYTHONPATH": f"{LATER}:{ROOT}",
    }
    made = Project(clone, {**given, **served.environ, **variables})
    made.write("manifests/desk.yaml", MANIFEST)
    return made


def bodies(remote: Emulator) -> list[str]:
    """Return the bodies of all messages, in their order."""
    found = remote.store._database.all("SELECT document FROM messages ORDER BY number", ())
    return [json.loads(document)["body"] for (document,) in found]


@pytest.mark.parametrize(
    ("kind", "nth", "stored"),
    [
        ("create_service", 1, True),
        ("create_conversation", 1, True),
        ("create_message", 1, False),
        ("create_message", 3, True),
        ("create_message", 5, True),
    ],
)
def test_a_holder_that_slept_posts_nothing_twice(
    desk: Project, remote: Emulator, kind: str, nth: int, *, stored: bool
) -> None:
    """It exits with 1 and names who took over; what it has sent is found, and nothing else of it arrives."""
    begun, stopped = threading.Event(), threading.Event()

    def stop() -> None:
        begun.wait()
        os.kill(first.pid, signal.SIGSTOP)
        stopped.set()

    remote.faults.add(Fault(kind, Invoke(stop, after=stored), nth=nth))
    if not stored:
        remote.faults.add(Fault(kind, Reset(), nth=nth))
    first = subprocess.Popen(
        [sys.executable, "-m", "reconciler", "apply", "--auto-approve"],
        cwd=desk.folder,
        env=desk.environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    begun.set()
    try:
        assert stopped.wait(100)
        remote.faults.clear()
        (desk.folder.parent / "ahead").write_text("400", encoding="utf-8")
        desk.run("apply", "--auto-approve", check=0)
        assert bodies(remote) == list(KEYS)
    finally:
        os.kill(first.pid, signal.SIGCONT)
        _, said = first.communicate(timeout=120)

    assert first.returncode == 1, said
    assert "is no longer held by this run: it was taken over by " in said
    assert bodies(remote) == list(KEYS)
    desk.run("plan", "--detailed-exitcode", check=0)
