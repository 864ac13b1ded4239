"""Messages that no update can change: what a new message takes over, loses, and spares."""

from __future__ import annotations

import pytest
from msgspec import UNSET

from reconciler.model import Message, RemoteMedia
from reconciler.plans.actions import FieldChange, Reason, Verb
from tests.support.scenes import (
    LATER,
    applied,
    at,
    codes,
    message,
    only,
    photo,
)


@pytest.mark.parametrize(
    ("before", "after", "forced"),
    [
        (photo("a"), photo("a", "1"), ("media",)),
        (message("a", media_sid="ME1"), message("a", media_sid="ME2"), ("media_sid",)),
        (message("a", content_sid="HX1"), message("a", content_sid="HX2"), ("content_sid",)),
        (
            message("a", content_sid="HX1", content_variables={"1": "x"}),
            message("a", content_sid="HX1", content_variables={"1": "y"}),
            ("content_variables",),
        ),
        (photo("a", body="old"), photo("a", body="new"), ("body",)),
        (photo("a", body="old"), message("a", body="old"), ("media",)),
        (message("a", content_sid="HX1"), message("a", body="new"), ("content_sid",)),
    ],
)
def test_what_no_update_can_change_needs_a_new_message(
    before: Message, after: Message, forced: tuple[str, ...]
) -> None:
    """Media and templates are immutable, and so is the body beside media."""
    plan = applied(before).wanting(after).plan()

    action = only(plan)
    assert (action.verb, action.reason) == (Verb.REPLACE, Reason.IMMUTABLE_FIELD)
    assert action.replace_paths == forced
    assert action.sid == "IMa"
    assert "" not in action.send.values()
    assert plan.warnings == ()  # nothing is lost that was not meant to go


def test_other_fields_of_a_media_message_are_updated() -> None:
    """Only its body shares the fate of the media, declared or not."""
    scene = applied(photo("a", author="alice"), message("b")).edited("b", media=(RemoteMedia("ME1"),))

    author, body = scene.wanting(photo("a", author="bob"), message("b", body="new")).plan().actions

    assert (author.verb, author.replace_paths) == (Verb.UPDATE, ())
    assert author.changes == (FieldChange(("author",), "alice", "bob"),)
    assert (body.verb, body.replace_paths) == (Verb.REPLACE, ("body",))


def test_another_file_shows_what_media_goes() -> None:
    """The state knows no file names, but the reply shows the sid of what was uploaded."""
    action = only(applied(photo("a")).wanting(photo("a", "1")).plan())

    assert action.changes == (
        FieldChange(("media",), UNSET, "1"),
        FieldChange(("media_sid",), "MEIMa", UNSET),
    )
    assert action.file is not None


def test_a_replacement_takes_over_what_the_manifest_does_not_say() -> None:
    """Live author, attributes and date come along; what the manifest says does not give way."""
    scene = applied(photo("a", author="alice"))
    scene = scene.edited("a", author="bob", attributes='{"seen": 1}', date_created=LATER)

    action = only(scene.wanting(photo("a", "1", author="alice")).plan())

    assert action.send == {
        "author": "alice",
        "media": "1",
        "attributes": '{"seen":1}',
        "date_created": LATER,
    }
    assert action.managed == ("author", "media")


def test_a_replacement_takes_over_what_is_ignored() -> None:
    """Whole fields and attribute paths keep their live values, in the new message too."""
    ignored = (("author",), ("attributes", "seen", "at"))
    wanted = photo("a", author="alice", attributes={"x": 1, "seen": {"at": 0}}, ignore_changes=ignored)
    scene = applied(wanted).edited("a", author="bob", attributes='{"x": 9, "seen": {"at": 5}}')

    action = only(scene.plan(replace=(at("a"),)))

    assert (action.verb, action.reason) == (Verb.REPLACE, Reason.REQUESTED)
    assert action.send["author"] == "bob"
    assert action.send["attributes"] == '{"seen":{"at":5},"x":1}'


def test_a_replacement_sets_back_what_was_dropped() -> None:
    """It does not take over the author that is to go; one without any author brings none along."""
    dropped = applied(photo("a", author="alice")).wanting(photo("a", "1"))
    nobody = applied(photo("a")).edited("a", author=None).wanting(photo("a", "1"))

    assert "author" not in only(dropped.plan()).send
    assert only(dropped.plan()).after["author"] == "system"
    assert "author" not in only(nobody.plan()).send


def test_ignoring_a_field_that_is_not_declared_manages_nothing() -> None:
    """The live author comes along as it always does, and is not ours."""
    action = only(applied(message("a", ignore_changes=(("author",),))).plan(replace=(at("a"),)))

    assert action.managed == ("body",)
    assert action.send["author"] == "system"


def test_an_ignored_media_sid_is_not_taken_from_the_old_message() -> None:
    """It could not be attached again."""
    scene = applied(message("a", media_sid="ME1"))

    action = only(
        scene.wanting(message("a", media_sid="ME2", ignore_changes=(("media_sid",),))).plan(
            replace=(at("a"),)
        )
    )

    assert action.send["media_sid"] == "ME2"


def test_an_update_leaves_ignored_fields_as_they_are() -> None:
    """The live value counts as declared, so that nobody is blamed for it later."""
    ignored = (("author",), ("subject",))
    scene = applied(message("a", author="alice", subject="s")).edited("a", author="bob")

    action = only(
        scene.wanting(message("a", author="alice", subject="t", body="new", ignore_changes=ignored)).plan()
    )

    assert action.send == {"body": "new"}
    assert action.after["author"] == "bob"
    assert action.managed == ("author", "body", "subject")


def test_what_an_update_leaves_in_the_state_is_all_that_is_declared() -> None:
    """Also what no reply shows and what does not change."""
    scene = applied(message("a", subject="s")).wanting(message("a", subject="s", body="new"))

    assert only(scene.plan()).managed == ("body", "subject")


def test_requested_replacements_show_what_changes_too() -> None:
    """`--replace` overrides the reason, not the comparison."""
    action = only(applied(message("a")).wanting(message("a", body="new")).plan(replace=(at("a"),)))

    assert (action.verb, action.reason, action.replace_paths) == (Verb.REPLACE, Reason.REQUESTED, ())
    assert action.send["body"] == "new"
    assert action.changes


def test_requested_replacements_say_what_would_have_forced_them() -> None:
    """A file that changed needs a new message anyway."""
    action = only(applied(photo("a")).wanting(photo("a", "1")).plan(replace=(at("a"),)))

    assert (action.reason, action.replace_paths) == (Reason.REQUESTED, ("media",))


def test_replacing_an_address_that_nobody_declares_is_refused() -> None:
    """A slip of the pen must not look like success."""
    plan = applied(message("a")).plan(replace=(at("aa"),))

    assert codes(plan.refusals) == ["unknown_address"]
    assert at("aa") in plan.refusals[0].text
