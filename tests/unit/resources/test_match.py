"""Which live message a create would have produced."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from reconciler.model import Message, RemoteMedia, RemoteMessage
from reconciler.resources.match import (
    ExpectedMessage,
    Pairs,
    author_of,
    forgiven,
    likeness,
    match_text,
    pair,
    tolerant_text,
)
from reconciler.resources.message import desired_values, live_values
from reconciler.state.model import State
from tests.support.scenes import LATER, live, live_of, message, photo


def both(wishes: list[Message], *strangers: RemoteMessage) -> Pairs:
    """Return what each message pairs with."""
    return pair((ExpectedMessage(one.key, desired_values(one), one.file) for one in wishes), strangers)


def pairs(wishes: list[Message], *strangers: RemoteMessage) -> dict[str, str]:
    """Return key -> sid of each exact pair."""
    return {key: one.sid for key, one in both(wishes, *strangers).exact.items()}


@pytest.mark.parametrize(
    "wish",
    [
        message("a"),
        message("a", author="alice", attributes={"b": 1, "a": True}, date_created=LATER),
        message("a", date_updated=LATER),
        photo("a"),
        photo("a", body="look"),
        message("a", media_sid="ME1"),
        message("a", content_sid="HX1", content_variables={"1": "x"}),
        message("a", subject="topic"),
    ],
)
def test_what_a_create_leaves_is_recognised(wish: Message) -> None:
    """Whatever is declared, the message that comes of it is one that it matches."""
    assert pairs([wish], live_of(wish, "IM1", 3)) == {"a": "IM1"}


@pytest.mark.parametrize(
    ("wish", "stranger"),
    [
        (message("a", body="x"), live("IM1", 0, body="y")),
        (message("a", body="x"), live("IM1", 0, body="x", author="alice")),
        (message("a", body="x"), live("IM1", 0, body="x", attributes='{"a":1}')),
        (message("a", body="x", attributes=True), live("IM1", 0, body="x", attributes="1")),
        (message("a", body="x", date_created=LATER), live("IM1", 0, body="x")),
        (message("a", body="x", date_updated=LATER), live("IM1", 0, body="x")),
        (message("a", body="x"), live("IM1", 0, body="x", media=(RemoteMedia("ME1"),))),
        (message("a", body="x"), live("IM1", 0, body="x", content_sid="HX1")),
        (message("a", media_sid="ME1"), live("IM1", 0)),
        (message("a", media_sid="ME1"), live("IM1", 0, media=(RemoteMedia("ME2"),))),
        (photo("a"), live("IM1", 0)),
        (photo("a"), live("IM1", 0, media=(RemoteMedia("ME1", 2047, "image/jpeg", "car.jpg"),))),
        (message("a", content_sid="HX1"), live("IM1", 0, content_sid="HX2")),
    ],
)
def test_any_difference_that_a_reply_shows_is_no_match(wish: Message, stranger: RemoteMessage) -> None:
    """What is not declared must have the API's default; dates count only where they are declared."""
    assert not both([wish], stranger)


def test_the_rendered_text_of_a_template_does_not_count() -> None:
    """The server writes it, and the manifest cannot know it."""
    assert pairs([message("a", content_sid="HX1")], live("IM1", 0, content_sid="HX1", body="Hi Bob")) == {
        "a": "IM1"
    }


def test_the_picture_of_a_template_does_not_count() -> None:
    """A media template is rendered with its own picture, for adoption and for settling alike."""
    rendered = live("IM1", 0, content_sid="HX1", body="Hi", media=(RemoteMedia("ME1"),))

    assert pairs([message("a", content_sid="HX1")], rendered) == {"a": "IM1"}
    assert match_text(live_values(rendered)) == match_text({"content_sid": "HX1"})


def test_equal_messages_pair_in_index_order_with_manifest_order() -> None:
    """Each is used once, whatever the order of the listing."""
    wishes = [message(key, body="ok") for key in "abc"]

    assert pairs(wishes, live("IM9", 9, body="ok"), live("IM4", 4, body="ok")) == {"a": "IM4", "b": "IM9"}


def test_a_message_is_used_once_also_by_creates_that_declare_different_fields() -> None:
    """One declares its date and another does not: the first of the manifest has it."""
    wishes = [message("a", body="ok"), message("b", body="ok", date_created=LATER)]

    assert pairs(wishes, live("IM1", 0, body="ok", date_created=LATER)) == {"a": "IM1"}


@pytest.mark.parametrize("text", ["", "a", 'say "hi"\\\n\t', "Grüße 🚗", "\x00\x7f\u2028", "\ud83d"])
def test_match_texts_are_json_to_the_letter(text: str) -> None:
    """States hold digests of them, which later releases must find again."""
    fields = {"author": text or "system", "body": text, "attributes": text or "{}", "media_sid": text}

    assert match_text(fields) == json.dumps([text or "system", text, text or "{}", "", text])


