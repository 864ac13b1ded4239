"""A run in parts, as processes beside a real PostgreSQL: planned, joined, and applied by each."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.support.project import Project
from tests.support.rich_world import manifest, texts


def declare(project: Project, service: str, number: int, *keys: str) -> None:
    """Write a manifest of so many conversations."""
    inside = {f"room-{room}": {"messages": texts(*keys)} for room in range(number)}
    project.write("manifests/desk.yaml", manifest({service: inside}))


def merged(project: Project, parts: int, *flags: str) -> dict[str, Any]:
    """Return the plan of so many parts as JSON, without its time, and save it as `plan.bin`."""
    files = [f"part-{number}" for number in range(1, parts + 1)]
    for number, file in enumerate(files, start=1):
        project.run("plan", "--shard", f"{number}/{parts}", "--out", file, *flags, check=0)
    ran = project.run("plan", "merge", *files, "manifests", "--out", "plan.bin", "--format", "json", check=0)
    return document(ran.out)


def document(text: str) -> dict[str, Any]:
    """Return a plan without what differs between two runs."""
    parsed: dict[str, Any] = json.loads(text)
    for name in ("timestamp", "requests"):
        del parsed[name]
    return parsed


@pytest.mark.parametrize("parts", [1, 2, 7])
def test_parts_are_planned_joined_and_applied(project: Project, parts: int) -> None:
    """From nothing on, and then as one machine would; a part is applied once."""
    declare(project, "desk", 9, *"abc")
    merged(project, parts)
    for number in range(1, parts + 1):
        project.run("apply", "plan.bin", "--shard", f"{number}/{parts}", check=0)
    assert "No changes." in project.run("plan", check=0).out
    declare(project, "desk", 10, *"abd")

    plan = merged(project, parts, "--max-delete", "100%")

    whole = project.run("plan", "--max-delete", "100%", "--format", "json", check=0)
    assert plan == document(whole.out)
    for number in range(1, parts + 1):
        first = project.run("apply", "plan.bin", "--shard", f"{number}/{parts}", check=0)
        again = project.run("apply", "plan.bin", "--shard", f"{number}/{parts}")
        nothing = "0 added, 0 changed, 0 destroyed" in first.out
        assert nothing or "this plan was applied already" in again.err
    assert "No changes." in project.run("plan", check=0).out


def test_manifests_are_applied_in_parts(project: Project) -> None:
    """Services are made once, and go with the last that is bound in them."""
    declare(project, "desk", 9, *"ab")
    for number in (3, 1, 2):
        project.run("apply", "--shard", f"{number}/3", "--auto-approve", check=0)
    declare(project, "zoo", 9, *"ab")
    gone = [
        project.run("apply", "--shard", f"{number}/3", "--auto-approve", "--max-delete", "100%", check=0)
        for number in (1, 2, 3)
    ]

    assert ["desk will be destroyed" in one.out for one in gone] == [False, False, True]
    assert "No changes." in project.run("plan", check=0).out
