"""Messages: what a reply shows, what an update changes, what is refused and with which code."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.support.api import Api, Clock


def test_created_message_has_every_field_of_the_reference(api: Api, conversation: str) -> None:
    """A chat-only, unedited message looks like the smallest live record."""
    parents = api.get(conversation)
    shown = api.post(f"{conversation}/Messages", Body="Hello")

    url = f"{parents['url']}/Messages/{shown['sid']}"
    assert shown == {
        "account_sid": "AC" + "0" * 32,
        "chat_service_sid": parents["chat_service_sid"],
        "conversation_sid": parents["sid"],
        "sid": shown["sid"],
        "index": 0,
        "author": "system",
        "body": "Hello",
        "media": None,
        "attributes": "{}",
        "participant_sid": None,
        "date_created": "2026-03-01T12:00:00Z",
        "date_updated": "2026-03-01T12:00:00Z",
        "delivery": None,
        "content_sid": None,
        "url": url,
        "links": {"delivery_receipts": f"{url}/Receipts", "channel_metadata": f"{url}/ChannelMetadata"},
    }


def test_create_answers_201_and_delete_204_without_a_body(api: Api, conversation: str) -> None:
    """The statuses are those of the reference."""
    created = api("POST", f"{conversation}/Messages", {"Body": "Hello"})
    deleted = api("DELETE", f"{conversation}/Messages/{created.json()['sid']}")

    assert (created.status_code, deleted.status_code, deleted.content) == (201, 204, b"")


def test_fetch_shows_what_create_showed(api: Api, conversation: str) -> None:
    """A reply to create can be trusted as the first reading."""
    created = api.post(f"{conversation}/Messages", Body="Grüße \x01 \u2028 %s 😀", Attributes='{ "a":  1 }')

    assert api.get(f"{conversation}/Messages/{created['sid']}") == created


def test_everything_sent_is_shown_except_the_subject(api: Api, conversation: str) -> None:
    """Attributes are kept byte for byte, dates are shown in UTC without fractions."""
    shown = api.post(
        f"{conversation}/Messages",
        Author="alice",
        Body="Hi",
        Attributes='{ "importance": "high" }',
        DateCreated="2026-01-05T09:00:00.987+02:00",
        DateUpdated="2026-01-06T00:00:00Z",
        Subject="Greetings",
    )

    assert "subject" not in shown
    assert (
        shown["author"],
        shown["body"],
        shown["attributes"],
        shown["date_created"],
        shown["date_updated"],
    ) == (
        "alice",
        "Hi",
        '{ "importance": "high" }',
        "2026-01-05T07:00:00Z",
        "2026-01-06T00:00:00Z",
    )


def test_index_counts_arrivals_and_is_never_used_again(api: Api, conversation: str) -> None:
    """Deleting the last message does not free its number; backdating does not change it."""
    first = api.post(f"{conversation}/Messages", Body="1")
    api("DELETE", f"{conversation}/Messages/{api.post(f'{conversation}/Messages', Body='2')['sid']}")
    third = api.post(f"{conversation}/Messages", Body="3", DateCreated="2020-01-01T00:00:00Z")

    assert (first["index"], third["index"]) == (0, 2)


def test_update_changes_only_what_it_mentions(api: Api, conversation: str, clock: Clock) -> None:
    """The rest stays, `date_updated` becomes the present."""
    before = api.post(f"{conversation}/Messages", Body="Hello", Author="bob", Attributes='{"a":1}')
    clock.forward(60)
    after = api.post(f"{conversation}/Messages/{before['sid']}", Body="Hello!")

    assert after == before | {"body": "Hello!", "date_updated": "2026-03-01T12:01:00Z"}


def test_update_can_set_both_dates(api: Api, conversation: str) -> None:
    """A declared `DateUpdated` wins over the present."""
    sid = api.post(f"{conversation}/Messages", Body="Hello")["sid"]
    after = api.post(
        f"{conversation}/Messages/{sid}",
        DateCreated="2025-01-01T00:00:00Z",
        DateUpdated="2025-01-02T00:00:00Z",
    )

    assert (after["date_created"], after["date_updated"]) == ("2025-01-01T00:00:00Z", "2025-01-02T00:00:00Z")


def test_update_without_parameters_changes_nothing(api: Api, conversation: str, clock: Clock) -> None:
    """Unknown parameters are ignored, and what only a create can set is unknown to an update."""
    before = api.post(f"{conversation}/Messages", Body="Hello")
    clock.forward(60)

    assert api.post(f"{conversation}/Messages/{before['sid']}", MediaSid="ME" + "0" * 32) == before


def test_deleted_message_is_gone(api: Api, conversation: str) -> None:
    """A second delete and a fetch both answer 404 with Twilio's words."""
    path = f"{conversation}/Messages/{api.post(f'{conversation}/Messages', Body='Hello')['sid']}"
    api("DELETE", path)

    assert api.refusal("DELETE", path) == (404, 20404)
    assert api("GET", path).json() == {
        "code": 20404,
        "message": f"The requested resource {path.removeprefix('/v1')} was not found",
        "more_info": "https://www.twilio.com/docs/errors/20404",
        "status": 404,
    }


