"""Forms, paths, pages, error bodies and `Retry-After`."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.json import Decoder

from reconciler.errors import UsageError
from reconciler.model import RemoteConversation, RemoteMedia, RemoteMessage
from reconciler.model.canonical import canonical_date
from reconciler.twilio import wire

NOW = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)


def test_form_translates_names_and_encodes_values() -> None:
    """Names are Twilio's PascalCase; values survive separators, plus signs and emoji."""
    body = wire.form({"author": "a&b=c+d", "date_created": "2026-01-05T09:00:00Z"}, wire.MESSAGE_FORM)

    assert body == b"Author=a%26b%3Dc%2Bd&DateCreated=2026-01-05T09%3A00%3A00Z"


def test_form_of_a_conversation_has_dotted_names() -> None:
    """Timers and bindings are nested by a dot."""
    body = wire.form({"timers_inactive": "PT1M", "email_name": "Desk"}, wire.CONVERSATION_FORM)

    assert body == b"Timers.Inactive=PT1M&Bindings.Email.Name=Desk"


def test_form_refuses_an_unknown_field() -> None:
    """Twilio ignores what it does not know, so a slip of ours must not reach it."""
    with pytest.raises(KeyError):
        wire.form({"media": "x"}, wire.MESSAGE_FORM)


@pytest.mark.parametrize(
    ("segment", "encoded"),
    [
        ("order-4711", "/order-4711"),
        ("a/b", "/a%2Fb"),
        ("../x", "/..%2Fx"),
        ("a?b#c", "/a%3Fb%23c"),
        ("50%", "/50%25"),
        ("grüße", "/gr%C3%BC%C3%9Fe"),
    ],
)
def test_path_encodes_every_segment(segment: str, encoded: str) -> None:
    """No name can reach another resource, or start a query."""
    assert wire.path(segment) == encoded


@pytest.mark.parametrize("segment", ["", ".", ".."])
def test_path_refuses_what_no_encoding_makes_safe(segment: str) -> None:
    """Servers resolve dots even when they are encoded, and an empty part means the listing."""
    with pytest.raises(UsageError):
        wire.path("Services", segment)


@given(st.lists(st.text(min_size=1).filter(lambda text: text not in {".", ".."}), min_size=1))
def test_path_has_one_part_per_segment(segments: list[str]) -> None:
    """Whatever the segments hold, the server sees as many as were given."""
    assert wire.path(*segments).count("/") == len(segments)


def test_page_becomes_values() -> None:
    """A page is decoded with its next address; fields that are not ours are skipped."""
    page = wire.decode(
        b'{"meta":{"page":0,"page_size":50,"key":"messages","next_page_url":"https://x/?Page=1"},'
        b'"messages":[{"sid":"IM1","index":3,"author":"system","body":"Hi","attributes":"{}",'
        b'"participant_sid":null,"delivery":null,"links":{"delivery_receipts":"x"},'
        b'"media":[{"sid":"ME1","size":3,"content_type":"image/png","filename":null,"category":"media"}]}]}',
        Decoder(wire.MessagePage),
    )

    assert page.meta.next_page_url == "https://x/?Page=1"
    assert page.items == [
        RemoteMessage(
            sid="IM1",
            index=3,
            author="system",
            body="Hi",
            attributes="{}",
            media=(RemoteMedia("ME1", 3, "image/png"),),
        )
    ]


def test_half_an_emoji_does_not_make_a_page_unreadable() -> None:
    """JSON may hold half a surrogate pair; the text is kept as it is and can be sent back."""
    message = wire.decode(rb'{"sid":"IM1","index":0,"body":"cut \ud83d"}', Decoder(RemoteMessage))

    assert message.body == "cut \ud83d"
    assert wire.form({"body": message.body}, wire.MESSAGE_FORM) == b"Body=cut+%ED%A0%BD"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"<html>",
        b"[]",
        b"null",
        b'{"sid":"IM1"}',
        b'{"sid":"IM1","index":"0"}',
        b'{"sid":null,"index":0}',
        b'{"sid":"IM1","index":0,"attributes":{}}',
        b'{"sid":"IM1","index":0,"body":"Hi',
        b'{"sid":"IM1","index":0,"body":"\xff"}',
        b"[" * 100_000,
    ],
    ids=lambda data: repr(data[:40]),
)
def test_reply_of_another_shape_is_unreadable(data: bytes) -> None:
    """A wrong type, a missing field, cut or foreign content is one kind of error."""
    with pytest.raises(wire.Unreadable):
        wire.decode(data, Decoder(RemoteMessage))


def test_conversation_keeps_timers_and_bindings() -> None:
    """Nested objects of a conversation come through."""
    conversation = wire.decode(
        b'{"sid":"CH1","state":"inactive","timers":{"date_closed":"2026-01-05T09:00:00Z"},"bindings":{}}',
        Decoder(RemoteConversation),
    )

    assert conversation == RemoteConversation(
        sid="CH1", state="inactive", timers={"date_closed": "2026-01-05T09:00:00Z"}, bindings={}
    )


