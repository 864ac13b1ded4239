"""`import --from-terraform`: what Terraform made is managed here from now on, and nothing is posted."""

from __future__ import annotations

import json
import re
import shlex
from typing import Any

import pytest
from twilio.rest import Client

from tests.support.golden import expect_golden
from tests.support.project import Project
from tests.support.sdk import client_at
from tests.support.terraform import (
    CONVERSATIONS,
    CREATED,
    DEFAULT_CONVERSATIONS,
    DEFAULT_MESSAGES,
    DEFAULT_PARTICIPANTS,
    MESSAGES,
    PARTICIPANTS,
    instance,
    instance_of,
    resource,
    tfstate,
)

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


def terraform_state(project: Project, conversation: Any, **changes: Any) -> None:
    """Write the state that Terraform has of *conversation*: sorted by name, as Terraform does."""
    instances = {
        name: instance_of(message, **{"subject": "Order", **changes})
        for name, message in zip(NAMES, conversation.messages.list(), strict=True)
    }
    resources = [resource(MESSAGES, name, instances[name]) for name in sorted(instances)]
    project.write("terraform.tfstate", tfstate(*resources))


def removals(text: str) -> list[str]:
    """Return the addresses that Terraform is made to forget by the commands in *text*."""
    commands = [shlex.split(line) for line in text.splitlines() if line.startswith("terraform ")]
    assert all(command[:3] == ["terraform", "state", "rm"] and len(command) == 4 for command in commands)
    return [command[3] for command in commands]


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


def test_participants_and_conversations_come_along(served: Project, conversation: Any) -> None:
    """With what no reply shows; all of it is bound, and Terraform can forget all of it."""
    conversation.update(friendly_name="Order 1", attributes='{"vip": true}', timers_inactive="PT30M")
    alice = conversation.participants.create(identity="alice", attributes='{"tier": 1}')
    bob = conversation.participants.create(
        messaging_binding_address="+15550100", messaging_binding_proxy_address="+15550199"
    )
    place = f"{conversation.chat_service_sid}/{conversation.sid}"
    order = instance(
        place,
        friendly_name="Order 1",
        unique_name="order-1",
        attributes='{"vip": true}',
        state="active",
        timers_inactive="PT30M",
        timers_closed=None,
        messaging_service_sid=conversation.messaging_service_sid,
    )
    served.write(
        "terraform.tfstate",
        tfstate(
            resource(CONVERSATIONS, "order", order),
            resource(
                PARTICIPANTS,
                "person",
                {
                    **instance(f"{place}/{alice.sid}", identity="alice", attributes='{"tier":1}'),
                    "index_key": 0,
                },
                {**instance(f"{place}/{bob.sid}", attributes="{}"), "index_key": 1},
                module='module.desk["eu"]',
            ),
            resource(MESSAGES, "welcome", instance_of(conversation.messages.list()[0])),
        ),
    )

    expect_golden(
        served.run("import", "--from-terraform", "terraform.tfstate"), "import-from-terraform-people"
    )
    served.run("import", "--from-terraform", "terraform.tfstate", "--out", "manifests", check=0)
    served.run("plan", "--detailed-exitcode", check=0)


def test_changes_of_people_since_terraform_looked_are_drift(served: Project, conversation: Any) -> None:
    """The manifest says what Terraform would have restored, of conversations too."""
    alice = conversation.participants.create(identity="alice")
    place = f"{conversation.chat_service_sid}/{conversation.sid}"
    order = instance(place, unique_name="order-1", friendly_name="Before", attributes="{}", state="active")
    person = instance(f"{place}/{alice.sid}", identity="alice", attributes='{"tier":2}')
    served.write(
        "terraform.tfstate",
        tfstate(resource(CONVERSATIONS, "order", order), resource(PARTICIPANTS, "alice", person)),
    )
    served.run("import", "--from-terraform", "terraform.tfstate", "--out", "manifests", check=0)

    planned = json.loads(served.run("plan", "--format", "json", check=0).out)["resource_changes"]

    assert [(one["address"], one["action_reason"], one["change"]["actions"]) for one in planned] == [
        ("support/order-1", "drifted", ["update"]),
        ("support/order-1/participants/alice", "drifted", ["update"]),
    ]


def test_the_default_service_is_found(served: Project, sdk: Client) -> None:
    """Terraform keeps no sid of it."""
    made = sdk.conversations.v1.conversations.create(unique_name="order-1")
    message, person = made.messages.create(body="Hello"), made.participants.create(identity="alice")
    served.write(
        "terraform.tfstate",
        tfstate(
            resource(DEFAULT_CONVERSATIONS, "a", instance(made.sid, unique_name="order-1")),
            resource(DEFAULT_PARTICIPANTS, "a", instance(f"{made.sid}/{person.sid}", identity="alice")),
            resource(DEFAULT_MESSAGES, "a", instance(f"order-1/{message.sid}", body="Hello")),
        ),
    )

    ran = served.run("import", "--from-terraform", "terraform.tfstate", "--out", "manifests", check=0)

    assert "Wrote 1 message and 1 participant of 1 conversation" in ran.err
    assert removals(ran.out) == [f"{kind}.a" for kind in _DEFAULTS]
    served.run("plan", "--detailed-exitcode", check=0)


