"""`--refresh-only`: the state learns what is live; nothing remote is changed."""

from __future__ import annotations

import json

import pytest
from twilio.rest import Client

from reconciler.emulator import Emulator
from tests.functional.conftest import Project
from tests.functional.test_main_job import ONE_OF_EACH, expect_golden, only_conversation
from tests.sdk import client_at


@pytest.fixture
def drifted(served: Project) -> Project:
    """A project of which one message was edited and one deleted behind the tool's back."""
    served.write("manifests/a.yaml", ONE_OF_EACH)
    served.run("apply", "--auto-approve", check=0)
    hello, how, _ = only_conversation(sdk_of(served)).messages.list()
    hello.update(body="Hello there!!")
    how.delete()
    return served


def sdk_of(project: Project) -> Client:
    """Return the official SDK, pointed at the emulator of a project."""
    return client_at(project.environ["RECONCILER_ENDPOINT"])


def test_the_plan_shows_what_drifted(drifted: Project) -> None:
    """It lists the drift in place of actions, and says what applying it would do."""
    expect_golden(drifted.run("plan", "--refresh-only", "--detailed-exitcode", check=2), "refresh-only")


def test_applying_it_changes_the_state_alone(drifted: Project, remote: Emulator) -> None:
    """No request but GET is sent; then nothing has drifted, and what is gone is bound no more."""
    remote.requests.clear()

    drifted.run("apply", "--refresh-only", "--auto-approve", check=0)

    assert {request.method for request in remote.requests} == {"GET"}
    drifted.run("drift", "--detailed-exitcode", check=0)
    assert "support/order-1/how\n" not in drifted.run("state", "list").out


def test_what_vanished_is_then_created_as_new(drifted: Project) -> None:
    """The next plan no longer calls it missing."""
    drifted.run("apply", "--refresh-only", "--auto-approve", check=0)

    planned = json.loads(drifted.run("plan", "--format", "json", check=0).out)

    assert [(c["address"], c["action_reason"]) for c in planned["resource_changes"]] == [
        ("support/order-1/how", "not_in_state")
    ]


def test_it_asks_first(drifted: Project) -> None:
    """Without `yes` the state stays as it was."""
    before = (drifted.folder / "reconciler.state.json").read_bytes()

    drifted.run("apply", "--refresh-only", stdin="no\n", check=1)

    assert (drifted.folder / "reconciler.state.json").read_bytes() == before


def test_a_saved_one_records_what_was_reviewed(drifted: Project) -> None:
    """`plan --refresh-only --out` and `apply FILE` are the same as applying at once."""
    drifted.run("plan", "--refresh-only", "--out", "plan.bin", check=0)

    drifted.run("apply", "plan.bin", check=0)

    drifted.run("drift", "--detailed-exitcode", check=0)


def test_a_target_limits_it(drifted: Project) -> None:
    """What is outside of the target stays drifted."""
    drifted.run("apply", "--refresh-only", "--target", "*/how", "--auto-approve", check=0)

    document = json.loads(drifted.run("drift", "--format", "json", check=0).out)

    assert [item["address"] for item in document["resource_drift"]] == ["support/order-1/hello"]


@pytest.mark.parametrize("flags", [("--destroy",), ("--replace", "support/order-1/hello")])
def test_it_excludes_what_would_change_messages(drifted: Project, flags: tuple[str, ...]) -> None:
    """Flags that ask for changes contradict it."""
    assert "exclude each other" in drifted.run("plan", "--refresh-only", *flags, check=1).err
