"""The state in a ref of a bare repository, through the command line: `--state git:REF`."""

from __future__ import annotations

import json
import shutil

import pytest

from reconciler.emulator import Emulator
from tests.support.project import ROOT, Project
from tests.support.repository import REF, Repository, environ

STATE = f"git:{REF}"


@pytest.fixture
def desk(served: Project) -> Project:
    """A clone of a bare repository, with the quickstart's manifests."""
    there = Repository(served.folder)
    clone = there.clone("clone")
    shutil.copytree(ROOT / "examples" / "quickstart", clone / "manifests")
    given = {name: value for name, value in environ(served.folder).items() if name not in {"PATH", "LANG"}}
    return Project(clone, {**given, **served.environ, "RECONCILER_STATE": STATE})


def test_a_state_in_git_serves_every_command(desk: Project) -> None:
    """Apply, plan, drift, list, destroy: by another clone, which has no file of it."""
    first = desk.run("apply", "--auto-approve", check=0)
    assert "Apply complete!" in first.out
    other = Project(Repository(desk.folder.parent).clone("other"), desk.environ)
    shutil.copytree(desk.folder / "manifests", other.folder / "manifests")
    before = other.files()
    other.run("plan", "--detailed-exitcode", check=0)
    other.run("drift", "--detailed-exitcode", check=0)
    addresses = other.run("state", "list", check=0).out.split()
    assert addresses
    pulled = json.loads(other.run("state", "pull", check=0).out)
    assert set(pulled["bindings"]) == set(addresses)
    other.run("destroy", "--auto-approve", check=0)
    assert other.run("state", "list", check=0).out == ""
    assert {name for name in other.files() - before if ".git/" not in name} == set()


def test_few_writes_and_no_text(desk: Project) -> None:
    """Four pushes for an apply, however many messages; no body, author or credential is in any of them."""
    there = Repository(desk.folder.parent)
    log = there.path / "pushed"
    hook = there.path / "hooks" / "post-receive"
    hook.write_text(f"#!/bin/sh\ncat >> {log}\n", encoding="utf-8")
    hook.chmod(0o700)
    desk.run("apply", "--auto-approve", check=0)
    pushed = log.read_text(encoding="utf-8").split()
    commits = [commit for commit in pushed if len(commit) == 40 and set(commit) != {"0"}]
    assert len(commits) == 2 * 4 - 1  # old and new of each push; the first has no old one
    manifest = "".join(path.read_text("utf-8") for path in (desk.folder / "manifests").rglob("*.yaml"))
    words = {word for word in manifest.split() if len(word) > 5 and word.isalpha()}
    for commit in set(commits):
        content = there.git("show", f"{commit}:state.json", at=there.path)
        assert "sesame-open" not in content
        assert not {word for word in words if f" {word}" in content}


def test_a_saved_plan_is_applied_once(desk: Project) -> None:
    """In another folder, as the apply job of a pipeline does; a second time it is refused."""
    desk.run("plan", "--out", "plan.bin", check=0)
    other = Project(Repository(desk.folder.parent).clone("other"), desk.environ)
    shutil.copy(desk.folder / "plan.bin", other.folder / "plan.bin")
    other.run("apply", "plan.bin", check=0)
    again = other.run("apply", "plan.bin", check=1)
    assert "this plan was applied already" in again.err


def test_an_encrypted_state_shows_its_lease_alone(desk: Project, remote: Emulator) -> None:
    """Who waits for the lease needs no key."""
    key = desk.run("state", "rekey", "--generate", check=0).out.strip()
    sealed = Project(desk.folder, {**desk.environ, "RECONCILER_ENCRYPTION_KEY": key})
    sealed.run("apply", "--auto-approve", check=0)
    document = json.loads(Repository(desk.folder.parent).document())
    assert isinstance(document["state"], str)
    assert document["lease"]["free"]
    assert "no key is given" in desk.run("plan", check=1).err
    sealed.run("plan", "--detailed-exitcode", check=0)
    assert remote.requests


def test_a_plan_says_what_webhooks_mean_after_a_crash(desk: Project) -> None:
    """What a webhook may have rewritten cannot be recognised, and replies are written every 30 s."""
    desk.write(
        "manifests/hooked.yaml",
        "version: 1\nservices: {hooked: {conversations: {order: {messages: "
        "[{key: a, body: Hi, webhooks: true}, {key: b, body: Bye}]}}}}\n",
    )
    out = desk.run("plan", check=0).out
    assert "1 new message may be rewritten by webhooks, and this state is written every 30 s" in out
    assert "written every 30 s" not in desk.run("plan", "--state", "file.json", check=0).out
