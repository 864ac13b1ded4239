"""`import --from-terraform`: what Terraform made is managed here from now on, and nothing is posted."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from twilio.rest import Client

from reconciler.export.terraform import RESOURCE
from tests.support.golden import expect_golden
from tests.support.project import Project
from tests.support.sdk import client_at

CREATED = "2026-01-05T09:00:00Z"
NAMES = ("welcome", "answer", "bye")


@pytest.fixture
def sdk(served: Project) -> Client:
    """The official SDK, pointed at the emulator."""
    return client_at(served.environ["RECONCILER_ENDPOINT"])


@pytest.fixture
def conversation(sdk: Client) -> Any:
    """A conversation of three messages, as Terraform would have made it."""
    service = sdk.conversations.v1.services.create(friendly_name="support")
    made = sdk.conversations.v1.services(service.sid).conversations.create(unique_name="order-1")
    for name in NAMES:
        made.messages.create(
            author="alice",
            body=f"The {name}",
            attributes='{ "n": 1.0 }',
            subject="Order",
            date_created=CREATED,
        )
    return made


def terraform_state(project: Project, conversation: Any, **changes: str) -> None:
    """Write the state that Terraform has of *conversation*: sorted by name, as Terraform does."""
    instances = {
        name: {
            "id": f"{message.chat_service_sid}/{message.conversation_sid}/{message.sid}",
            "author": message.author,
            "body": message.body,
            "attributes": message.attributes,
            "date_created": CREATED,
            "date_updated": CREATED,
            "subject": "Order",
            **changes,
        }
        for name, message in zip(NAMES, conversation.messages.list(), strict=True)
    }
    resources = [
        {"mode": "managed", "type": RESOURCE, "name": name, "instances": [{"attributes": instances[name]}]}
        for name in sorted(instances)
    ]
    project.write("terraform.tfstate", json.dumps({"version": 4, "resources": resources}))


def test_manifests_and_bindings_are_written(served: Project, conversation: Any) -> None:
    """In the order in which the messages stand; subjects too, which nobody else remembers."""
    terraform_state(served, conversation)

    expect_golden(served.run("import", "--from-terraform", "terraform.tfstate"), "import-from-terraform")
    expect_golden(served.run("state", "list"), "state-list-from-terraform")


def test_the_plan_after_it_is_empty(served: Project, conversation: Any) -> None:
    """Nothing to do, and nothing that would have to be assumed."""
    terraform_state(served, conversation)
    served.run("import", "--from-terraform", "terraform.tfstate", "--out", "manifests", check=0)

    planned = served.run("plan", "--detailed-exitcode", check=0).out

    assert planned.endswith("No changes. Your conversations match the manifests.\n")
    assert "assumed" not in planned


def test_what_changed_since_terraform_looked_is_drift(served: Project, conversation: Any) -> None:
    """The manifest says what Terraform would have restored."""
    terraform_state(served, conversation)
    conversation.messages.list()[0].update(body="Hacked", date_updated=CREATED)
    served.run("import", "--from-terraform", "terraform.tfstate", "--out", "manifests", check=0)

    planned = json.loads(served.run("plan", "--format", "json", check=0).out)["resource_changes"]

    assert [(one["address"], one["action_reason"]) for one in planned] == [
        ("support/order-1/welcome", "drifted")
    ]


def test_what_is_gone_is_named(served: Project, conversation: Any) -> None:
    """The provider fails on such a message forever; here it is left out."""
    terraform_state(served, conversation)
    gone = conversation.messages.list()[1]
    gone.delete()

    ran = served.run("import", "--from-terraform", "terraform.tfstate", "--out", "a.yaml", check=0)

    assert f"note: {RESOURCE}.answer is left out: {gone.sid} is gone\n" in ran.err
    assert "Wrote 2 messages of 1 conversation, bound in reconciler.state.json\n" in ran.err


def test_a_conversation_that_is_gone_is_named(served: Project, conversation: Any) -> None:
    """With every message that was in it; the rest is written."""
    terraform_state(served, conversation)
    gone = f"/CH{'0' * 32}/"
    path = served.folder / "terraform.tfstate"
    path.write_text(re.sub(r"/CH\w+/", gone, path.read_text(encoding="utf-8"), count=1), encoding="utf-8")

    ran = served.run("import", "--from-terraform", "terraform.tfstate", "--out", "a.yaml", check=0)

    assert f"note: {RESOURCE}.answer is left out: its conversation is gone\n" in ran.err
    assert "Wrote 2 messages" in ran.err


def test_the_state_of_another_account_is_refused(served: Project, conversation: Any) -> None:
    """Where nothing is found, nothing is written."""
    terraform_state(served, conversation)
    conversation.delete()

    ran = served.run("import", "--from-terraform", "terraform.tfstate", "--out", "a.yaml", check=1)

    assert ran.err.startswith("error: none of the conversations in the Terraform state exists\n")
    assert served.files() == {"terraform.tfstate", "reconciler.state.json.lock"}


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ((), "error: an ADDRESS and a SID are needed\n"),
        (
            ("a/b/c", "IM0", "--from-terraform", "terraform.tfstate"),
            "error: `--from-terraform` takes no ADDRESS\n",
        ),
        (("a/b/c", "IM0", "--out", "x"), "error: `--out` says nothing without `--from-terraform`\n"),
    ],
)
def test_one_message_or_a_state_of_them(project: Project, arguments: tuple[str, ...], error: str) -> None:
    """The two ways of importing exclude each other."""
    project.write("terraform.tfstate", "{}")

    assert project.run("import", *arguments, check=1).err.startswith(error)