def test_message_is_found_only_in_its_own_conversation(api: Api, service: str, conversation: str) -> None:
    """The sid alone is not enough."""
    sid = api.post(f"{conversation}/Messages", Body="Hello")["sid"]
    other = api.post(f"{service}/Conversations")["sid"]

    assert api.refusal("GET", f"{service}/Conversations/{other}/Messages/{sid}") == (404, 20404)


def test_author_who_is_a_participant_is_linked(api: Api, conversation: str) -> None:
    """`participant_sid` follows the author, on create and on update."""
    alice = api.post(f"{conversation}/Participants", Identity="alice")["sid"]
    by_alice = api.post(f"{conversation}/Messages", Body="Hi", Author="alice")
    by_bob = api.post(f"{conversation}/Messages/{by_alice['sid']}", Author="bob")

    assert (by_alice["participant_sid"], by_bob["participant_sid"]) == (alice, None)


LONG = "é" * (16 * 1024)
JSON_OF_4_KB = '"' + "x" * 4094 + '"'


@pytest.mark.parametrize(
    "form",
    [
        pytest.param({"Body": LONG}, id="32 KB of body"),
        pytest.param({"Body": "Hi", "Attributes": JSON_OF_4_KB}, id="4 KB of attributes"),
        pytest.param({"Body": "Hi", "Attributes": "[1, null]"}, id="attributes that are no object"),
        pytest.param({"Body": "Hi", "Subject": "s" * 256}, id="256 characters of subject"),
        pytest.param({"Body": "Hi", "DateCreated": "2999-01-01T00:00:00Z"}, id="the future"),
        pytest.param({"Body": "Hi", "Unheard": "of"}, id="an unknown parameter"),
    ],
)
def test_accepts(api: Api, conversation: str, form: dict[str, str]) -> None:
    """What just fits its limit is stored."""
    assert api.post(f"{conversation}/Messages", **form)["index"] == 0


WRONG: list[Any] = [
    pytest.param({}, 50503, id="nothing"),
    pytest.param({"Body": ""}, 50503, id="an empty body"),
    pytest.param({"Author": "alice"}, 50503, id="an author alone"),
    pytest.param({"Body": LONG + "x"}, 50504, id="too long a body"),
    pytest.param({"Body": "Hi", "Attributes": JSON_OF_4_KB + " "}, 50303, id="too many attributes"),
    pytest.param({"Body": "Hi", "Attributes": "{nope"}, 50304, id="attributes that are no JSON"),
    pytest.param({"Body": "Hi", "Attributes": "NaN"}, 50304, id="attributes that are not a number"),
    pytest.param({"Body": "Hi", "Attributes": "[" * 2000 + "]" * 2000}, 50304, id="attributes too deep"),
    pytest.param({"Body": "Hi", "DateCreated": "yesterday"}, 50308, id="no date"),
    pytest.param({"Body": "Hi", "DateCreated": "2026-01-05"}, 50308, id="a bare day"),
    pytest.param({"Body": "Hi", "DateCreated": "2026-02-30T00:00:00Z"}, 50308, id="no such day"),
    pytest.param({"Body": "Hi", "DateCreated": "0001-01-01T00:00:00+14:00"}, 50308, id="before all days"),
    pytest.param({"Body": "Hi", "DateUpdated": "2026-01-05"}, 50309, id="a bare day of update"),
    pytest.param({"Body": "Hi", "Author": "a" * 257}, 50310, id="too long an author"),
    pytest.param({"Body": "Hi", "Subject": "s" * 257}, 20001, id="too long a subject"),
    pytest.param({"Body": "Hi", "ContentVariables": "{}"}, 50528, id="variables without a template"),
    pytest.param({"ContentSid": "HX1"}, 50526, id="a malformed template"),
    pytest.param({"ContentSid": "HX" + "f" * 32}, 50526, id="an unknown template"),
    pytest.param({"MediaSid": "ME1"}, 50510, id="a malformed file"),
    pytest.param({"MediaSid": "ME" + "f" * 32}, 50507, id="an unknown file"),
]


