"""The state at a server of Terraform's HTTP protocol, through the command line."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest

from tests.support.project import ROOT, Project
from tests.support.terraform_server import PASSWORD, TerraformServer, id_in


@pytest.fixture
def server() -> TerraformServer:
    """A server without a state."""
    return TerraformServer()


@pytest.fixture
def desk(served: Project, server: TerraformServer) -> Iterator[Project]:
    """The quickstart's manifests, whose state is kept at *server*."""
    shutil.copytree(ROOT / "examples" / "quickstart", served.folder / "manifests")
    with server.serving() as variables:
        yield Project(served.folder, {**served.environ, **variables})


def test_a_state_over_http_serves_every_command(desk: Project, server: TerraformServer) -> None:
    """No file is left here; the lock is released; each write has a serial of its own."""
    before = desk.files()
    desk.run("plan", "--out", "plan.bin", check=0)
    assert {one.method for one in server.asked} == {"GET"}
    desk.run("apply", "plan.bin", check=0)
    assert "this plan was applied already" in desk.run("apply", "plan.bin", check=1).err
    desk.run("plan", "--detailed-exitcode", check=0)
    desk.run("destroy", "--auto-approve", check=0)
    assert desk.files() - before == {"plan.bin"}
    assert server.lock is None
    assert server.serials == sorted(set(server.serials))


def test_a_run_is_refused_while_another_has_the_lock(desk: Project, server: TerraformServer) -> None:
    """It says who has it."""
    server.lock = b'{"ID":"1","Who":"ann","Created":"2026-11-30T08:00:00Z"}'
    ran = desk.run("apply", "--auto-approve", check=1)
    assert "is locked by ann since 2026-11-30T08:00:00Z; waited 0 s" in ran.err
    assert id_in(server.lock) == "1"
    assert server.data is None


def test_no_credential_and_no_text_is_stored_or_shown(desk: Project, server: TerraformServer) -> None:
    """Neither in the document nor in what a command prints."""
    ran = desk.run("apply", "--auto-approve", check=0)
    assert server.data is not None
    stored = server.data.decode()
    assert PASSWORD not in stored + ran.out + ran.err
    assert "sesame-open" not in stored
    manifest = "".join(path.read_text("utf-8") for path in (desk.folder / "manifests").rglob("*.yaml"))
    words = {word for word in manifest.split() if len(word) > 5 and word.isalpha()}
    assert not {word for word in words if f" {word}" in stored}


def test_a_lock_is_taken_away_by_who_knows_the_risk(desk: Project, server: TerraformServer) -> None:
    """It is asked for, and what may happen is said, as this server cannot refuse a late write."""
    server.lock = b'{"ID":"1","Who":"ann","Created":"2026-11-30T08:00:00Z"}'
    asked = desk.run("state", "unlock", stdin="no\n", check=1).err
    assert "then messages are posted twice. Make sure that the run has ended." in asked
    assert server.lock is not None
    assert (
        "Freed the lock of ann since 2026-11-30T08:00:00Z"
        in desk.run("state", "unlock", "--auto-approve", check=0).out
    )
    assert server.lock is None


def test_a_state_moves_there_and_back(desk: Project, server: TerraformServer) -> None:
    """The plan is empty at each stop, and what was left is refused."""
    file, address = "state.json", desk.environ["RECONCILER_STATE"]
    desk.run("apply", "--auto-approve", "--state", file, check=0)
    for source, target in ((file, address), (address, file)):
        desk.run("state", "migrate", source, target, check=0)
        desk.run("plan", "--state", target, "--detailed-exitcode", check=0)
        assert f"was moved to `{target}`" in desk.run("plan", "--state", source, check=1).err
    assert server.lock is None
