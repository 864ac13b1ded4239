"""A policy reads the plan and what stays as it is, also from a saved plan."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.support.manifests import ONE_OF_EACH
from tests.support.project import Project

EVERYTHING = ["support", "support/order-1", *(f"support/order-1/{key}" for key in ("hello", "how", "bye"))]


@pytest.fixture
def edited(project: Project) -> Project:
    """A project in which one of three applied messages was edited, and a plan of that saved."""
    project.write("manifests/a.yaml", ONE_OF_EACH)
    project.run("apply", "--auto-approve", check=0)
    project.edit("manifests/a.yaml", "How can I help?", "What can I do?")
    project.run("plan", "--out", "plan.bin", check=0)
    return project


def listed(document: str) -> list[str]:
    """Return the addresses of the planned values."""
    made: dict[str, Any] = json.loads(document)
    return [one["address"] for one in made["planned_values"]["root_module"].get("resources", [])]


def test_a_plan_lists_what_stays_unless_it_is_told_not_to(edited: Project) -> None:
    """For a world of a million messages the rest may be too much."""
    assert listed(edited.run("plan", "--format", "json", check=0).out) == EVERYTHING
    assert listed(edited.run("plan", "--format", "json", "--changes-only", check=0).out) == EVERYTHING[3:4]


def test_a_saved_plan_lists_what_stays_by_its_manifests(edited: Project) -> None:
    """It does not contain them; without them a note says that a part is missing."""
    alone = edited.run("show", "plan.bin", "--format", "json", check=0)
    whole = edited.run("show", "plan.bin", "manifests", "--format", "json", check=0)

    assert (listed(alone.out), listed(whole.out)) == (EVERYTHING[3:4], EVERYTHING)
    assert "name its manifests too" in alone.err
    assert whole.err == ""


def test_other_manifests_than_those_of_the_plan_are_refused(edited: Project) -> None:
    """They would promise what is not there."""
    edited.edit("manifests/a.yaml", "Never mind, bye", "So long")

    ran = edited.run("show", "plan.bin", "manifests", "--format", "json", check=1)

    assert ran.err.startswith("error: these are not the manifests that the plan was made from\n")


def test_what_is_forgotten_as_a_whole_is_shown(project: Project) -> None:
    """A service with all that is in it: a policy can judge what is let go. It costs a request each."""
    project.write("manifests/a.yaml", ONE_OF_EACH)
    project.run("apply", "--auto-approve", check=0)
    project.write("manifests/a.yaml", "version: 1\nremoved: [{from: support}]\n")

    made = json.loads(project.run("plan", "--format", "json", check=0).out)

    before = {one["address"]: one["change"]["before"] for one in made["resource_changes"]}
    assert before == {
        "support": {"friendly_name": "support"},
        "support/order-1": {"unique_name": "order-1"},
        "support/order-1/hello": {
            "author": "alice",
            "body": "Hello there",
            "attributes": {"importance": "low", "seen": [1, 2]},
        },
        "support/order-1/how": {"author": "bob", "body": "How can I help?"},
        "support/order-1/bye": {"author": "alice", "body": "Never mind, bye"},
    }
    assert [one["change"]["actions"] for one in made["resource_changes"]] == [["forget"]] * 5


def test_a_moved_object_has_its_texts_before(project: Project) -> None:
    """They are where it goes, so a policy sees the same message twice."""
    project.write("manifests/a.yaml", ONE_OF_EACH)
    project.run("apply", "--auto-approve", check=0)
    project.edit("manifests/a.yaml", "key: how", "key: question")

    (one,) = json.loads(project.run("plan", "--format", "json", check=0).out)["resource_changes"]

    assert (one["address"], one["previous_address"]) == ("support/order-1/question", "support/order-1/how")
    assert one["change"]["before"] == one["change"]["after"] == {"author": "bob", "body": "How can I help?"}


def test_nothing_is_left_of_what_is_destroyed(edited: Project) -> None:
    """Whatever the manifests declare."""
    made = json.loads(edited.run("plan", "--destroy", "--format", "json", check=0).out)

    assert (made["planned_values"], made["unchanged_listed"]) == ({"root_module": {}}, True)
    edited.run("plan", "--destroy", "--out", "gone.bin", check=0)
    assert listed(edited.run("show", "gone.bin", "--format", "json", check=0).out) == []
