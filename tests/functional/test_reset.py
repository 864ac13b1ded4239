"""`--reset` and `--replace` of a conversation, as users meet them: flags, saved plans, Python, refusals."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from twilio.rest import Client

from reconciler import api
from reconciler.errors import PlanError
from tests.support.golden import expect_golden
from tests.support.project import ACCOUNT, Project
from tests.support.sdk import client_at

WHEN = datetime(2026, 1, 5, 9, tzinfo=UTC)
MANIFEST = """\
version: 1
defaults: {unmanaged: delete}
services:
  desk:
    conversations:
      ticket:
        participants: [{identity: ann}]
        messages:
          - {key: a, author: ann, body: Hello}
          - {key: b, author: ann, body: Anybody there?}
          - {key: c, author: ann, body: Bye}
      lobby:
        unmanaged: keep
        messages:
          - {key: hi, body: Hi}
"""


@pytest.fixture
def desk(served: Project) -> Project:
    """A project with an applied desk of two conversations."""
    served.write("manifests/desk.yaml", MANIFEST)
    served.run("apply", "--auto-approve", check=0)
    return served


@pytest.fixture
def conversations(desk: Project) -> Any:
    """The conversations of the desk, as others reach them."""
    client: Client = client_at(desk.environ["RECONCILER_ENDPOINT"])
    (service,) = client.conversations.v1.services.list()
    return client.conversations.v1.services(service.sid).conversations


def spoil(conversations: Any) -> None:
    """Let somebody type, edit, join, and close the ticket."""
    ticket = conversations("ticket").fetch()
    ticket.messages.create(author="guest", body="typed", date_created=WHEN, date_updated=WHEN)
    ticket.messages.list()[1].update(body="edited")
    ticket.participants.create(identity="guest")
    ticket.update(state="closed")


def bodies(conversations: Any, name: str = "ticket") -> list[str]:
    """Return what a conversation says."""
    return [message.body for message in conversations(name).messages.list()]


def test_the_plan_says_what_is_made_anew(desk: Project, conversations: Any) -> None:
    """The conversation first, then who and what goes with it; Terraform's words tell which goes first."""
    spoil(conversations)

    expect_golden(desk.run("plan", "--reset", "--detailed-exitcode", check=2), "reset-plan")

    planned = json.loads(desk.run("plan", "--reset", "--format", "json", check=0).out)
    actions = {change["address"]: change["change"]["actions"] for change in planned["resource_changes"]}
    assert actions["desk/ticket"] == actions["desk/ticket/a"] == ["delete", "create"]
    assert planned["summary"] == {
        "import": 0,
        "add": 5,
        "change": 0,
        "destroy": 7,
        "move": 0,
        "forget": 0,
        "no_op": 1,
    }


def test_a_variable_asks_for_it_too(desk: Project, conversations: Any) -> None:
    """As for every option."""
    spoil(conversations)
    desk.environ["RECONCILER_RESET"] = "1"

    desk.run("apply", "--auto-approve", check=0)

    assert bodies(conversations) == ["Hello", "Anybody there?", "Bye"]
    assert [one.identity for one in conversations("ticket").participants.list()] == ["ann"]
    assert conversations("ticket").fetch().state == "active"
    desk.environ.clear()
    assert desk.run("plan", "--reset").code == 1


def test_a_saved_reset_is_applied(desk: Project, conversations: Any) -> None:
    """The guard was asked when the plan was made."""
    spoil(conversations)
    desk.run("plan", "--reset", "--out", "reset.plan", check=0)

    desk.run("apply", "reset.plan", check=0)

    assert bodies(conversations) == ["Hello", "Anybody there?", "Bye"]
    desk.run("plan", "--reset", "--detailed-exitcode", check=0)
    assert "applied already" in desk.run("apply", "reset.plan", check=1).err


def test_a_saved_reset_is_stale_once_something_changed(desk: Project, conversations: Any) -> None:
    """What is to be lost is what was reviewed."""
    conversations("ticket").messages.create(author="guest", body="typed")
    desk.run("plan", "--replace", "desk/ticket", "--max-delete", "9", "--out", "reset.plan", check=0)
    conversations("ticket").messages.list()[0].update(body="edited since")

    ran = desk.run("apply", "reset.plan", check=1)

    assert "stale plan" in ran.err
    assert bodies(conversations) == ["edited since", "Anybody there?", "Bye", "typed"]


