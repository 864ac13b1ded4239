"""Reading a Terraform state."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.errors import UsageError
from reconciler.export.terraform import read_terraform
from reconciler.model import Conversation, Message, Participant, ResourceType
from tests.support import terraform
from tests.support.foreign import without_quotes
from tests.support.terraform import (
    CONVERSATIONS,
    DEFAULT_CONVERSATIONS,
    DEFAULT_MESSAGES,
    DEFAULT_PARTICIPANTS,
    HEX,
    MESSAGES,
    PARTICIPANTS,
    resource,
    tfstate,
)

SERVICE, CONVERSATION, PERSON, MESSAGE = (f"{prefix}{HEX}" for prefix in ("IS", "CH", "MB", "IM"))
IDENTITY = f"{SERVICE}/{CONVERSATION}/{MESSAGE}"
ATTRIBUTES = {
    "chat_service_sid": SERVICE,
    "conversation_sid": CONVERSATION,
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


def instance(identity: str = IDENTITY, /, **fields: Any) -> dict[str, Any]:
    """Return an instance of a message with these attributes instead of the usual ones."""
    return terraform.instance(identity, **{**ATTRIBUTES, **fields})


def state(*instances: Any, kind: str = MESSAGES, **fields: Any) -> bytes:
    """Return a Terraform state with one resource."""
    return tfstate(resource(kind, "welcome", *instances, **fields)).encode()


def read(data: bytes) -> Any:
    """Return what is in a Terraform state."""
    return read_terraform(data, "terraform.tfstate")


def only(data: bytes) -> Any:
    """Return the only object in a Terraform state."""
    (one,) = read(data).objects
    return one


def test_a_message_says_where_it_is_and_what_it_says() -> None:
    """Attributes become canonical; what the API defaults to was never given."""
    one = only(state(instance()))

    assert (one.kind, one.service_sid, one.conversation, one.sid) == (
        ResourceType.MESSAGE,
        SERVICE,
        CONVERSATION,
        MESSAGE,
    )
    assert one.declared == Message(
        "welcome",
        0,
        author="alice",
        body="Hello",
        attributes='{"importance":"high"}',
        date_created="2026-01-05T09:00:00Z",
    )


def test_a_participant_is_read() -> None:
    """Its binding is flat there; the dates and the read horizon are the server's."""
    one = only(
        state(
            terraform.instance(
                f"{SERVICE}/{CONVERSATION}/{PERSON}",
                messaging_binding_address="+15550100",
                messaging_binding_proxy_address="+15550199",
                attributes='{"b": 1, "a": 2}',
                role_sid=f"RL{HEX.upper()}",
                last_read_message_index=3,
                date_created="2026-01-05T09:00:00Z",
            ),
            kind=PARTICIPANTS,
        )
    )

    assert (one.kind, one.conversation, one.sid) == (ResourceType.PARTICIPANT, CONVERSATION, PERSON)
    assert one.declared == Participant(
        "welcome",
        0,
        address="+15550100",
        proxy_address="+15550199",
        role_sid=f"RL{HEX}",
        attributes='{"a":2,"b":1}',
    )


def test_a_conversation_is_read() -> None:
    """With the lengths of its timers, which no reply shows; that it is active goes without saying."""
    one = only(
        state(
            terraform.instance(
                f"{SERVICE}/{CONVERSATION}",
                friendly_name="Order 1",
                unique_name="order-1",
                attributes="{}",
                state="active",
                timers_inactive="PT30M",
                bindings_email_address="desk@example.com",
                messaging_service_sid="",
            ),
            kind=CONVERSATIONS,
        )
    )

    assert (one.kind, one.conversation, one.sid) == (ResourceType.CONVERSATION, CONVERSATION, CONVERSATION)
    assert one.declared == Conversation(
        "welcome",
        "",
        0,
        unique_name="order-1",
        friendly_name="Order 1",
        timers_inactive="PT30M",
        email_address="desk@example.com",
    )


@pytest.mark.parametrize(
    ("kind", "identity"),
    [
        (DEFAULT_MESSAGES, f"{CONVERSATION}/{MESSAGE}"),
        (DEFAULT_PARTICIPANTS, f"{CONVERSATION}/{PERSON}"),
        (DEFAULT_CONVERSATIONS, CONVERSATION),
    ],
)
def test_what_is_in_the_default_service_has_no_service_yet(kind: str, identity: str) -> None:
    """Terraform has types of resources of their own for it, whose ids lack the service."""
    one = only(state(terraform.instance(identity), kind=kind))

    assert (one.service_sid, one.conversation) == ("", CONVERSATION)
    assert one.sid == identity.rpartition("/")[2]


