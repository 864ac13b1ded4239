"""`--refresh-only`: the state learns what is live; nothing remote is changed."""

from __future__ import annotations

import json

import pytest
from twilio.rest import Client

from reconciler.emulator import Emulator
from tests.support.golden import expect_golden
from tests.support.manifests import ONE_OF_EACH
from tests.support.project import Project
from tests.support.sdk import client_at, only_conversation


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


def still_drifted(project: Project) -> list[str]:
    """Return the addresses that `drift` names."""
    document = json.loads(project.run("drift", "--format", "json", check=0).out)
    return [item["address"] for item in document["resource_drift"]]


def test_the_plan_shows_what_drifted(drifted: Project) -> None:
    """It lists the drift in place of actions, and says what applying it would do."""
    expect_golden(drifted.run("plan", "--refresh-only", "--detailed-exitcode", check=2), "refresh-only")


def test_applying_it_changes_the_state_alone(drifted: Project, remote: Emulator) -> None:
    """No request but GET is sent; then only what is gone has drifted, and it stays bound."""
    remote.requests.clear()

    drifted.run("apply", "--refresh-only", "--auto-approve", check=0)

    assert {request.method for request in remote.requests} == {"GET"}
    assert still_drifted(drifted) == ["support/order-1/how"]
    assert "support/order-1/how\n" in drifted.run("state", "list").out


def test_the_next_plan_mends_what_the_manifest_says(drifted: Project) -> None:
    """What was edited is a change of the manifest now, as the state holds what was live."""
    drifted.run("apply", "--refresh-only", "--auto-approve", check=0)

    planned = json.loads(drifted.run("plan", "--format", "json", check=0).out)

    assert [(c["address"], c["action_reason"]) for c in planned["resource_changes"]] == [
        ("support/order-1/hello", "changed_in_manifest"),
        ("support/order-1/how", "missing_remotely"),
    ]
    drifted.run("apply", "--auto-approve", check=0)
    assert [message.body for message in only_conversation(sdk_of(drifted)).messages.list()] == [
        "Hello there",
        "Never mind, bye",
        "How can I help?",
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

    assert still_drifted(drifted) == ["support/order-1/how"]


def test_a_target_limits_it(drifted: Project) -> None:
    """What is outside of the target stays drifted."""
    drifted.run("apply", "--refresh-only", "--target", "*/how", "--auto-approve", check=0)
    assert still_drifted(drifted) == ["support/order-1/hello", "support/order-1/how"]

    drifted.run("apply", "--refresh-only", "--target", "*/hello", "--auto-approve", check=0)
    assert still_drifted(drifted) == ["support/order-1/how"]


@pytest.mark.parametrize("flags", [("--destroy",), ("--replace", "support/order-1/hello")])
def test_it_excludes_what_would_change_messages(drifted: Project, flags: tuple[str, ...]) -> None:
    """Flags that ask for changes contradict it."""
    assert "exclude each other" in drifted.run("plan", "--refresh-only", *flags, check=1).err