def test_who_writes_after_the_plan_was_made_is_not_overruled(desk: Project, conversations: Any) -> None:
    """A conversation that is to be replaced is looked at once more before it is deleted."""
    desk.run("plan", "--replace", "desk/ticket", "--max-delete", "9", "--out", "reset.plan", check=0)
    conversations("ticket").messages.create(author="guest", body="just now")

    desk.run("apply", "reset.plan", check=1)

    assert bodies(conversations)[-1] == "just now"


def test_python_asks_for_it(desk: Project, conversations: Any) -> None:
    """`Options(reset=True)`; what is refused is raised."""
    spoil(conversations)
    settings = api.settings(
        desk.environ["RECONCILER_ENDPOINT"],
        state=desk.folder / "reconciler.state.json",
        environ={"TWILIO_ACCOUNT_SID": ACCOUNT, "TWILIO_AUTH_TOKEN": "sesame-open"},
    )
    desired = api.load(desk.folder / "manifests")

    api.apply(desired, settings, api.Options(reset=True))

    assert bodies(conversations) == ["Hello", "Anybody there?", "Bye"]
    conversations("lobby").messages.create(body="typed")
    conversations("lobby").update(state="closed")
    with pytest.raises(PlanError, match="closed and would have to be deleted, but it holds"):
        api.apply(desired, settings, api.Options(reset=True))


def test_others_are_not_lost_and_the_rest_can_be_reset(desk: Project, conversations: Any) -> None:
    """The refusal names the conversation, and the way on is the one that it names."""
    spoil(conversations)
    conversations("lobby").messages.create(body="typed")
    conversations("lobby").update(state="closed")

    refused = desk.run("apply", "--reset", "--auto-approve", check=1)

    assert "is closed and would have to be deleted, but it holds 1 message of others\n" in refused.out
    assert "`--exclude desk/lobby`" in refused.out
    assert "typed" in bodies(conversations)
    desk.run("apply", "--reset", "--exclude", "desk/lobby", "--auto-approve", check=0)
    assert bodies(conversations) == ["Hello", "Anybody there?", "Bye"]
    assert bodies(conversations, "lobby") == ["Hi", "typed"]


def test_one_conversation_is_replaced(desk: Project, conversations: Any) -> None:
    """With the guards on, which say the number that lets it pass."""
    before = conversations("ticket").fetch().sid

    refused = desk.run("apply", "--replace", "desk/ticket", "--auto-approve", check=1)
    assert "refusing to delete 1 conversation with 3 messages (the first: `desk/ticket`)" in refused.out
    desk.run("apply", "--replace", "desk/ticket", "--max-delete", "3", "--auto-approve", check=0)

    assert conversations("ticket").fetch().sid != before
    assert bodies(conversations) == ["Hello", "Anybody there?", "Bye"]
    desk.run("plan", "--detailed-exitcode", check=0)


def test_what_was_there_before_is_never_replaced(served: Project) -> None:
    """The tool found it: it is refused by name, with both flags."""
    client = client_at(served.environ["RECONCILER_ENDPOINT"])
    service = client.conversations.v1.services.create(friendly_name="desk")
    rooms = client.conversations.v1.services(service.sid).conversations
    rooms.create(unique_name="ticket")
    served.write("manifests/desk.yaml", MANIFEST)
    served.run("apply", "--auto-approve", check=0)

    replaced = served.run("plan", "--replace", "desk/ticket", "--max-delete", "9", check=1)
    rooms("ticket").update(state="closed")
    reset = served.run("plan", "--reset", check=1)

    for ran in (replaced, reset):
        assert "would have to be deleted, but this tool did not create it" in ran.out


@pytest.mark.parametrize("other", ["--refresh-only", "--destroy"])
def test_it_excludes_what_asks_for_something_else(desk: Project, other: str) -> None:
    """A destroy brings nothing back, and a refresh changes nothing."""
    assert "exclude each other" in desk.run("plan", "--reset", other, check=1).err
