"""`--shard` and `plan merge`, as processes; the states of several machines need a database (tests/stores)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from reconciler.cli.plan_files import save_plan
from reconciler.model.shard import Shard
from reconciler.operations.plan_parts import make_part
from reconciler.plans.options import Options
from reconciler.state.keys import Keys
from tests.support.desk import Desk
from tests.support.project import Project
from tests.support.rich_world import manifest, texts


def rooms(*keys: str, number: int = 12) -> str:
    """Return a manifest of so many conversations."""
    return manifest({"desk": {f"room-{room}": {"messages": texts(*keys)} for room in range(number)}})


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """A desk at which something was applied."""
    with Desk(tmp_path) as made:
        made.apply(rooms(*"abc"))
        yield made


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """The folder of the desk."""
    return Project(tmp_path)


def make_parts(desk: Desk, text: str, count: int, options: Options = Options()) -> list[str]:  # noqa: B008  # frozen
    """Save what *count* machines plan, and return the names of the files."""
    options = msgspec.structs.replace(options, record=True)
    for number in range(1, count + 1):
        shard = Shard(number, count)
        settings = msgspec.structs.replace(desk.settings(), shard=shard)
        part = desk.run(make_part(desk.desired(text), settings, options, shard))
        save_plan(desk.folder / f"part-{number}", part, Keys(()))
    return [f"part-{number}" for number in range(1, count + 1)]


def document(text: str) -> dict[str, Any]:
    """Return a plan as JSON, without its time."""
    parsed: dict[str, Any] = json.loads(text)
    del parsed["timestamp"]
    return parsed


def test_the_parts_become_a_plan_like_any_other(desk: Desk, project: Project) -> None:
    """It is shown in every format, saved, and shown again from its file."""
    parts = make_parts(desk, rooms(*"abcd"), 3)

    merged = project.run("plan", "merge", *parts, "--out", "plan.bin", "--format", "json", check=0)

    assert merged.err == "Saved the plan; to apply exactly this: reconciler apply plan.bin\n"
    assert document(merged.out)["summary"]["add"] == 12
    shown = project.run("show", "plan.bin", "--format", "json", "--changes-only", check=0)
    assert document(shown.out) == document(merged.out)
    assert project.run("plan", "merge", *parts, "--detailed-exitcode").code == 2
    assert (project.folder / "plan.bin").stat().st_mode & 0o777 == 0o600
    assert (project.folder / "part-1").stat().st_mode & 0o777 == 0o600


def test_with_the_manifests_json_has_what_stays(desk: Desk, project: Project) -> None:
    """They must be those that the parts were made from."""
    parts = make_parts(desk, rooms(*"abcd"), 2)

    whole = document(project.run("plan", "merge", *parts, "desk.yaml", "--format", "json", check=0).out)

    assert len(whole["planned_values"]["root_module"]["resources"]) == 1 + 12 * 5
    (project.folder / "desk.yaml").write_text(rooms(*"abc"), encoding="utf-8")
    ran = project.run("plan", "merge", *parts, "desk.yaml", check=1)
    assert "these are not the manifests that the parts were made from" in ran.err


def test_deletions_that_are_too_many_only_in_sum_are_refused(desk: Desk, project: Project) -> None:
    """The whole plan is shown, nothing is saved, and the flag is named."""
    parts = make_parts(desk, rooms(*"ab"), 4, Options(max_delete=8))

    ran = project.run("plan", "merge", *parts, "--out", "plan.bin", check=1)

    assert "Plan: 0 to add, 0 to change, 12 to destroy." in ran.out
    assert "refusing to delete or replace 12 messages (limit: 8)" in ran.out
    assert not (project.folder / "plan.bin").exists()


def test_a_part_is_neither_applied_nor_shown(desk: Desk, project: Project) -> None:
    """The error names `plan merge`."""
    make_parts(desk, rooms(*"abcd"), 2)

    for command in (("apply", "part-1", "--endpoint", "emulator"), ("show", "part-1")):
        ran = project.run(*command, check=1)
        assert "is part 1/2 of a plan" in ran.err
        assert "reconciler plan merge PART" in ran.err


@pytest.mark.parametrize(
    ("paths", "told"),
    [
        (("part-1",), "part 2/2 is missing"),
        (("part-1", "part-1", "part-2"), "`part-1` is named twice"),
        (("part-1", "part-2", "whole"), "`whole` is a whole plan, not a part of one"),
        (("desk.yaml",), "the first path is no part of a plan"),
        ((), "the first path is no part of a plan"),
    ],
)
def test_every_part_is_named_once(desk: Desk, project: Project, paths: tuple[str, ...], told: str) -> None:
    """Else something would be missing, or told twice."""
    make_parts(desk, rooms(*"abcd"), 2)
    (project.folder / "whole").write_bytes(desk.save(rooms(*"abcd")))

    assert told in project.run("plan", "merge", *paths, check=1).err


def test_a_state_that_is_kept_as_a_whole_is_refused(project: Project) -> None:
    """Two parts could not write it side by side; the error says what can be."""
    project.write("manifests/desk.yaml", rooms("a"))

    for command in ("plan", "apply"):
        ran = project.run(
            command, "--shard", "1/2", "--endpoint", "emulator", "--state", "mine.json", check=1
        )
        assert "the state `mine.json` is kept as a whole" in ran.err
        assert "PostgreSQL" in ran.err


@pytest.mark.parametrize(
    ("shard", "environ", "told"),
    [
        ("3/2", {}, "names part 3: parts are numbered from 1 to 2"),
        ("0/2", {}, "names part 0"),
        ("1/65", {}, "there can be 1 to 64"),
        ("half", {}, "write it as I/N"),
        ("gitlab", {}, "CI_NODE_INDEX is not set"),
        ("gitlab", {"CI_NODE_INDEX": "3", "CI_NODE_TOTAL": "2"}, "`3/2` names part 3"),
        ("kubernetes/2", {}, "JOB_COMPLETION_INDEX is not set"),
        ("kubernetes/2", {"JOB_COMPLETION_INDEX": "2"}, "`3/2` names part 3"),
        ("gitlab", {"CI_NODE_INDEX": "2", "CI_NODE_TOTAL": "2"}, "is kept as a whole"),
        ("kubernetes/2", {"JOB_COMPLETION_INDEX": "1"}, "is kept as a whole"),
    ],
)
def test_the_environment_may_say_which_part_it_is(
    project: Project, shard: str, environ: dict[str, str], told: str
) -> None:
    """What it says is checked like what is written."""
    project.write("manifests/desk.yaml", rooms("a"))
    project.environ.update(environ, RECONCILER_SHARD=shard)

    assert told in project.run("plan", "--endpoint", "emulator", check=1).err
