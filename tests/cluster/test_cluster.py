"""Plans and applies on a Dask cluster of real processes, beside a real PostgreSQL and the emulator."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import msgspec
import pytest
from distributed import wait

from reconciler.cli.cluster.order import Order, Reply
from reconciler.cli.cluster.task import carry_out
from reconciler.emulator import Emulator
from reconciler.emulator.fault_text import parse_fault
from reconciler.emulator.server import running
from tests.support.dask_cluster import Cluster, cluster
from tests.support.database_server import Postgres, postgres
from tests.support.project import Project, environ_of
from tests.support.rich_world import manifest, texts

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")
WORKERS = ("one", "two", "three", "four")
_schemas = count()


def rooms(number: int, *keys: str) -> str:
    """Return a manifest of so many conversations."""
    return manifest({"desk": {f"room-{room}": {"messages": texts(*keys)} for room in range(number)}})


@pytest.fixture(scope="session")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    """A server that runs."""
    with postgres(tmp_path_factory.mktemp("database")) as server:
        yield server


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    """An account."""
    made = Emulator()
    yield made
    made.close()


@pytest.fixture
def project(tmp_path: Path, database: Postgres, emulator: Emulator) -> Iterator[Project]:
    """A folder, with an account that is served and an empty state in the database."""
    folder = tmp_path / "project"
    folder.mkdir()
    with running(emulator) as url:
        state = database.address(f"cluster_{next(_schemas)}")
        yield Project(
            folder, {**environ_of(url), "RECONCILER_STATE": state, "RECONCILER_LOCK_TIMEOUT": "600"}
        )


@pytest.fixture
def workers(tmp_path: Path, project: Project) -> Iterator[Cluster]:
    """Four workers that have the credentials."""
    folder = tmp_path / "cluster"
    folder.mkdir()
    with cluster(folder) as made:
        for name in WORKERS:
            made.add(name, project.environment())
        yield made


def planned(text: str) -> dict[str, Any]:
    """Return a JSON plan without what two runs differ in."""
    document: dict[str, Any] = json.loads(text)
    for name in ("timestamp", "requests"):
        del document[name]
    return document


def test_the_plan_is_that_of_one_machine(project: Project, workers: Cluster) -> None:
    """And so it is applied: then there is nothing to do."""
    project.write("manifests/desk.yaml", rooms(3, *"ab"))
    project.run("apply", "--auto-approve", check=0)
    project.write("manifests/desk.yaml", rooms(9, *"abc"))

    parts = project.run("plan", "--dask", workers.address, "--format", "json", check=0)
    whole = project.run("plan", "--format", "json", "--changes-only", check=0)
    project.run("apply", "--dask", workers.address, "--auto-approve", check=0)

    assert planned(parts.out) == planned(whole.out)
    assert parts.err.count("was planned on tcp://127.0.0.1") == 4
    assert "No changes." in project.run("plan", "--dask", workers.address, check=0).out


def test_the_part_of_a_killed_worker_goes_to_another(
    project: Project, workers: Cluster, emulator: Emulator
) -> None:
    """Everything is there once and in order, and the outcome has every action."""
    project.write("manifests/desk.yaml", rooms(24, *"abcdefgh"))
    emulator.faults.add(parse_fault("create_message:latency=0.05"))
    arguments = [
        "apply",
        "--dask",
        workers.address,
        "--auto-approve",
        "--format=json=outcome.json",
        "--format=text",
    ]
    with subprocess.Popen(
        [sys.executable, "-m", "reconciler", *arguments],
        cwd=project.folder, env=project.environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    ) as run:  # fmt: skip
        while sum(request.kind == "create_message" for request in list(emulator.requests)) < 40:
            assert run.poll() is None, run.stdout.read().decode() if run.stdout else ""
        workers.kill("two")
        output = run.communicate(timeout=900)[0].decode()

    assert run.returncode == 0, output
    results = json.loads((project.folder / "outcome.json").read_text(encoding="utf-8"))["results"]
    assert len(results) == 1 + 24 * 9
    assert {one["status"] for one in results} == {"done"}
    emulator.faults.clear()
    assert "No changes." in project.run("plan", check=0).out
    assert bodies(emulator) == {
        f"room-{room}": [f"text of {key}" for key in "abcdefgh"] for room in range(24)
    }


def test_a_task_that_is_run_again_is_harmless(project: Project, workers: Cluster, emulator: Emulator) -> None:
    """Dask runs a task again that had succeeded, if its result was on a worker that is lost."""
    project.write("manifests/desk.yaml", rooms(8, *"ab"))
    project.run("plan", "--out", "plan.bin", check=0)
    order = Order(
        ("apply", "--shard=1/2", "--auto-approve"),
        str(project.folder),
        "a run",
        (project.folder / "plan.bin").read_bytes(),
    )
    future = workers.client.submit(carry_out, msgspec.json.encode(order), pure=False)
    with workers.client.as_current():
        wait(future)
    ((address,),) = workers.client.who_has(future).values()
    first = msgspec.json.decode(future.result(), type=Reply)
    assert first.code == 0, first.told
    before = bodies(emulator)
    assert before

    names = {one["name"]: at for at, one in workers.client.scheduler_info(n_workers=-1)["workers"].items()}
    workers.kill(next(name for name, at in names.items() if at == address))
    reply = msgspec.json.decode(future.result(timeout=600), type=Reply)

    assert reply.worker != address
    assert "this plan was applied already" in reply.told
    assert bodies(emulator) == before


def test_a_worker_without_credentials_is_named(project: Project, tmp_path: Path) -> None:
    """Tasks carry none: the error says which worker lacks them, and what to set."""
    project.write("manifests/desk.yaml", rooms(2, "a"))
    folder = tmp_path / "cluster"
    folder.mkdir()
    lacking = {name: text for name, text in project.environment().items() if not name.startswith("TWILIO_")}
    with cluster(folder) as made:
        made.add("poor", lacking)

        ran = project.run("plan", "--dask", made.address, check=1)

    assert "part 1/1 ended with exit code 1 on the worker tcp://127.0.0.1" in ran.err
    assert "TWILIO_ACCOUNT_SID" in ran.err


def test_ctrl_c_stops_all_parts_gently(project: Project, workers: Cluster, emulator: Emulator) -> None:
    """What is in flight is recorded, and the next apply goes on."""
    project.write("manifests/desk.yaml", rooms(12, *"abcdefgh"))
    emulator.faults.add(parse_fault("create_message:latency=0.1"))
    with subprocess.Popen(
        [sys.executable, "-m", "reconciler", "apply", "--dask", workers.address, "--auto-approve"],
        cwd=project.folder, env=project.environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    ) as run:  # fmt: skip
        while sum(request.kind == "create_message" for request in list(emulator.requests)) < 10:
            assert run.poll() is None
        os.kill(run.pid, signal.SIGINT)
        output = run.communicate(timeout=300)[0].decode()

    assert run.returncode == 130, output
    assert "stopping: what is in flight is awaited" in output
    emulator.faults.clear()
    rest = subprocess.run(
        [sys.executable, "-m", "reconciler", "apply", "--auto-approve"],
        cwd=project.folder, env=project.environment(), check=False, timeout=600,
    )  # fmt: skip
    assert rest.returncode == 0
    assert bodies(emulator) == {
        f"room-{room}": [f"text of {key}" for key in "abcdefgh"] for room in range(12)
    }


def bodies(emulator: Emulator) -> dict[str, list[str]]:
    """Return what the messages of each conversation say, in order."""
    rows = emulator.store._database.all(
        "SELECT unique_name, document FROM messages JOIN conversations ON conversation = conversations.id "
        "ORDER BY conversations.id, number",
    )
    found: dict[str, list[str]] = {}
    for name, document in rows:
        found.setdefault(name, []).append(json.loads(document)["body"])
    return found
