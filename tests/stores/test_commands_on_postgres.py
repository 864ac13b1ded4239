"""Commands, as processes, on a state in PostgreSQL."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from reconciler.errors import StateError
from reconciler.model import SERVICES, group_of
from reconciler.runtime.concurrency import finish
from reconciler.state.keys import NO_KEYS
from reconciler.state.stores.holder import Holder
from reconciler.state.stores.opening import open_store
from tests.support.project import Project
from tests.support.rich_world import manifest, rooms

FILE = "reconciler.state.json"
CONVERSATIONS = [f"order-{number}" for number in range(20)]


def wanted(*bodies: str) -> str:
    """Return a manifest of all conversations, each with messages of these *bodies*."""
    return manifest({"desk": rooms(CONVERSATIONS, *bodies)})


@pytest.fixture(autouse=True)
def begun(project: Project) -> None:
    """The manifest that is applied first."""
    project.write("manifests/a.yaml", wanted("one"))


def pulled(project: Project, *arguments: str) -> dict[str, Any]:
    """Return the state."""
    document: dict[str, Any] = json.loads(project.run("state", "pull", *arguments, check=0).out)
    return document


def test_a_state_travels_there_and_back(project: Project) -> None:
    """The lineage stays, the serial rises, each plan is empty; the place that it left names the new one."""
    address = project.environ["RECONCILER_STATE"]
    project.run("apply", "--auto-approve", check=0)
    before = pulled(project)
    for source, target in ((address, FILE), (FILE, address), (address, "other.json")):
        project.run("state", "migrate", source, target, check=0)
        there = pulled(project, "--state", target)
        assert there["serial"] > before["serial"]
        assert {**there, "serial": 0} == {**before, "serial": 0}
        project.run("plan", "--state", target, "--detailed-exitcode", check=0)
        assert "was moved to" in project.run("apply", "--auto-approve", "--state", source, check=1).err
        before = there


def test_the_state_is_repaired_by_hand(project: Project) -> None:
    """`list`, `show`, `mv`, `rm` and `push` work over all groups; a renamed conversation changes its own."""
    project.run("apply", "--auto-approve", check=0)
    first, *others = CONVERSATIONS
    kept = project.run("state", "pull", check=0).out
    listed = project.run("state", "list", check=0).out.split()
    assert listed == sorted(["desk", *(f"desk/{one}{key}" for one in CONVERSATIONS for key in ("", "/m0"))])
    shown = json.loads(project.run("state", "show", f"desk/{first}", "--format", "json", check=0).out)
    project.run("state", "mv", f"desk/{first}", "desk/renamed", check=0)
    moved = json.loads(project.run("state", "show", "desk/renamed", "--format", "json", check=0).out)
    assert {**moved, "address": ""} == {**shown, "address": ""}
    project.run("state", "mv", "desk", "office", check=0)
    assert "office/renamed/m0" in project.run("state", "list", check=0).out.split()
    project.run("state", "rm", f"office/{others[0]}", check=0)
    assert len(project.run("state", "list", check=0).out.split()) == len(listed) - 2
    project.write("kept.json", kept)
    assert "is older" in project.run("state", "push", "kept.json", check=1).err
    project.run("state", "push", "--force", "kept.json", check=0)
    assert project.run("state", "list", check=0).out.split() == listed
    project.run("plan", "--detailed-exitcode", check=0)
    project.run("destroy", "--auto-approve", check=0)
    assert project.run("state", "list", check=0).out == ""


def test_who_holds_leases_is_named_once_and_freed(project: Project) -> None:
    """A plan says it and goes on; `state unlock` frees the leases of all that it names."""
    project.run("apply", "--auto-approve", check=0)
    address = project.environ["RECONCILER_STATE"]
    parts = {"ann@there": frozenset((SERVICES, *range(32))), "bob@there": frozenset(range(32, 64))}

    @contextmanager
    def held(who: str) -> Iterator[None]:
        store = open_store(address, keys=NO_KEYS, groups=parts[who])
        try:
            with store.lock(Holder(who, 4711, "apply", "2026-11-30T04:00:00Z"), timeout=0):
                yield
        finally:
            finish(store.close())

    unlocked = pytest.raises(StateError, match="it was unlocked by")
    with unlocked, held("ann@there"), held("bob@there"):
        locks = project.run("state", "locks", check=0).out.splitlines()
        assert [line.partition(" ")[0] for line in sorted(locks)] == [*parts]
        planned = json.loads(project.run("plan", "--format", "json", check=0).out)
        assert [one["code"] for one in planned["warnings"]] == ["state_locked"] * 2
        assert "is locked by" in project.run("state", "rm", "desk/*", check=1).err
        asked = project.run("state", "unlock", stdin="no\n", check=1).err
        assert "ann@there" in asked
        assert "bob@there" in asked
        project.run("state", "unlock", "--auto-approve", check=0)
        assert "Nobody holds" in project.run("state", "locks", check=0).out


def test_a_targeted_plan_survives_other_applies(project: Project) -> None:
    """And none to its own, whether they share a group or not."""
    project.run("apply", "--auto-approve", check=0)
    first = CONVERSATIONS[0]
    twin = next((one for one in CONVERSATIONS[1:] if _group(one) == _group(first)), CONVERSATIONS[1])
    project.write("manifests/a.yaml", wanted("one", "two"))
    project.run("plan", "--target", f"desk/{first}/*", "--out", "first.plan", check=0)
    project.run("plan", "--target", f"desk/{twin}/*", "--out", "twin.plan", check=0)
    project.run("apply", "--target", f"desk/{twin}/*", "--auto-approve", check=0)

    project.run("apply", "first.plan", check=0)
    assert "applied already" in project.run("apply", "first.plan", check=1).err
    assert f"stale plan: `desk/{twin}`" in project.run("apply", "twin.plan", check=1).err


def _group(name: str) -> int:
    return group_of(f"desk/{name}")