_DEFAULTS = (DEFAULT_CONVERSATIONS, DEFAULT_PARTICIPANTS, DEFAULT_MESSAGES)


def test_terraform_forgets_what_was_taken_over_and_nothing_else(served: Project, conversation: Any) -> None:
    """What is gone, of another type, impossible or left out stays; a second address goes with the first."""
    first, second, third = conversation.messages.list()
    third.delete()
    hook = "twilio_conversations_services_conversations_webhooks_v1"
    served.write(
        "terraform.tfstate",
        tfstate(
            resource(
                MESSAGES,
                "one",
                {**instance_of(first), "index_key": "it's $(here)"},
                {**instance_of(first), "index_key": "again"},
            ),
            resource(MESSAGES, "long", instance_of(second, body="x" * 40_000)),
            resource(MESSAGES, "gone", instance_of(third)),
            resource(hook, "hook", instance("x")),
        ),
    )

    ran = served.run("import", "--from-terraform", "terraform.tfstate", "--out", "manifests", check=0)

    assert removals(ran.out) == [f'{MESSAGES}.one["it\'s $(here)"]', f'{MESSAGES}.one["again"]']
    for named in (f'{MESSAGES}.one["again"]', second.sid, f"{MESSAGES}.gone", f"{hook}.hook"):
        assert f"{named} is left out: " in ran.err


def test_the_commands_stand_beside_manifests_on_standard_output(served: Project, conversation: Any) -> None:
    """They are no part of the YAML."""
    terraform_state(served, conversation)

    ran = served.run("import", "--from-terraform", "terraform.tfstate", check=0)

    assert removals(ran.out) == []
    assert removals(ran.err) == [f"{MESSAGES}.{name}" for name in sorted(NAMES)]


SECRET = "the code is 4711"


@pytest.fixture
def sensitive(served: Project, conversation: Any) -> Project:
    """A Terraform state in which a body, an author, attributes and a friendly name are sensitive."""
    conversation.update(friendly_name="Zoe's order")
    first, second, _ = conversation.messages.list()
    first.update(body=SECRET, date_updated=CREATED)
    second.update(attributes='{"pin": [4711, true]}', date_updated=CREATED)
    place = f"{conversation.chat_service_sid}/{conversation.sid}"
    order = instance(place, hidden=("friendly_name",), friendly_name="Zoe's order", unique_name="order-1")
    served.write(
        "terraform.tfstate",
        tfstate(
            resource(CONVERSATIONS, "order", order),
            resource(MESSAGES, "code", instance_of(first, body=SECRET, hidden=("body", "author"))),
            resource(
                MESSAGES, "pin", instance_of(second, attributes='{"pin":[4711,true]}', hidden=("attributes",))
            ),
        ),
    )
    return served


def test_sensitive_values_become_variables(sensitive: Project) -> None:
    """None is written anywhere; with the right values there is nothing to do, and without them an error."""
    served = sensitive
    ran = served.run("import", "--from-terraform", "terraform.tfstate", "--out", "manifests", check=0)
    made = [path for path in served.folder.rglob("*") if path.is_file() and path.name != "terraform.tfstate"]
    written = "".join(path.read_text(encoding="utf-8") for path in made)
    values = {
        "order_friendly_name": "Zoe's order",
        "order_code_author": "alice",
        "order_code_body": SECRET,
        "order_pin_attributes": '{"pin": [4711, true]}',
    }

    assert "4711" not in written
    assert "Zoe" not in written
    bindings = json.loads((served.folder / "reconciler.state.json").read_text(encoding="utf-8"))["bindings"]
    assert bindings["support/order/code"]["sensitive"] == ["author", "body"]
    assert bindings["support/order/code"]["sent"]["body"].startswith("scrypt:")
    assert bindings["support/order"]["sent"]["friendly_name"].startswith("scrypt:")
    for name in values:
        assert f"set RECONCILER_VAR_{name} to it" in ran.err
    assert "has no value" in served.run("plan", check=1).err
    served.environ |= {f"RECONCILER_VAR_{name}": value for name, value in values.items()}
    served.run("plan", "--detailed-exitcode", check=0)
    served.environ["RECONCILER_VAR_order_code_body"] = "the code is 4712"
    planned = served.run("plan", "--detailed-exitcode", check=2).out
    assert "(sensitive value)" in planned
    assert "471" not in planned


