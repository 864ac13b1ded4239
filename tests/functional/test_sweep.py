"""`reconciler sweep`: what tests left behind goes, and nothing else."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from reconciler.emulator import Emulator
from reconciler.emulator.database import Start
from reconciler.emulator.fault_text import parse_fault
from reconciler.emulator.server import running
from reconciler.testing import Teardown, reconciled
from tests.support.project import Project, environ_of

OLD = "Support [reconciler checkout 2026-01-01T00:00:00Z gw0-0123456789ab.1]"


class Clock:
    """The server's clock: hours before now."""

    def __init__(self) -> None:
        self.hours_ago = 0

    def __call__(self) -> datetime:
        """Return the time."""
        return datetime.now(UTC) - timedelta(hours=self.hours_ago)


@pytest.fixture
def clock() -> Clock:
    """The clock of the emulator."""
    return Clock()


@pytest.fixture
def remote(clock: Clock) -> Iterator[Emulator]:
    """An emulator in memory."""
    emulator = Emulator(clock=clock)
    yield emulator
    emulator.close()


@pytest.fixture
def account(remote: Emulator, clock: Clock, tmp_path: Path) -> Iterator[Project]:
    """A project beside an account with one old leftover, a young one, one of others, and real services."""
    for hours, name in (
        (5, OLD),
        (1, OLD.replace("ab.1", "ab.2")),
        (5, OLD.replace("checkout", "billing")),
        (5, "Support"),
        (5, "about [reconciler checkout]"),
        (5, f"{OLD} (copy)"),
    ):
        clock.hours_ago = hours
        remote.store.services.create({"FriendlyName": name})
    clock.hours_ago = 0
    with running(remote) as url:
        yield Project(tmp_path, {**environ_of(url), "RECONCILER_WORKSPACE": "checkout"})


def names(remote: Emulator) -> list[str]:
    """Return the friendly names of the services that are left."""
    return [row[2] for row in remote.store.services.page(Start(), 100).rows]


def test_only_old_leftovers_of_the_workspace_go(account: Project, remote: Emulator) -> None:
    """Neither a young one, nor another workspace's, nor a service that merely sounds like one."""
    ran = account.run("sweep", "--older-than", "2h", "--auto-approve", check=0)

    assert ran.out.splitlines()[1:] == [
        "1 left behind in workspace `checkout`, 1 too young to tell.",
        "Sweep complete! Services: 1 destroyed.",
    ]
    assert OLD in ran.out
    assert OLD not in names(remote)
    assert len(names(remote)) == 5


@pytest.mark.parametrize(
    ("arguments", "code"), [(["--dry-run"], 0), ([], 1)], ids=["dry run", "not approved"]
)
def test_nothing_goes_without_approval(
    account: Project, remote: Emulator, arguments: list[str], code: int
) -> None:
    """A dry run lists; anything but `yes` cancels."""
    ran = account.run("sweep", "--older-than", "2h", *arguments, stdin="y\n", check=code)

    assert OLD in ran.out
    assert OLD in names(remote)


def test_yes_approves(account: Project, remote: Emulator) -> None:
    """Asked and answered."""
    account.run("sweep", "--older-than", "2h", stdin="yes\n", check=0)

    assert OLD not in names(remote)


def test_nothing_to_sweep_asks_nothing(account: Project) -> None:
    """With no leftover old enough the command is done."""
    ran = account.run("sweep", "--older-than", "7d", check=0)

    assert ran.out == "0 left behind in workspace `checkout`, 2 too young to tell.\n"


def test_what_cannot_be_deleted_is_told(account: Project, remote: Emulator) -> None:
    """The error is shown, the exit code is 1, and the next sweep does it."""
    remote.faults.add(parse_fault("delete_service:1:403"))

    ran = account.run("sweep", "--older-than", "0s", "--auto-approve", check=1)

    assert "Services: 1 destroyed." in ran.out
    assert ran.err.startswith("error: ")
    account.run("sweep", "--older-than", "0s", "--auto-approve", check=0)
    assert len(names(remote)) == 4


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("--older-than", "2 hours", "'2 hours' is no duration, such as 30s, 5m, 2h or 1d"),
        ("--older-than", "2", "'2' is no duration"),
        ("--older-than", "-1h", "'-1h' is no duration"),
        ("--older-than", "nanh", "'nanh' is no duration"),
        ("--workspace", "a b", "the name of a workspace is"),
    ],
)
def test_wrong_arguments_are_told(account: Project, option: str, value: str, message: str) -> None:
    """Before anything is asked of the server."""
    ran = account.run("sweep", "--older-than", "2h", option, value, check=1)

    assert message in ran.err


def test_what_a_killed_program_left_is_swept(account: Project, remote: Emulator, tmp_path: Path) -> None:
    """A world of the context manager is recognised too, once its process is gone."""
    account.write("support.yaml", "version: 1\nservices:\n  demo:\n    conversations: {c: {}}\n")
    endpoint = account.environ["RECONCILER_ENDPOINT"]
    script = (
        "import os\nfrom reconciler.testing import reconciled\n"
        f"with reconciled('support.yaml', endpoint='{endpoint}', workspace='demo'):\n"
        f"    os.kill(os.getpid(), {int(signal.SIGKILL)})\n"
    )
    environ = {**os.environ, **account.environ, "TMPDIR": str(tmp_path)}
    subprocess.run([sys.executable, "-c", script], cwd=account.folder, env=environ, check=False)
    assert len(names(remote)) == 7

    account.run("sweep", "--older-than", "0s", "--workspace", "demo", "--auto-approve", check=0)

    assert len(names(remote)) == 6


def test_a_kept_world_is_found_by_its_workspace(
    account: Project, remote: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With teardown off the world stays until it is swept."""
    for name, value in account.environ.items():
        monkeypatch.setenv(name, value)
    manifest = account.write("demo.yaml", "version: 1\nservices:\n  demo:\n    conversations: {c: {}}\n")
    endpoint = account.environ["RECONCILER_ENDPOINT"]

    with reconciled(manifest, endpoint=endpoint, workspace="demo", teardown=Teardown.OFF) as world:
        sid = world.sid("demo")

    ran = account.run("sweep", "--older-than", "0s", "--workspace", "demo", "--dry-run", check=0)
    assert sid in ran.out
    assert len(names(remote)) == 7
