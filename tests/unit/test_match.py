"""Which live message a create would have produced."""

from __future__ import annotations

import pytest

from reconciler.model import Message, RemoteMedia, RemoteMessage
from reconciler.planner.match import Create, Wanted, live_match_text, match_text, pair, settle
from tests.worlds import LATER, live, live_of, message, photo


def pairs(wanted: list[Message], *strangers: RemoteMessage) -> dict[str, str]:
    """Return key -> sid of each pair."""
    found = pair((Wanted(one.key, one) for one in wanted), strangers)
    return {key: one.sid for key, one in found.items()}


@pytest.mark.parametrize(
    "wanted",
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
def test_what_a_create_leaves_is_recognised(wanted: Message) -> None:
    """Whatever is declared, the message that comes of it is one that it matches."""
    assert pairs([wanted], live_of(wanted, "IM1", 3)) == {"a": "IM1"}


@pytest.mark.parametrize(
    ("wanted", "stranger"),
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
def test_any_difference_that_a_reply_shows_is_no_match(wanted: Message, stranger: RemoteMessage) -> None:
    """What is not declared must have the API's default; dates count only where they are declared."""
    assert pairs([wanted], stranger) == {}


def test_the_rendered_text_of_a_template_does_not_count() -> None:
    """The server writes it, and the manifest cannot know it."""
    assert pairs([message("a", content_sid="HX1")], live("IM1", 0, content_sid="HX1", body="Hi Bob")) == {
        "a": "IM1"
    }


def test_the_picture_of_a_template_does_not_count() -> None:
    """A media template is rendered with its own picture, for adoption and for settling alike."""
    rendered = live("IM1", 0, content_sid="HX1", body="Hi", media=(RemoteMedia("ME1"),))

    assert pairs([message("a", content_sid="HX1")], rendered) == {"a": "IM1"}
    assert live_match_text(rendered) == match_text({"content_sid": "HX1"})


def test_equal_messages_pair_in_index_order_with_manifest_order() -> None:
    """Each is used once, whatever the order of the listing."""
    wanted = [message(key, body="ok") for key in "abc"]

    assert pairs(wanted, live("IM9", 9, body="ok"), live("IM4", 4, body="ok")) == {"a": "IM4", "b": "IM9"}


def test_a_message_is_used_once_also_by_creates_that_declare_different_fields() -> None:
    """One declares its date and another does not: the first of the manifest has it."""
    wanted = [message("a", body="ok"), message("b", body="ok", date_created=LATER)]

    assert pairs(wanted, live("IM1", 0, body="ok", date_created=LATER)) == {"a": "IM1"}


def test_a_match_text_can_be_made_of_any_text() -> None:
    """Half a surrogate pair and quotes are text like any other, and no two messages are confused."""
    odd = live("IM1", 0, body='"\ud83d', author="x")

    assert live_match_text(odd) != live_match_text(live("IM1", 0, body='\ud83d"', author="x"))
    assert match_text({"body": '"\ud83d', "author": "x"}) == live_match_text(odd)


def test_settling_takes_the_lowest_unclaimed_message_above_the_boundary() -> None:
    """Below it stands what was there before; claimed sids belong to others."""
    listed = [(["#"], live(f"IM{index}", index)) for index in (5, 2, 3, 4)]

    found = settle([Create("a", "#", 2), Create("b", "#", 2), Create("c", "other", 2)], listed, {"IM3"})

    assert {address: one.sid for address, one in found.items()} == {"a": "IM4", "b": "IM5"}
