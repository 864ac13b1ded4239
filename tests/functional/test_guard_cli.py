"""The guard, as whoever made the mistake meets it: twenty conversations of five messages are not lost."""

from __future__ import annotations

import json
import shutil

import pytest

from reconciler.emulator import Emulator
from tests.support.project import Project
from tests.support.sdk import client_at

CONVERSATION = """\
version: 1
services:
  desk:
    conversations:
      order-{number:02}:
        messages:
          - {{key: m1, body: One}}
          - {{key: m2, body: Two}}
          - {{key: m3, body: Three}}
          - {{key: m4, body: Four}}
          - {{key: m5, body: Five}}
"""
OTHER = """\
version: 1
services:
  desk:
    conversations:
      lobby:
        messages:
          - {key: hello, body: Hello}
"""


@pytest.fixture
def desk(served: Project, remote: Emulator) -> Project:
    """Twenty conversations in a folder of their own, and another one beside it, all applied."""
    for number in range(20):
        served.write(f"manifests/orders/{number:02}.yaml", CONVERSATION.format(number=number))
    served.write("manifests/lobby.yaml", OTHER)
    served.run("apply", "--auto-approve", check=0)
    remote.requests.clear()
    return served


def refusals(project: Project, *arguments: str) -> list[tuple[str, str]]:
    """Return what holds the plan back, each with its hint."""
    document = json.loads(project.run("plan", "--format", "json", *arguments).out)
    assert document["applyable"] is (document["refusals"] == [])
    return [(one["text"], one["hint"]) for one in document["refusals"]]


def test_a_folder_deleted_by_mistake_is_noticed(desk: Project, remote: Emulator) -> None:
    """Nothing is sent; the sentences name the numbers and the flag."""
    shutil.rmtree(desk.folder / "manifests" / "orders")

    ran = desk.run("apply", "--auto-approve", check=1)

    assert "Plan: 0 to add, 0 to change, 120 to destroy." in ran.out
    assert ran.out.endswith(
        """\
error: refusing to delete or replace 100 of 101 messages (limit: 30%)
hint: check that the manifest path is right; to go on anyway, pass `--max-delete 100%`

error: refusing to delete 20 conversations with 100 messages (the first: `desk/order-00`)
hint: check that the manifest path is right; to delete anyway, pass `--max-delete 100`

This plan is not applyable.
"""
    )
    assert {request.method for request in remote.requests} == {"GET"}


def test_the_number_that_it_names_lets_it_pass(desk: Project) -> None:
    """Whoever means it says how much, and no more than that goes."""
    shutil.rmtree(desk.folder / "manifests" / "orders")

    assert refusals(desk, "--max-delete", "99") == [
        (
            "refusing to delete or replace 100 messages (limit: 99)",
            "check that the manifest path is right; to go on, pass `--max-delete 100`",
        )
    ]
    applied = desk.run("apply", "--auto-approve", "--max-delete", "100", check=0)
    assert applied.out.endswith("Apply complete! Resources: 0 added, 0 changed, 120 destroyed.\n")


@pytest.mark.parametrize(
    ("emptied", "error"),
    [
        (False, "error: there is no folder `manifests` here\n"),
        (True, "error: no manifests in `manifests`\n"),
    ],
)
def test_no_manifests_at_all_are_an_error(
    desk: Project, remote: Emulator, *, emptied: bool, error: str
) -> None:
    """They are never taken for the wish that nothing should be there."""
    shutil.rmtree(desk.folder / "manifests")
    if emptied:
        (desk.folder / "manifests").mkdir()

    ran = desk.run("apply", "--auto-approve", check=1)

    assert ran.err.startswith(error)
    assert not remote.requests


def test_messages_that_all_vanished_are_not_posted_again(desk: Project) -> None:
    """Somebody emptied the account, or it is another one: the plan waits for a person."""
    conversations = client_at(desk.environ["RECONCILER_ENDPOINT"]).conversations.v1.services
    (service,) = conversations.list()
    for conversation in conversations(service.sid).conversations.list():
        for message in conversation.messages.list():
            message.delete()

    assert refusals(desk) == [
        (
            "refusing to create again 101 of 101 messages (limit: 30%), which vanished remotely",
            "check that account and service are right; to create them again, pass `--allow-recreate`",
        )
    ]
    desk.run("apply", "--auto-approve", check=1)
    applied = desk.run("apply", "--auto-approve", "--allow-recreate", check=0)
    assert applied.out.endswith("Apply complete! Resources: 101 added, 0 changed, 0 destroyed.\n")
