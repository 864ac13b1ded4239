"""The Deployment of the example: what it may do, and that its command and its probes work."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest
from ruamel.yaml import YAML

from reconciler.emulator import Emulator
from reconciler.emulator.server import running
from tests.support.project import ROOT, Project, environ_of

FILE = ROOT / "examples" / "kubernetes" / "watch.yaml"
PARTS = ROOT / "examples" / "kubernetes" / "parts.yaml"


@pytest.fixture(scope="module")
def pod() -> dict[str, Any]:
    """The pod of the Deployment."""
    documents = {one["kind"]: one for one in YAML(typ="safe").load_all(FILE.read_text(encoding="utf-8"))}
    spec: dict[str, Any] = documents["Deployment"]["spec"]["template"]["spec"]
    return spec


def test_it_has_no_privileges(pod: dict[str, Any]) -> None:
    """Nobody's user, no token of the cluster, and a root that cannot be written."""
    (container,) = pod["containers"]

    assert pod["automountServiceAccountToken"] is False
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "readOnlyRootFilesystem": True,
    }


@pytest.fixture
def mounts(pod: dict[str, Any], tmp_path: Path) -> dict[str, Path]:
    """A folder for each volume, by the path at which the container sees it; the manifests are a ConfigMap."""
    (container,) = pod["containers"]
    folders = {one["mountPath"]: tmp_path / one["name"] for one in container["volumeMounts"]}
    for folder in folders.values():
        folder.mkdir()
    data = folders["/manifests"] / "..2026"
    data.mkdir()
    manifest = (ROOT / "examples" / "quickstart" / "support.yaml").read_text(encoding="utf-8")
    (data / "support.yaml").write_text(manifest, encoding="utf-8")
    (folders["/manifests"] / "..data").symlink_to(data.name)
    (folders["/manifests"] / "support.yaml").symlink_to("..data/support.yaml")
    return folders


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """The home of the user, in which nothing can be written in the container."""
    folder = tmp_path / "home"
    folder.mkdir()
    return folder


@pytest.fixture
def origin(
    pod: dict[str, Any], mounts: dict[str, Path], home: Path, remote: Emulator
) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """The container's command, at an address and as a process; its port is a free one."""
    (container,) = pod["containers"]
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with running(remote) as url:
        project = Project(mounts[container["workingDir"]], environ_of(url))
        given = {one["name"]: _outside(one["value"], mounts) for one in container["env"]}
        arguments = [
            _outside(one, mounts).replace("0.0.0.0:8080", f"127.0.0.1:{port}") for one in container["args"]
        ]
        with subprocess.Popen(
            [sys.executable, "-m", "reconciler", *arguments],
            cwd=project.folder,
            env={**project.environment(), "HOME": str(home), **given},
            stdout=subprocess.PIPE,
        ) as process:
            try:
                yield f"http://127.0.0.1:{port}", process
            finally:
                process.kill()


def test_its_command_works_and_its_probes_answer(
    pod: dict[str, Any],
    mounts: dict[str, Path],
    home: Path,
    origin: tuple[str, subprocess.Popen[bytes]],
) -> None:
    """It writes to its volumes alone, and ends when it is asked to."""
    (container,) = pod["containers"]
    url, process = origin
    assert process.stdout is not None
    assert process.stdout.readline()  # it has started, and listens
    assert b'"ending":"applied"' in process.stdout.readline()

    for probe in ("livenessProbe", "readinessProbe"):
        assert _status(url + container[probe]["httpGet"]["path"]) == 200
    process.send_signal(signal.SIGTERM)

    assert process.wait(60) == 0
    assert (mounts["/state"] / "reconciler.state.json").is_file()
    assert _names(mounts["/cache"]) == ["reconciler"]
    assert _names(mounts["/manifests"]) == ["..2026", "..data", "support.yaml"]
    assert _names(home) == []


def _outside(text: str, mounts: dict[str, Path]) -> str:
    """Return *text* with the container's paths as those of this machine."""
    for path, folder in mounts.items():
        text = text.replace(path, str(folder))
    return text


def _names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def _status(url: str) -> int:
    try:
        with urlopen(url, timeout=10) as reply:
            status: int = reply.status
            return status
    except HTTPError as error:
        return error.code


def test_an_indexed_job_has_a_pod_for_each_part(pod: dict[str, Any]) -> None:
    """It has no more privileges than the Deployment, and its command says how many parts there are."""
    job = YAML(typ="safe").load(PARTS.read_text(encoding="utf-8"))
    spec = job["spec"]["template"]["spec"]
    (container,), (other,) = spec["containers"], pod["containers"]

    assert job["spec"]["completionMode"] == "Indexed"
    assert job["spec"]["completions"] == job["spec"]["parallelism"] == 4
    assert "--shard=kubernetes/4" in container["args"]
    assert spec["securityContext"] == pod["securityContext"]
    assert container["securityContext"] == other["securityContext"]
    assert spec["automountServiceAccountToken"] is False
