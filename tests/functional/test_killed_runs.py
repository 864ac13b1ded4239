"""Runs of pytest that are killed, against an account that outlives them: nothing stays for long."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from twilio.rest import Client

from reconciler.emulator import Emulator
from reconciler.emulator.server import running
from tests.support.manifests import CHANGING, SUPPORT
from tests.support.project import environ_of
from tests.support.sdk import client_at

HUNDRED = (
    CHANGING
    + """
import os
import signal
import pytest

@pytest.mark.parametrize("number", range(100))
def test(reconciled, number, request):
    conversation = change(reconciled("support.yaml"), f"number {number}")
    conversation.assert_transcript(
        [("system", "Welcome!"), ("alice", "Where is my order?"), ("bob", "Let me look."),
         ("app", f"number {number}")]
    )
    if number in (21, 63):
        os.kill(os.getpid(), signal.SIGKILL)
    assert number % 10 != 7, "some fail"
"""
)
HANGING = """
import pathlib
import signal
import pytest

@pytest.mark.parametrize("number", range(4))
def test(reconciled, number, worker_id):
    reconciled("support.yaml")
    pathlib.Path(f"ready-{worker_id}").touch()
    signal.pause()
"""


@pytest.fixture(params=["over HTTP", "in a file"])
def account(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The endpoint of an emulator: a file, or `reconciler emulator`, running as its users run it."""
    if request.param == "in a file":
        yield f"emulator:{tmp_path / 'e.db'}"
        return
    command = [
        sys.executable,
        "-m",
        "reconciler",
        "emulator",
        "--port",
        "0",
        "--data",
        str(tmp_path / "e.db"),
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        try:
            yield next(word for word in line.split() if word.startswith("http://"))
        finally:
            process.terminate()


@pytest.fixture
def suite(pytester: pytest.Pytester, account: str, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A test suite of its own, whose worlds are made at the account."""
    if account.startswith("http://"):
        for name, value in environ_of(account).items():
            monkeypatch.setenv(name, value)
    pytester.path.joinpath("support.yaml").write_text(SUPPORT, encoding="utf-8")
    pytester.makeini(f"[pytest]\nreconciler_endpoint = {account}\n")
    return pytester


@contextmanager
def client_of(account: str) -> Iterator[Client]:
    """Yield a client of the official SDK."""
    if account.startswith("http://"):
        yield client_at(account)
        return
    with (
        closing(Emulator(Path(account.removeprefix("emulator:")))) as emulator,
        running(emulator) as origin,
    ):
        yield client_at(origin)


def services(account: str) -> list[str]:
    """Return the friendly names of all services."""
    with client_of(account) as client:
        return [service.friendly_name for service in client.conversations.v1.services.list()]


def test_a_hundred_tests_some_of_which_fail_and_some_kill_their_worker(
    suite: pytest.Pytester, account: str
) -> None:
    """None sees another's messages, and when the run is over the account is as empty as before."""
    suite.makepyfile(HUNDRED)

    result = suite.runpytest_subprocess("-n", "4")

    result.assert_outcomes(passed=88, failed=12)
    result.stdout.fnmatch_lines(["*worker 'gw*' crashed while running*"])
    assert services(account) == []


def test_what_a_killed_run_leaves_goes_with_the_next_one(suite: pytest.Pytester, account: str) -> None:
    """Workers and leader are killed in the middle: four worlds stay, until somebody tests again."""
    suite.makepyfile(HANGING)
    with client_of(account) as client:
        client.conversations.v1.services.create(friendly_name="Support")
    with subprocess.Popen(
        [sys.executable, "-m", "pytest", "-n", "4"],
        cwd=suite.path,
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    ) as run:
        while len(list(suite.path.glob("ready-*"))) < 4:
            with pytest.raises(subprocess.TimeoutExpired):
                run.wait(timeout=0.05)
        os.killpg(run.pid, signal.SIGKILL)
    assert len(services(account)) == 5

    suite.makepyfile("def test(reconciled): reconciled('support.yaml')")
    suite.runpytest_subprocess("-n", "1").assert_outcomes(passed=1)

    assert services(account) == ["Support"]