def test_fields_that_no_reply_shows_come_from_terraform() -> None:
    """It is the only one who knows them."""
    mail = only(state(instance(subject="Hi", x_twilio_webhook_enabled="true"))).declared
    template = only(
        state(instance(content_sid=f"HX{HEX}", content_variables='{ "1": "Alice" }', body="Hi Alice"))
    ).declared

    assert (mail.subject, mail.webhooks) == ("Hi", True)
    assert (template.body, template.content_variables) == (None, '{"1":"Alice"}')


def test_the_unique_name_may_stand_for_the_conversation() -> None:
    """Terraform keeps what it was given; a conversation that it imported so has its sid beside it."""
    named = terraform.instance(f"{SERVICE}/order-1", sid=CONVERSATION.upper()[:2] + HEX.upper())
    unknown = terraform.instance(f"{SERVICE}/order-1")

    assert only(state(instance(f"{SERVICE}/order-1/{MESSAGE}"))).conversation == "order-1"
    assert only(state(named, kind=CONVERSATIONS)).conversation == CONVERSATION
    assert only(state(unknown, kind=CONVERSATIONS)).conversation == "order-1"


def test_one_of_many_is_known_by_its_index() -> None:
    """Of `count` and of `for_each`; the address is Terraform's."""
    data = state({**instance(), "index_key": 0}, {**instance(IDENTITY[:-1] + "0"), "index_key": "eu"})

    assert [(one.address, one.declared.key) for one in read(data).objects] == [
        (f"{MESSAGES}.welcome[0]", "welcome-0"),
        (f'{MESSAGES}.welcome["eu"]', "welcome-eu"),
    ]


@pytest.mark.parametrize("attributes", [{"sid": MESSAGE}, {"sid": 7}, None, "flat"])
def test_a_deposed_instance_is_passed_over(attributes: object) -> None:
    """Terraform was about to delete it, whatever it is; the one that took its place counts."""
    deposed = {"deposed": "1234abcd", "attributes": attributes}
    found = read(state(instance(), deposed))
    sid = MESSAGE if attributes == {"sid": MESSAGE} else "an object"

    assert len(found.objects) == 1
    (note,) = found.notes
    assert note == (
        f"{MESSAGES}.welcome is left out: {sid} is deposed there, and Terraform would delete it; "
        "let it do so before `terraform state rm`, which forgets both"
    )


def test_what_is_not_taken_over_is_noted() -> None:
    """Other types of Conversations by name, those of other providers by number, data not at all."""
    data = tfstate(
        resource("twilio_conversations_services_v1", "desk", 7),
        resource("twilio_conversations_webhooks_v1", "hook", module="module.desk"),
        resource("aws_instance", "web"),
        resource("twilio_api_accounts_messages_v2010", "sms"),
        resource(MESSAGES, "seen", mode="data"),
        resource(MESSAGES, "welcome", instance()),
    )
    only_these = "only conversations, participants and messages are taken over"

    assert read(data.encode()).notes == [
        f"twilio_conversations_services_v1.desk is left out: {only_these}",
        f"module.desk.twilio_conversations_webhooks_v1.hook is left out: {only_these}",
        "2 resources of other kinds are left in Terraform",
    ]


def test_a_second_address_of_one_object_is_noted_and_kept() -> None:
    """It has to be forgotten too: Terraform would delete the message by it."""
    found = read(state(instance(), {**instance(), "index_key": 1}, {**instance(), "status": "tainted"}))
    (one,) = found.objects

    assert one.others == (f"{MESSAGES}.welcome[1]", f"{MESSAGES}.welcome")
    assert found.notes == [
        f"{MESSAGES}.welcome[1] is left out: {MESSAGE} is also {MESSAGES}.welcome",
        f"{MESSAGES}.welcome is tainted there: Terraform would replace it",
        f"{MESSAGES}.welcome is left out: {MESSAGE} is also {MESSAGES}.welcome",
    ]


def test_what_terraform_calls_sensitive_is_hidden() -> None:
    """Where a manifest can do that; where it cannot, a note says so, but for what stands in no manifest."""
    found = read(
        state(
            terraform.instance(
                IDENTITY,
                hidden=("body", "subject", "attributes", "date_created", "sid", "media_sid"),
                **ATTRIBUTES,
            )
        )
    )

    assert found.objects[0].declared.sensitive == ("attributes", "body")
    assert found.notes == [
        f"{MESSAGES}.welcome: `date_created` is sensitive there, and stands in the manifest in clear"
    ]


@pytest.mark.parametrize("paths", [["body"], [[]], [[{"type": "index", "value": {"value": 1}}]], "body", 7])
def test_paths_of_another_form_hide_everything(paths: object) -> None:
    """Too much is hidden rather than too little."""
    one = only(state({**instance(), "sensitive_attributes": paths}))

    assert one.declared.sensitive == ("attributes", "author", "body")


def test_a_path_into_an_attribute_hides_it() -> None:
    """And null, as in states of old releases, hides nothing."""
    path = [
        [{"type": "get_attr", "value": "body"}, {"type": "index", "value": {"value": "a", "type": "string"}}]
    ]

    assert only(state({**instance(), "sensitive_attributes": path})).declared.sensitive == ("body",)
    assert only(state({**instance(), "sensitive_attributes": None})).declared.sensitive == ()


