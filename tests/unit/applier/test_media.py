"""Files that are uploaded just before their message, whatever happens in between."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from reconciler.plans.actions import Reason, Verb
from reconciler.plans.outcome import Status
from tests.support.desk import Desk, conversation, statuses

PHOTO = conversation("a: Look", "{key: photo, media: {file: car.png}, body: My car}", "b: Nice")
PARCEL = conversation(
    "a: Look",
    '{key: t, content_sid: HX00000000000000000000000000000004, content_variables: {"1": x}}',
    "b: So",
)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """An emulator and a state, and a picture beside the manifest."""
    (tmp_path / "car.png").write_bytes(b"\x89PNG car")
    with Desk(tmp_path) as desk:
        yield desk


def shown(desk: Desk) -> list[tuple[str, list[str]]]:
    """Return the text and the names of the files of each message."""
    return [(one["body"], [media["filename"] for media in one["media"] or ()]) for one in desk.messages("c")]


def orphans(desk: Desk) -> int:
    """Return how many uploads no message carries, those to be collected."""
    ((count,),) = desk._rows("SELECT count(*) FROM media WHERE message IS NULL")
    return int(count)


@pytest.mark.parametrize(("trouble", "left"), [("reset_after", 0), ("reset_before", 1), ("503_after", 0)])
def test_a_lost_reply_leaves_one_message_with_its_picture(desk: Desk, trouble: str, left: int) -> None:
    """A create that did not happen is sent again with a file uploaded anew."""
    desk.fault(f"create_message:2:{trouble}")

    desk.apply(PHOTO)

    assert shown(desk) == [("Look", []), ("My car", ["car.png"]), ("Nice", [])]
    assert (desk.count("upload_media"), orphans(desk)) == (1 + left, left)
    assert desk.plan(PHOTO).actions == ()


@pytest.mark.parametrize("trouble", ["reset_after", "reset_before"])
def test_an_upload_whose_reply_is_lost_is_repeated(desk: Desk, trouble: str) -> None:
    """Nothing refers to the first one, so it is collected."""
    desk.fault(f"upload_media:1:{trouble}")

    desk.apply(PHOTO)

    assert shown(desk) == [("Look", []), ("My car", ["car.png"]), ("Nice", [])]
    assert desk.count("upload_media") == 2


def test_a_file_that_was_collected_too_early_is_uploaded_once_more(desk: Desk) -> None:
    """Where its create comes late, the server knows the file no more."""
    desk.fault("create_message:2:400/50507")

    outcome = desk.apply(PHOTO)

    assert set(statuses(outcome).values()) == {Status.DONE}
    assert shown(desk) == [("Look", []), ("My car", ["car.png"]), ("Nice", [])]


def test_a_file_that_never_arrives_is_a_failure(desk: Desk) -> None:
    """After the second try it is reported, and what comes after it is not reached."""
    desk.fault("create_message:2:400/50507", "create_message:3:400/50507")

    outcome = desk.apply(PHOTO)

    assert (statuses(outcome)["desk/c/photo"], statuses(outcome)["desk/c/b"]) == (
        Status.FAILED,
        Status.NOT_REACHED,
    )
    assert desk.count("upload_media") == 2


@pytest.mark.parametrize("trouble", ["reset_after", "reset_before"])
def test_a_media_template_whose_reply_is_lost_stands_once(desk: Desk, trouble: str) -> None:
    """It is known by its template, not by the picture that the server renders."""
    desk.fault(f"create_message:2:{trouble}")

    desk.apply(PARCEL)

    assert shown(desk) == [("Look", []), ("Your parcel x is at the door.", ["parcel.png"]), ("So", [])]
    assert desk.plan(PARCEL).actions == ()


def test_a_changed_body_beside_a_file_posts_the_file_again(desk: Desk) -> None:
    """No update can change it (50509), so the message is replaced, and the reason says so."""
    desk.apply(PHOTO)
    changed = PHOTO.replace("My car", "My new car")

    (action,) = desk.plan(changed).actions

    assert (action.verb, action.reason, action.replace_paths) == (
        Verb.REPLACE,
        Reason.IMMUTABLE_FIELD,
        ("body",),
    )
    desk.apply(changed)
    assert shown(desk) == [("Look", []), ("Nice", []), ("My new car", ["car.png"])]
    assert desk.plan(changed).actions == ()