@pytest.mark.parametrize(("form", "code"), WRONG)
def test_refuses_to_create(api: Api, conversation: str, form: dict[str, str], code: int) -> None:
    """Each mistake has its code, and nothing is stored."""
    assert api.refusal("POST", f"{conversation}/Messages", **form) == (400, code)
    assert api.get(f"{conversation}/Messages")["messages"] == []


@pytest.mark.parametrize(
    ("form", "code"),
    [
        pytest.param({"Body": LONG + "x"}, 50504, id="too long a body"),
        pytest.param({"Body": ""}, 50503, id="no body"),
        pytest.param({"Attributes": "{nope"}, 50304, id="attributes that are no JSON"),
        pytest.param({"DateUpdated": "x"}, 50309, id="no date"),
        pytest.param({"Author": "a" * 257}, 50310, id="too long an author"),
    ],
)
def test_refuses_to_update(api: Api, conversation: str, form: dict[str, str], code: int) -> None:
    """A refused update leaves the message as it was."""
    before = api.post(f"{conversation}/Messages", Body="Hello")

    assert api.refusal("POST", f"{conversation}/Messages/{before['sid']}", **form) == (400, code)
    assert api.get(f"{conversation}/Messages/{before['sid']}") == before


VARIABLES: list[Any] = [
    pytest.param("{", 50527, id="no JSON"),
    pytest.param("[]", 50527, id="no object"),
    pytest.param('{"1": 2}', 50527, id="a value that is no text"),
    pytest.param("{" + ",".join(f'"{n}":""' for n in range(101)) + "}", 50529, id="101 of them"),
    pytest.param('{"' + "k" * 17 + '": ""}', 50540, id="too long a key"),
    pytest.param('{"1": "' + "v" * 257 + '"}', 50541, id="too long a value"),
]


@pytest.mark.parametrize(("variables", "code"), VARIABLES)
def test_refuses_content_variables(api: Api, conversation: str, variables: str, code: int) -> None:
    """Each limit of the variables has its code."""
    sid = "HX" + "1".zfill(32)

    assert api.refusal("POST", f"{conversation}/Messages", ContentSid=sid, ContentVariables=variables) == (
        400,
        code,
    )


def test_template_is_rendered_into_the_body(api: Api, conversation: str) -> None:
    """Body and MediaSid are ignored beside ContentSid; variables are not shown."""
    sid = "HX" + "2".zfill(32)
    shown = api.post(
        f"{conversation}/Messages", ContentSid=sid, ContentVariables='{"1": "A7"}', Body="no", MediaSid="no"
    )

    assert (shown["body"], shown["content_sid"], shown["media"]) == (
        "Your order A7 has shipped and arrives on {{2}}.",
        sid,
        None,
    )


def test_form_that_is_not_utf_8_is_refused(api: Api, conversation: str) -> None:
    """Bytes that mean no text are never stored."""
    reply = api(
        "POST",
        f"{conversation}/Messages",
        content=b"Body=%FF",
        headers={"content-type": "application/x-www-form-urlencoded"},
    )

    assert (reply.status_code, reply.json()["code"]) == (400, 20001)