def test_a_match_text_can_be_made_of_any_text() -> None:
    """Half a surrogate pair and quotes are text like any other, and no two messages are confused."""
    odd = live("IM1", 0, body='"\ud83d', author="x")

    other = live("IM1", 0, body='\ud83d"', author="x")

    assert match_text(live_values(odd)) != match_text(live_values(other))
    assert match_text({"body": '"\ud83d', "author": "x"}) == match_text(live_values(odd))


@pytest.mark.parametrize(
    ("wish", "shown", "differs"),
    [
        (message("a", body="hello\n"), {"body": "hello"}, ("body",)),
        (message("a", body="\u00a0 hello\t"), {"body": "hello"}, ("body",)),
        (message("a", body="hello"), {"body": " hello\r\n"}, ("body",)),
        (message("a", body="one\ntwo"), {"body": "one\r\ntwo"}, ("body",)),
        (message("a", body="one\rtwo"), {"body": "one\ntwo"}, ("body",)),
        (message("a", body="cafe\u0301"), {"body": "caf\u00e9"}, ("body",)),
        (message("a", body="\u212b"), {"body": "A\u030a"}, ("body",)),
        (message("a", body="x", author="Alice"), {"body": "x", "author": "alice"}, ("author",)),
        (message("a", body="x", author="STRASSE"), {"body": "x", "author": "stra\u00dfe"}, ("author",)),
        (message("a", body="x"), {"body": "x", "author": "System "}, ()),
        (
            message("a", body="x", attributes={"n": "e\u0301"}),
            {"body": "x", "attributes": '{ "n" : "\u00e9" }'},
            ("attributes",),
        ),
        (
            message("a", body="x\n", author="BOB", date_created=LATER),
            {"body": "x", "author": "bob", "date_created": LATER},
            ("author", "body"),
        ),
        (message("a", body="x ", media_sid="ME1"), {"body": "x", "media": (RemoteMedia("ME1"),)}, ("body",)),
    ],
)
def test_what_a_server_normalises_is_forgiven(
    wish: Message, shown: dict[str, Any], differs: tuple[str, ...]
) -> None:
    """It is no exact match, it is a tolerant one, and the fields that differ are named."""
    there = live("IM1", 0, **shown)
    found = both([wish], there)
    fields, digest = desired_values(wish), State("0" * 32, "AC1", "x").digest

    assert (found.exact, found.tolerant) == ({}, {"a": there})
    assert forgiven(fields, there) == differs
    ours, theirs = likeness(fields, digest), likeness(live_values(there), digest)
    assert ours.match != theirs.match
    assert ours.tolerant == theirs.tolerant
    assert (ours.author == theirs.author) == (author_of(fields) == there.author)


@pytest.mark.parametrize(
    ("wish", "shown"),
    [
        (message("a", body="one  two"), {"body": "one two"}),
        (message("a", body="one \ntwo"), {"body": "one\ntwo"}),
        (message("a", body="Hello"), {"body": "hello"}),
        (message("a", body="\ufb01"), {"body": "fi"}),
        (message("a", body="x\n", date_created=LATER), {"body": "x"}),
        (message("a", body="x\n", attributes={"n": 1}), {"body": "x"}),
        (message("a", body="x\n", attributes={"n": True}), {"body": "x", "attributes": '{"n":1}'}),
        (message("a", body="x\n"), {"body": "x", "media": (RemoteMedia("ME1"),)}),
        (message("a", body="x\n"), {"body": "x", "content_sid": "HX1"}),
    ],
)
def test_what_changes_the_meaning_is_not_forgiven(wish: Message, shown: dict[str, Any]) -> None:
    """White space inside, the case of a text, compatibility forms, dates, values: they differ."""
    there = live("IM1", 0, **shown)

    assert not both([wish], there)
    if "date_created" not in desired_values(wish):
        assert tolerant_text(desired_values(wish)) != tolerant_text(live_values(there))


def test_an_exact_match_goes_before_a_tolerant_one() -> None:
    """A message is used once, and the one that equals it to the letter has it, whatever the order."""
    wishes = [message("a", body="ok\n"), message("b", body="ok"), message("c", body=" ok")]
    one, two = live("IM1", 1, body="ok"), live("IM2", 2, body="ok")

    found = both(wishes, one, two)

    assert (found.exact, found.tolerant) == ({"b": one}, {"a": two})
    assert "c" not in found
    assert found["a"] is two
    assert found["b"] is one


def test_a_file_name_is_told_from_another_by_what_it_says() -> None:
    """One system writes an accent as a letter of its own, and another does not."""
    wish = photo("a")
    assert wish.file is not None
    wish = msgspec.structs.replace(wish, file=msgspec.structs.replace(wish.file, filename="cafe\u0301.jpg"))
    there = live("IM1", 0, media=(RemoteMedia("ME1", 2048, "image/jpeg", "caf\u00e9.jpg"),))

    assert pairs([wish], there) == {"a": "IM1"}
