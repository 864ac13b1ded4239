"""Drift: what others changed since the last apply, told apart from what the manifests still want."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
from twilio.rest import Client

from reconciler.emulator import Emulator
from reconciler.emulator.fault_text import parse_fault
from tests.support.golden import expect_golden
from tests.support.manifests import ONE_OF_EACH
from tests.support.project import ROOT, Project
from tests.support.sdk import client_at, only_conversation


@pytest.fixture
def applied(served: Project) -> Project:
    """A project whose manifest was applied."""
    served.write("manifests/a.yaml", ONE_OF_EACH)
    served.run("apply", "--auto-approve", check=0)
    return served


@pytest.fixture
def sdk(served: Project) -> Client:
    """The official SDK, pointed at the emulator."""
    return client_at(served.environ["RECONCILER_ENDPOINT"])


def contents(folder: Path) -> dict[str, bytes]:
    """Return every file of a folder with what is in it."""
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_drift_is_named_and_mended(applied: Project, sdk: Client) -> None:
    """One message edited, one deleted: exactly these are named, an apply mends them, and no drift is left."""
    hello, how, _ = only_conversation(sdk).messages.list()
    hello.update(body="Hello there!!", attributes='{"importance": "none", "seen": [1, 2]}')
    how.delete()

    expect_golden(applied.run("drift", "--detailed-exitcode", check=2), "drift")
    applied.run("apply", "--auto-approve", check=0)
    expect_golden(applied.run("drift", "--detailed-exitcode", check=0), "no-drift")


def test_drift_needs_no_manifests(applied: Project, sdk: Client) -> None:
    """Without manifests the drift is the same; only what was there before cannot be shown."""
    only_conversation(sdk).messages.list()[0].update(body="Hello there!!", author="mallory")
    (applied.folder / "manifests" / "a.yaml").unlink()
    (applied.folder / "manifests").rmdir()

    expect_golden(applied.run("drift", "--detailed-exitcode", check=2), "drift-without-manifests")


LEFT_TO_OTHERS = """\
version: 1
services:
  support:
    conversations:
      order-1:
        messages:
          - key: hello
            body: Hello
            attributes: {importance: low, seen: 0}
            lifecycle: {ignore_changes: [body, attributes.seen]}
"""


@pytest.mark.parametrize("manifests", ["as applied", "without lifecycle", "none"])
def test_what_was_left_to_others_is_no_drift(served: Project, sdk: Client, manifests: str) -> None:
    """`ignore_changes` holds as it was applied, whatever the manifests say by now."""
    served.write("manifests/a.yaml", LEFT_TO_OTHERS)
    served.run("apply", "--auto-approve", check=0)
    (hello,) = only_conversation(sdk).messages.list()
    hello.update(body="Hello there!!", attributes='{"importance": "low", "seen": 7}')
    if manifests == "none":
        (served.folder / "manifests").rename(served.folder / "elsewhere")
    elif manifests == "without lifecycle":
        served.edit(
            "manifests/a.yaml", "            lifecycle: {ignore_changes: [body, attributes.seen]}\n", ""
        )

    served.run("drift", "--detailed-exitcode", check=0)

    hello.update(attributes='{"importance": "high", "seen": 7}')
    found = json.loads(served.run("drift", "--detailed-exitcode", "--format", "json", check=2).out)
    assert [item["change"]["after"] for item in found["resource_drift"]] == [
        {"attributes": {"importance": "high"}}
    ]


def test_a_message_whose_reply_was_lost_leaves_the_same_to_others(
    served: Project, sdk: Client, remote: Emulator
) -> None:
    """What `ignore_changes` says is known before the reply is, as the reply may be lost."""
    served.write("manifests/a.yaml", LEFT_TO_OTHERS)
    remote.faults.add(parse_fault("create_message:1:reset_after"))
    served.run("apply", "--auto-approve", check=0)
    (hello,) = only_conversation(sdk).messages.list()
    hello.update(body="Hello there!!", attributes='{"importance": "low", "seen": 7}')

    served.run("drift", "--detailed-exitcode", check=0)


def test_changes_in_the_manifests_are_no_drift(applied: Project) -> None:
    """What is not applied yet is counted apart, and the exit code says that nothing drifted."""
    applied.edit("manifests/a.yaml", "How can I help?", "What can I do for you?")
    applied.edit(
        "manifests/a.yaml", "{key: bye, author: alice, body: 'Never mind, bye'}", "{key: new, body: N}"
    )

    expect_golden(applied.run("drift", "--detailed-exitcode", check=0), "drift-pending")


def test_drift_as_json_is_terraforms(applied: Project, sdk: Client) -> None:
    """`resource_drift` has the shape of `resource_changes`, and the document the plan's schema."""
    hello, how, _ = only_conversation(sdk).messages.list()
    hello.update(body="Hello there!!")
    how.delete()

    document = json.loads(applied.run("drift", "--format", "json", check=0).out)

    jsonschema.validate(document, json.loads((ROOT / "schemas" / "plan.schema.json").read_text()))
    assert document["resource_changes"] == []
    assert [
        (item["address"], item["change"]["actions"], item["change"]["before"], item["change"]["after"])
        for item in document["resource_drift"]
    ] == [
        ("support/order-1/hello", ["update"], {"body": "Hello there"}, {"body": "Hello there!!"}),
        ("support/order-1/how", ["delete"], {}, None),
    ]


def test_drift_writes_nothing(applied: Project, sdk: Client, remote: Emulator) -> None:
    """Every request is a GET, and no file of the project is different afterwards, the lock included."""
    only_conversation(sdk).messages.list()[0].update(body="Hello there!!")
    before = contents(applied.folder)
    only_conversation(sdk).fetch()  # by its answer, all requests before are on record
    remote.requests.clear()

    applied.run("drift", "--detailed-exitcode", check=2)

    assert {request.method for request in remote.requests} == {"GET"}
    assert contents(applied.folder) == before