def test_a_state_comes_from_standard_input(served: Project, conversation: Any) -> None:
    """`terraform state pull | reconciler import --from-terraform -` leaves no file with texts behind."""
    terraform_state(served, conversation)
    text = (served.folder / "terraform.tfstate").read_text(encoding="utf-8")

    ran = served.run("import", "--from-terraform", "-", "--out", "manifests", stdin=text, check=0)

    assert "Wrote 3 messages of 1 conversation" in ran.err
    wrong = served.run("import", "--from-terraform", "-", stdin="{", check=1)
    assert wrong.err.startswith("error: `standard input` is no Terraform state: it is no JSON object\n")


def test_what_no_newer_terraform_has_refreshed_comes_along(served: Project, conversation: Any) -> None:
    """A state of Terraform 0.11 that a newer release has taken over keeps attributes under another name."""
    terraform_state(served, conversation)
    state = json.loads((served.folder / "terraform.tfstate").read_text(encoding="utf-8"))
    old = state["resources"][0]["instances"][0]
    given = old.pop("attributes").items()
    old["attributes_flat"] = {name: value for name, value in given if value is not None}
    served.write("terraform.tfstate", json.dumps(state))

    ran = served.run("import", "--from-terraform", "terraform.tfstate", "--out", "manifests", check=0)

    assert sorted(removals(ran.out)) == sorted(f"{MESSAGES}.{name}" for name in NAMES)
    served.run("plan", "--detailed-exitcode", check=0)


def test_modules_stay_readable_in_keys(served: Project, conversation: Any) -> None:
    """Two modules with a resource of one name are told apart by their names, not by digits of a sid."""
    first, second, _ = conversation.messages.list()
    served.write(
        "terraform.tfstate",
        tfstate(
            resource(
                MESSAGES,
                "welcome",
                {**instance_of(first), "index_key": "größe M"},
                module='module.desk["eu"]',
            ),
            resource(MESSAGES, "welcome", instance_of(second), module='module.desk["us"]'),
        ),
    )

    served.run("import", "--from-terraform", "terraform.tfstate", "--out", "manifests", check=0)

    assert [line for line in served.run("state", "list", check=0).out.split() if line.count("/") == 2] == [
        "support/order-1/desk-eu.welcome-groe-M",
        "support/order-1/desk-us.welcome",
    ]


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

    assert f"note: {MESSAGES}.answer is left out: {gone.sid} is gone\n" in ran.err
    assert "Wrote 2 messages of 1 conversation, bound in reconciler.state.json\n" in ran.err


def test_a_conversation_that_is_gone_is_named(served: Project, conversation: Any) -> None:
    """With every message that was in it; the rest is written."""
    terraform_state(served, conversation)
    gone = f"/CH{'0' * 32}/"
    path = served.folder / "terraform.tfstate"
    path.write_text(re.sub(r"/CH\w+/", gone, path.read_text(encoding="utf-8"), count=1), encoding="utf-8")

    ran = served.run("import", "--from-terraform", "terraform.tfstate", "--out", "a.yaml", check=0)

    assert f"note: {MESSAGES}.answer is left out: its conversation is gone\n" in ran.err
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


def test_what_terraform_took_over_itself_comes_along(served: Project, sdk: Client) -> None:
    """A file, and a conversation that it has by unique name and by sid: one declaration, and two commands."""
    served.write("photo.png", "not really")
    served.write(
        "made.yaml",
        "version: 1\nservices:\n  desk:\n    conversations:\n"
        "      order: {messages: [{key: a, media: {file: photo.png}}]}\n",
    )
    served.run("apply", "made.yaml", "--auto-approve", check=0)
    (service,) = [one for one in sdk.conversations.v1.services.list() if one.friendly_name == "desk"]
    conversation = sdk.conversations.v1.services(service.sid).conversations("order").fetch()
    (message,) = conversation.messages.list()
    served.write(
        "terraform.tfstate",
        tfstate(
            resource(CONVERSATIONS, "named", instance(f"{service.sid}/order", unique_name="order")),
            resource(
                CONVERSATIONS, "order", instance(f"{service.sid}/{conversation.sid}", unique_name="order")
            ),
            resource(MESSAGES, "photo", instance_of(message, date_created=None, date_updated=None)),
        ),
    )

    ran = served.run(
        "import",
        "--from-terraform",
        "terraform.tfstate",
        "--out",
        "manifests",
        "--state",
        "other.json",
        check=0,
    )

    assert f"{CONVERSATIONS}.order is left out: {conversation.sid} is also {CONVERSATIONS}.named" in ran.err
    assert removals(ran.out) == [f"{CONVERSATIONS}.named", f"{CONVERSATIONS}.order", f"{MESSAGES}.photo"]
    assert "media_sid: ME" in (served.folder / "manifests/desk/order.yaml").read_text(encoding="utf-8")
    served.run("plan", "--state", "other.json", "--detailed-exitcode", check=0)