def test_participants_hide_nothing() -> None:
    """Their fields are printed and stored, so each one is noted."""
    data = state(
        terraform.instance(
            f"{SERVICE}/{CONVERSATION}/{PERSON}",
            hidden=("identity", "messaging_binding_address"),
            identity="alice",
            x_twilio_webhook_enabled="true",
        ),
        kind=PARTICIPANTS,
    )

    assert [note.removeprefix(f"{PARTICIPANTS}.welcome: ") for note in read(data).notes] == [
        "`identity` is sensitive there, and stands in the manifest in clear",
        "`x_twilio_webhook_enabled` is left out: in a manifest only messages have it",
    ]


def test_a_sensitive_name_does_not_become_an_address() -> None:
    """Addresses are printed and stored: the resource's name takes its place."""
    hidden = terraform.instance(f"{SERVICE}/{CONVERSATION}", hidden=("friendly_name",), friendly_name="Zoe's")
    plain = terraform.instance(f"{SERVICE}/{CONVERSATION}", friendly_name="Order 1")

    assert not only(state(hidden, kind=CONVERSATIONS)).keeps_name
    assert only(state(plain, kind=CONVERSATIONS)).keeps_name


@pytest.mark.parametrize("other", [{"attributes_flat": {"id": "i-0abc"}}, 7, None])
def test_what_other_providers_keep_may_have_any_shape(other: object) -> None:
    """One unrelated object of an old release must not make the whole state unreadable."""
    data = tfstate(
        {"mode": "managed", "type": "aws_instance", "name": 1, "instances": [other]},
        other,
        resource("twilio_conversations_roles_v1", "r", other),
        resource(MESSAGES, "welcome", instance()),
    )

    assert only(data.encode()).sid == MESSAGE


@pytest.mark.parametrize("codec", ["utf-8-sig", "utf-16", "utf-32"])
def test_a_state_of_another_encoding_is_read_by_its_mark(codec: str) -> None:
    """PowerShell writes what `terraform state pull` prints as UTF-16."""
    data = state(instance(body="Grüße 👋")).decode()

    assert read(data.replace("\n", "\r\n").encode(codec)) == read(data.encode())


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
            tfstate(resource("aws_instance", "web")).encode(),
            "`x` holds no conversation, participant or message of Twilio's provider",
        ),
        (
            state({"attributes": []}),
            '`x` is damaged: it is not what is expected there (msgspec says "…")',
        ),
        (state({"attributes_flat": {}}), f"`{MESSAGES}.welcome` in `x` has no id of the form `IS…/CH…/IM…`"),
        (state(instance("IM1")), f"`{MESSAGES}.welcome` in `x` has no id of the form `IS…/CH…/IM…`"),
        (
            state({"attributes": {"id": None}}),
            f"`{MESSAGES}.welcome` in `x` has no id of the form `IS…/CH…/IM…`",
        ),
        (
            state(instance(), kind=DEFAULT_MESSAGES),
            f"`{DEFAULT_MESSAGES}.welcome` in `x` has no id of the form `CH…/IM…`",
        ),
        (
            state(terraform.instance(CONVERSATION), kind=CONVERSATIONS),
            f"`{CONVERSATIONS}.welcome` in `x` has no id of the form `IS…/CH…`",
        ),
        (
            state(instance(), kind=PARTICIPANTS),
            f"`{PARTICIPANTS}.welcome` in `x` has no id of the form `IS…/CH…/MB…`",
        ),
        (state(instance(), name="a\nb"), f"`x` is damaged: a `{MESSAGES}` has no possible name"),
        (state(instance(), module="module.a; rm"), f"`x` is damaged: a `{MESSAGES}` has no possible name"),
    ],
)
def test_anything_else_is_refused(data: bytes, text: str) -> None:
    """Each with its own sentence, and the command that gives the right file."""
    with pytest.raises(UsageError) as caught:
        read_terraform(data, "x")

    assert without_quotes(caught.value.text) == text
    assert "terraform state pull" in (caught.value.hint or "")


def test_an_object_without_attributes_is_named() -> None:
    """Its address tells what to refresh."""
    bare = {key: value for key, value in instance().items() if key != "attributes"}

    with pytest.raises(UsageError) as caught:
        read(state(instance(), bare))

    assert caught.value.text == f"`{MESSAGES}.welcome` in `terraform.tfstate` has no attributes"
    assert "terraform refresh" in (caught.value.hint or "")


def test_a_deposed_object_of_an_old_terraform_is_named() -> None:
    """By its sid, as any other."""
    old = {"attributes_flat": {"sid": MESSAGE}, "deposed": "00000001"}

    (note,) = read(state(instance(), old)).notes

    assert f"{MESSAGE} is deposed there" in note
