"""Reading a Terraform state."""

from __future__ import annotations

import json
from typing import Any

import pytest

from reconciler.errors import UsageError
from reconciler.export.terraform import RESOURCE, read_terraform
from tests.support.foreign import without_quotes

HEX = "0123456789abcdef" * 2
IDENTITY = f"IS{HEX}/CH{HEX}/IM{HEX}"
ATTRIBUTES = {
    "id": IDENTITY,
    "sid": f"IM{HEX}",
    "chat_service_sid": f"IS{HEX}",
    "conversation_sid": f"CH{HEX}",
    "author": "alice",
    "body": "Hello",
    "attributes": '{ "importance": "high" }',
    "date_created": "2026-01-05T09:00:00Z",
    "date_updated": "2026-01-05T09:00:00Z",
    "content_sid": "",
    "content_variables": None,
    "media_sid": None,
    "subject": None,
    "x_twilio_webhook_enabled": None,
}


def state(*instances: dict[str, Any], **resource: Any) -> bytes:
    """Return a Terraform state with one resource, and others that are none of our business."""
    ours = {"mode": "managed", "type": RESOURCE, "name": "welcome", "instances": list(instances), **resource}
    others = [{**ours, "mode": "data"}, {**ours, "type": "twilio_api_accounts_messages_v2010"}]
    return json.dumps({"version": 4, "serial": 3, "lineage": "x", "resources": [*others, ours]}).encode()


def instance(**fields: Any) -> dict[str, Any]:
    """Return an instance with these attributes instead of the usual ones."""
    return {"schema_version": 0, "attributes": {**ATTRIBUTES, **fields}, "sensitive_attributes": []}


def only(data: bytes) -> Any:
    """Return the only message in a Terraform state."""
    (message,) = read_terraform(data, "terraform.tfstate").messages
    return message


def test_a_message_says_where_it_is_and_what_it_says() -> None:
    """Attributes become canonical; what the API defaults to was never given."""
    one = only(state(instance()))

    assert (one.service_sid, one.conversation, one.sid) == (f"IS{HEX}", f"CH{HEX}", f"IM{HEX}")
    assert (one.message.key, one.message.author, one.message.body, one.message.attributes) == (
        "welcome",
        "alice",
        "Hello",
        '{"importance":"high"}',
    )
    assert (one.message.date_created, one.message.date_updated) == ("2026-01-05T09:00:00Z", None)


def test_fields_that_no_reply_shows_come_from_terraform() -> None:
    """It is the only one who knows them."""
    mail = only(state(instance(subject="Hi", x_twilio_webhook_enabled="true"))).message
    template = only(
        state(instance(content_sid=f"HX{HEX}", content_variables='{ "1": "Alice" }', body="Hi Alice"))
    ).message

    assert (mail.subject, mail.webhooks) == ("Hi", True)
    assert (template.body, template.content_variables) == (None, '{"1":"Alice"}')


def test_the_unique_name_may_stand_for_the_conversation() -> None:
    """Terraform keeps what it was given."""
    assert only(state(instance(id=f"IS{HEX}/order-1/IM{HEX}"))).conversation == "order-1"


def test_one_of_many_is_known_by_its_index() -> None:
    """Of `count` and of `for_each`; the address is Terraform's."""
    other = instance(id=IDENTITY[:-1] + "0")
    data = state({**instance(), "index_key": 0}, {**other, "index_key": "eu"}, module="module.desk")

    assert [(one.address, one.message.key) for one in read_terraform(data, "x").messages] == [
        (f"module.desk.{RESOURCE}.welcome[0]", "welcome-0"),
        (f'module.desk.{RESOURCE}.welcome["eu"]', "welcome-eu"),
    ]


def test_a_deposed_instance_is_passed_over() -> None:
    """Terraform was about to delete it."""
    read = read_terraform(state(instance(), {**instance(), "deposed": "1234abcd"}), "x")

    assert len(read.messages) == 1
    assert read.notes == [
        f"{RESOURCE}.welcome is left out: IM{HEX} is deposed there, and Terraform would delete it"
    ]


def test_a_message_of_the_default_service_has_no_service_yet() -> None:
    """Terraform has a type of resource of its own for them, whose ids lack the service."""
    data = state(instance(id=f"CH{HEX}/IM{HEX}"), type="twilio_conversations_conversations_messages_v1")

    one = only(data)

    assert (one.service_sid, one.conversation, one.sid) == ("", f"CH{HEX}", f"IM{HEX}")


def test_what_is_not_taken_over_is_noted() -> None:
    """A second address of one message, a tainted one, and what is of Conversations but no message."""
    read = json.loads(state(instance(), {**instance(), "index_key": 1}, {**instance(), "status": "tainted"}))
    read["resources"].append(
        {"mode": "managed", "type": "twilio_conversations_services_v1", "name": "desk", "instances": 7}
    )

    assert read_terraform(json.dumps(read).encode(), "x").notes == [
        "twilio_conversations_services_v1.desk is left out: only messages are taken over",
        f"{RESOURCE}.welcome[1] is left out: IM{HEX} is also {RESOURCE}.welcome",
        f"{RESOURCE}.welcome is left out: IM{HEX} is also {RESOURCE}.welcome",
    ]
    tainted = read_terraform(state({**instance(), "status": "tainted"}), "x")
    assert tainted.notes == [f"{RESOURCE}.welcome is tainted there: Terraform would replace it"]


@pytest.mark.parametrize("other", [{"attributes_flat": {"id": "i-0abc"}}, 7, None])
def test_what_other_providers_keep_may_have_any_shape(other: object) -> None:
    """One unrelated object of an old release must not make the whole state unreadable."""
    read = json.loads(state(instance()))
    read["resources"][:0] = [
        {"mode": "managed", "type": "aws_instance", "name": 1, "instances": [other]},
        other,
    ]

    assert only(json.dumps(read).encode()).sid == f"IM{HEX}"


def test_a_state_of_another_encoding_is_read_by_its_mark() -> None:
    """PowerShell writes what `terraform state pull` prints as UTF-16."""
    data = state(instance())

    assert read_terraform(data.decode().encode("utf-16"), "x") == read_terraform(data, "x")


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"", "`x` is no Terraform state: it is no JSON object"),
        (b"\xff", "`x` is not UTF-8: it holds the byte 0xff"),
        ('{"version": 4}'.encode("utf-16-le"), "`x` is UTF-16 without a byte order mark"),
        (b"[]", "`x` is no Terraform state: it is no JSON object"),
        (b'{"encrypted_data": ""}', "`x` is no Terraform state of version 4"),
        (b'{"version": 3}', "`x` is no Terraform state of version 4"),
        (b'{"version": 4}', '`x` is damaged: it is not what is expected there (msgspec says "…")'),
        (
            b'{"version": 4, "resources": []}',
            f"`x` holds no `{RESOURCE}` or `twilio_conversations_conversations_messages_v1`",
        ),
        (state(instance(id="IM1")), f"`{RESOURCE}.welcome` in `x` has no id of the form `IS…/CH…/IM…`"),
    ],
)
def test_anything_else_is_refused(data: bytes, text: str) -> None:
    """Each with its own sentence, and the command that gives the right file."""
    with pytest.raises(UsageError) as caught:
        read_terraform(data, "x")

    assert without_quotes(caught.value.text) == text
    assert "terraform state pull" in (caught.value.hint or "")