def test_error_body_is_read() -> None:
    """Code and message are Twilio's."""
    body = wire.error_body(
        b'{"code":20404,"message":"The requested resource was not found","more_info":"https://x","status":404}'
    )

    assert body == wire.ErrorBody(message="The requested resource was not found", code=20404)


def test_error_body_may_lack_a_code() -> None:
    """A 500 of Twilio has only a message and a status."""
    assert wire.error_body(b'{"message":"An error occurred","status":500}') == wire.ErrorBody(
        message="An error occurred"
    )


@pytest.mark.parametrize("data", [b"", b"<html>503</html>", b"[]", b"null", b'{"error":1}', b"[" * 100_000])
def test_error_body_that_is_not_twilios_is_none(data: bytes) -> None:
    """HTML, nothing, and other JSON are told apart from what Twilio says."""
    assert wire.error_body(data) is None


@pytest.mark.parametrize("code", ['"20404"', "true", "null", "1.5"])
def test_error_code_of_another_type_is_dropped(code: str) -> None:
    """A code is a number or it is unknown; the message still counts."""
    assert wire.error_body(f'{{"code":{code},"message":"m"}}'.encode()) == wire.ErrorBody("m")


def test_error_message_is_cut() -> None:
    """Text of a server is at most 200 characters, and shows that it was cut."""
    body = wire.error_body(b'{"message":"' + b"x" * 5000 + b'"}')

    assert body is not None
    assert len(body.message) == 200
    assert body.message.endswith("x…")


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, None),
        ("7", 7.0),
        (" 0 ", 0.0),
        ("Mon, 05 Jan 2026 09:00:30 GMT", 30.0),
        ("Mon, 05 Jan 2026 08:00:00 GMT", 0.0),
        ("Mon, 05 Jan 2026 09:00:30 -0000", 30.0),
        ("soon", None),
        ("-3", None),
        ("٣", None),
        ("", None),
    ],
)
def test_retry_after_is_read_in_both_forms(value: str | None, seconds: float | None) -> None:
    """Seconds or a date; a date in the past means now; anything else means nothing."""
    assert wire.retry_after(value, NOW) == seconds


@pytest.mark.parametrize(
    ("header", "moment"),
    [
        ("Mon, 05 Jan 2026 09:00:00 GMT", NOW),
        ("Mon, 05 Jan 2026 10:00:00 +0100", NOW),
        ("Mon, 05 Jan 2026 09:00:00 -0000", NOW),
        ("yesterday", None),
        ("", None),
        (None, None),
    ],
)
def test_the_date_of_a_reply_is_the_servers_clock(header: str | None, moment: datetime | None) -> None:
    """Where it is none, nobody knows what time it is there."""
    assert wire.http_moment(header) == moment


@pytest.mark.parametrize("sid", ["", ".", "..", "\ud800", "IM1/../IM2", None])
def test_a_resource_without_a_sid_is_unreadable(sid: str | None) -> None:
    """Nothing could ever be asked of it again."""
    with pytest.raises(wire.Unreadable):
        wire.check_sid(RemoteMessage(sid, 0))  # type: ignore[arg-type]


@pytest.mark.parametrize("sid", ["", "..", "\ud800", "IM1/../IM2", "a/b/c/d/e"])
def test_a_page_with_an_object_without_a_sid_is_unreadable(sid: str) -> None:
    """It would become a part of an address."""
    wire.check_sids(["IM1", "IM2"])
    with pytest.raises(wire.Unreadable):
        wire.check_sids(["IM1", sid])


def test_a_reply_that_nests_without_end_is_unreadable() -> None:
    """Also in a field that is nobody's concern."""
    with pytest.raises(wire.Unreadable):
        wire.decode(b'{"sid":"IM1","index":0,"x":' + b"[" * 200_000 + b"}", Decoder(RemoteMessage))


@pytest.mark.parametrize(
    "date",
    [
        "Fri, 31 Dec 9999 23:59:59 -2300",
        "Mon, 01 Jan 99999999999999999999 00:00:00 GMT",
        "Mon, 01 Jan 2026 00:00:00 +9999999999999999999999",
    ],
)
def test_dates_beyond_the_calendar_are_none(date: str) -> None:
    """A server that says so has no clock."""
    assert wire.http_moment(date) is None


def test_a_message_dated_beyond_the_calendar_keeps_its_date_as_text() -> None:
    """It differs from whatever is desired."""
    assert canonical_date("0001-01-01T00:00:00+23:59") == "0001-01-01T00:00:00+23:59"


def test_a_wait_beyond_the_calendar_is_none() -> None:
    """The server asks for nothing that can be understood."""
    assert wire.retry_after("Mon, 01 Jan 99999999999999999999 00:00:00 GMT", NOW) is None
