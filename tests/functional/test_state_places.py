"""`state migrate`, `state locks` and `state unlock`, on files; `tests/stores` has them on servers."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from typing import Any

import pytest

from reconciler.state.stores.holder import this_process
from reconciler.state.stores.lock import lock
from tests.support.manifests import ONE_OF_EACH
from tests.support.project import Project

OLD, NEW = "reconciler.state.json", "states/new.json"


@pytest.fixture
def applied(project: Project) -> Project:
    """A project whose manifest was applied, and a folder for another state."""
    project.write("manifests/a.yaml", ONE_OF_EACH)
    project.run("apply", "--auto-approve", check=0)
    (project.folder / "states").mkdir()
    return project


def pulled(project: Project, state: str, *more: str) -> dict[str, Any]:
    """Return the state at that place, without its serial."""
    document: dict[str, Any] = json.loads(project.run("state", "pull", *more, "--state", state, check=0).out)
    del document["serial"]
    return document


def test_a_state_moves_and_comes_back(applied: Project) -> None:
    """It keeps its lineage and all it remembers; the plan is empty at each stop."""
    before = pulled(applied, OLD)
    for source, target in ((OLD, NEW), (NEW, OLD), (OLD, NEW)):
        said = applied.run("state", "migrate", source, target, check=0)
        assert f"to {target}; the state is at serial" in said.out
        assert f"--state {target}" in said.err
        assert pulled(applied, target) == before
        applied.run("plan", "--state", target, "--detailed-exitcode", check=0)


def test_the_state_of_an_environment_moves_in_its_name(applied: Project) -> None:
    """Without the name it is refused, as by every command that writes it."""
    applied.write("reconciler.yaml", "environments: {prod: {state: prod.json}}\n")
    applied.run("apply", "--env", "prod", "--adopt", "--auto-approve", check=0)

    assert "pass `--env prod`" in applied.run("state", "migrate", "prod.json", NEW, check=1).err

    applied.run("state", "migrate", "--env", "prod", "prod.json", NEW, check=0)
    assert pulled(applied, NEW, "--env", "prod")["environment"] == "prod"


REFUSED = (
    *(("plan",), ("apply", "--auto-approve"), ("destroy", "--auto-approve"), ("drift",), ("output",)),
    *(("state", "list"), ("state", "pull"), ("state", "rm", "*"), ("state", "migrate", OLD, "other.json")),
)


def test_every_command_refuses_what_was_moved(applied: Project) -> None:
    """And names the new place; nothing is written."""
    applied.run("state", "migrate", OLD, NEW, check=0)
    before = (applied.folder / OLD).read_bytes()
    for command in REFUSED:
        refused = applied.run(*command, check=1).err
        assert f"the state `{OLD}` was moved to `{NEW}`" in refused
        assert f"--state {NEW}" in refused
    assert (applied.folder / OLD).read_bytes() == before
    assert not (applied.folder / "other.json").exists()


def test_a_move_that_was_cut_short_is_repeated(applied: Project) -> None:
    """The marker is written last: until then both places have the state."""
    kept = (applied.folder / OLD).read_bytes()
    applied.run("state", "migrate", OLD, NEW, check=0)
    there = (applied.folder / NEW).read_bytes()
    (applied.folder / OLD).write_bytes(kept)

    applied.run("state", "migrate", OLD, NEW, check=0)
    assert (applied.folder / NEW).read_bytes() == there
    assert "was moved to" in applied.run("plan", check=1).err


def test_another_state_is_never_overwritten(applied: Project) -> None:
    """Neither one of another history, nor a newer one of the same."""
    applied.run("state", "push", "--state", NEW, OLD, check=0)
    applied.run("state", "rm", "--state", NEW, "*/h*", check=0)
    before = (applied.folder / NEW).read_bytes()
    assert (
        "there is a state at `states/new.json` already"
        in applied.run("state", "migrate", OLD, NEW, check=1).err
    )
    assert "are the same place" in applied.run("state", "migrate", OLD, f"./{OLD}", check=1).err
    assert "no state at `none.json`" in applied.run("state", "migrate", "none.json", "x.json", check=1).err
    assert (applied.folder / NEW).read_bytes() == before
    applied.run("plan", "--detailed-exitcode", check=0)


def test_who_holds_the_lock(applied: Project) -> None:
    """User, host, command, process, since when, and the CI run; the lock of a file cannot be taken away."""
    run = {
        "GITHUB_RUN_ID": "42",
        "GITHUB_REPOSITORY": "acme/desk",
        "GITHUB_SERVER_URL": "https://github.example",
    }
    holder = this_process("apply", run, datetime.now(UTC))
    with lock(applied.folder / OLD, holder=holder, timeout=0):
        shown = applied.run("state", "locks", check=0).out
        refused = applied.run("state", "unlock", "--auto-approve", check=1).err
        moving = applied.run("state", "migrate", OLD, NEW, check=1).err

    assert shown == (
        f"{holder.who} (`apply`, pid {os.getpid()}) since {holder.since}, "
        "CI run https://github.example/acme/desk/actions/runs/42\n"
    )
    assert "belongs to a process of this machine and ends with it" in refused
    assert f"is locked by {holder.who}" in moving
    assert applied.run("state", "locks", check=0).out == "Nobody holds the lock of the state.\n"
