"""Commands, as processes, on states on real servers of objects."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from reconciler.emulator import Emulator
from reconciler.emulator.server import running
from reconciler.errors import StateError
from reconciler.state.keys import NO_KEYS
from reconciler.state.stores.holder import Holder
from reconciler.state.stores.opening import open_store
from tests.support.manifests import ONE_OF_EACH
from tests.support.object_servers import SERVERS, Server
from tests.support.project import Project, environ_of

FILE = "reconciler.state.json"
CI = "https://ci.example/runs/42"


@pytest.fixture
def applied(tmp_path: Path, servers: dict[str, Server]) -> Iterator[Project]:
    """A project whose manifest was applied with a state in a file, and that knows both servers."""
    emulator = Emulator()
    with running(emulator) as url:
        environ = {name: text for one in SERVERS for name, text in servers[one].environ.items()}
        project = Project(tmp_path, {**environ_of(url), **environ, "NO_PROXY": "127.0.0.1"})
        project.write("manifests/a.yaml", ONE_OF_EACH)
        project.run("apply", "--auto-approve", check=0)
        yield project
    emulator.close()


def pulled(project: Project, state: str) -> dict[str, Any]:
    """Return the state at that place."""
    document: dict[str, Any] = json.loads(project.run("state", "pull", "--state", state, check=0).out)
    return document


def test_a_state_travels(applied: Project, servers: dict[str, Server], prefix: str) -> None:
    """From a file to S3, to Azure, and back: the lineage stays, the serial rises, each plan is empty."""
    stops = [FILE, *(servers[name].address(prefix) for name in SERVERS), FILE]
    before = pulled(applied, FILE)
    for source, target in pairwise(stops):
        applied.run("state", "migrate", source, target, check=0)
        there = pulled(applied, target)
        assert there["serial"] > before["serial"]
        assert {**there, "serial": 0} == {**before, "serial": 0}
        applied.run("plan", "--state", target, "--detailed-exitcode", check=0)
        refused = applied.run("apply", "--auto-approve", "--state", source, check=1).err
        assert f"the state `{source}` was moved to `{target}`" in refused
        before = there
    applied.edit("manifests/a.yaml", "key: hello", "key: hello, subject: news")
    applied.run("apply", "--auto-approve", check=0)


@contextmanager
def held(server: Server, address: str) -> Iterator[None]:
    """Hold the lease of a state in this process."""
    holder = Holder("ann@there", 4711, "apply", "2026-11-30T04:00:00Z", CI)
    with open_store(address, environ=server.environ, keys=NO_KEYS).lock(holder, timeout=0):
        yield


def test_who_holds_the_lease(applied: Project, server: Server, prefix: str) -> None:
    """A plan says it and goes on, a change is refused; `state unlock` says the risk, asks, and frees it."""
    address = server.address(prefix)
    assert "Nobody holds" in applied.run("state", "locks", "--state", address, check=0).out
    applied.run("state", "migrate", FILE, address, check=0)
    applied.environ["RECONCILER_STATE"] = address
    name = f"ann@there (`apply`, pid 4711) since 2026-11-30T04:00:00Z, CI run {CI}; valid until "

    unlocked = pytest.raises(StateError, match="it was unlocked by")
    with unlocked, held(server, address):
        assert applied.run("state", "locks", check=0).out.startswith(name)
        planned = json.loads(applied.run("plan", "--format", "json", check=0).out)
        (warning,) = [one for one in planned["warnings"] if one["code"] == "state_locked"]
        assert warning["text"].startswith(f"the lock of the state is held by {name}")
        refused = applied.run("state", "rm", "*/h*", check=1).err
        assert f"the state `{address}` is locked by {name}" in refused
        assert "state unlock" in refused
        asked = applied.run("state", "unlock", stdin="no\n", check=1).err
        assert name in asked
        assert "If that run still lives, it stops" in asked
        freed = applied.run("state", "unlock", "--auto-approve", check=0).out
        assert freed.startswith(f"Freed the lock of {name}")
        assert "Nobody holds" in applied.run("state", "locks", check=0).out
