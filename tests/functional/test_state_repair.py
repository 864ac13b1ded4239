"""`state mv`, `rm`, `pull`, `push`: repairs of what is remembered, under the lock and with a backup."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.support.golden import expect_golden
from tests.support.manifests import ONE_OF_EACH
from tests.support.project import Project

STATE = "reconciler.state.json"


@pytest.fixture
def applied(project: Project) -> Project:
    """A project whose manifest was applied."""
    project.write("manifests/a.yaml", ONE_OF_EACH)
    project.run("apply", "--auto-approve", check=0)
    return project


def pulled(project: Project) -> dict[str, Any]:
    """Return what `state pull` prints."""
    document: dict[str, Any] = json.loads(project.run("state", "pull", check=0).out)
    return document


def test_moving_a_message_renames_its_key(applied: Project) -> None:
    """After the same change in the manifest there is nothing to plan."""
    expect_golden(applied.run("state", "mv", "support/order-1/hello", "support/order-1/greeting"), "state-mv")

    applied.edit("manifests/a.yaml", "key: hello", "key: greeting")
    applied.run("plan", "--detailed-exitcode", check=0)


def test_moving_a_conversation_takes_along_what_is_in_it(applied: Project) -> None:
    """Every address below it is renamed; on Twilio nothing is."""
    applied.run("state", "mv", "support/order-1", "support/first", check=0)

    applied.edit("manifests/a.yaml", "order-1:", "first:\n        unique_name: order-1")
    applied.run("plan", "--detailed-exitcode", check=0)


def test_removing_forgets_and_leaves_the_messages(applied: Project) -> None:
    """The message stands as before: planned again, it is recognised."""
    expect_golden(applied.run("state", "rm", "*/h*"), "state-rm")

    planned = json.loads(applied.run("plan", "--adopt", "--format", "json", check=0).out)
    assert planned["summary"]["import"] == 2


def test_pull_prints_the_state_with_its_journal(applied: Project) -> None:
    """What it prints is a state file that can be read again."""
    ran = applied.run("state", "pull", check=0)

    assert ran.out == (applied.folder / STATE).read_text()


def test_what_was_pulled_can_be_pushed(applied: Project) -> None:
    """Serial and backup move on; the bindings are those of the file."""
    document = pulled(applied)
    del document["bindings"]["support/order-1/bye"]
    applied.write("edited.json", json.dumps(document))

    expect_golden(applied.run("state", "push", "edited.json"), "state-push")

    after = pulled(applied)
    assert after["serial"] == document["serial"] + 1
    assert after["bindings"] == document["bindings"]
