"""What each message of a conversation needs, and why: create, update, replace, delete, forget, nothing."""

from __future__ import annotations

import deepdiff
import pytest

from reconciler.model import Message, Order, RemoteMedia
from reconciler.plans.actions import Action, FieldChange, Reason, Verb
from tests.support.scenes import (
    AT,
    CREATED,
    LATER,
    SERVICE,
    Scene,
    applied,
    at,
    codes,
    empty,
    found,
    message,
    messages,
    only,
    photo,
    steps,
)


def test_what_was_applied_needs_nothing() -> None:
    """Every field is as it was left: nothing is planned, and nothing is to be recorded."""
    scene = applied(
        *messages("a", "b"),
        message(
            "c", author="alice", attributes={"n": 1}, date_created=LATER, date_updated=LATER, subject="s"
        ),
        photo("d"),
        message("e", content_sid="HX1", content_variables={"1": "x"}),
    )

    for record in (False, True):
        plan = scene.plan(record=record)
        assert (plan.actions, plan.records, plan.warnings, plan.refusals) == ((), (), (), ())
        assert plan.no_ops == 5


def test_a_first_plan_creates_parents_before_what_is_in_them() -> None:
    """Service, conversation, then the messages in manifest order, with all that each request carries."""
    plan = empty(message("a", author="alice", subject="s"), message("b")).plan()

    assert steps(plan) == [(SERVICE, "create"), (AT, "create"), ("a", "create"), ("b", "create")]
    assert {action.reason for action in plan.actions} == {Reason.NOT_IN_STATE}
    assert plan.actions[2] == Action(
        at("a"),
        Verb.CREATE,
        Reason.NOT_IN_STATE,
        after={"author": "alice", "body": "text of a", "subject": "s"},
        send={"author": "alice", "body": "text of a", "subject": "s"},
        managed=("author", "body", "subject"),
    )


def test_a_message_deleted_by_hand_is_created_again() -> None:
    """Its binding names a sid that is gone."""
    plan = applied(*messages("a", "b")).without("a").plan()

    assert steps(plan) == [("a", "create")]
    assert only(plan).reason is Reason.MISSING_REMOTELY


def test_an_edited_message_is_updated_with_what_differs() -> None:
    """Drift is undone: only that field is sent, and the action shows both sides."""
    scene = applied(message("a", author="alice", attributes={"n": 1, "tags": ["x"]}))
    scene = scene.edited("a", attributes='{"n": 2, "tags": ["x"]}')

    action = only(scene.plan())

    assert (action.verb, action.reason, action.sid, action.index) == (Verb.UPDATE, Reason.DRIFTED, "IMa", 0)
    assert action.send == {"attributes": '{"n":1,"tags":["x"]}'}
    assert action.changes == (FieldChange(("attributes", "n"), 2, 1),)
    assert action.before == {"author": "alice", "body": "text of a", "attributes": '{"n":2,"tags":["x"]}'}
    assert action.after == {"author": "alice", "body": "text of a", "attributes": '{"n":1,"tags":["x"]}'}


def test_a_changed_manifest_is_a_reason_of_its_own() -> None:
    """The live message is as it was left, so nobody drifted."""
    action = only(applied(message("a")).wanting(message("a", body="new")).plan())

    assert (action.verb, action.reason) == (Verb.UPDATE, Reason.CHANGED_IN_MANIFEST)


def test_an_update_carries_the_declared_date_of_the_last_edit() -> None:
    """It would become the moment of the update otherwise; one that is ignored is left alone."""
    scene = applied(message("a", date_updated=LATER))

    told = scene.wanting(message("a", body="new", date_updated=LATER))
    ignored = scene.wanting(message("a", body="new", date_updated=LATER, ignore_changes=(("date_updated",),)))

    assert only(told.plan()).send == {"body": "new", "date_updated": LATER}
    assert only(ignored.plan()).send == {"body": "new"}


def test_a_dropped_field_goes_back_to_its_default() -> None:
    """The action says what is sent for it, and that it was dropped."""
    action = only(applied(message("a", author="alice", subject="s")).wanting(message("a")).plan())

    assert action.send == {"author": "system", "subject": ""}
    assert action.reset == ("author", "subject")
    assert action.before == {"author": "alice", "body": "text of a"}
    assert action.managed == ("body",)
    assert action.after == {"body": "text of a", "author": "system", "subject": ""}
    assert [change.path for change in action.changes] == [("author",), ("subject",)]


def test_a_key_that_left_the_manifest_is_deleted() -> None:
    """The action shows what was managed of it."""
    scene = applied(message("a", author="alice"), message("b")).wanting(message("b"))

    action = only(scene.plan())

    assert (action.verb, action.reason, action.sid) == (Verb.DELETE, Reason.REMOVED_FROM_MANIFEST, "IMa")
    assert action.before == {"author": "alice", "body": "text of a"}


def test_a_removed_key_whose_message_is_gone_is_forgotten() -> None:
    """There is nothing to delete, but the state must not keep it."""
    plan = applied(*messages("a", "b")).without("a").wanting(message("b")).plan()

    assert steps(plan) == [("a", "forget")]
    assert only(plan).reason is Reason.MISSING_REMOTELY


def test_a_message_that_another_key_stands_for_is_not_deleted() -> None:
    """Two addresses of one sid: letting go of one leaves the message to the other."""
    scene = applied(*messages("a", "b")).remembering(at("b"), sid="IMa").wanting(message("a"))

    assert steps(scene.plan()) == [("b", "forget")]
    assert only(scene.plan()).reason is Reason.REMOVED_FROM_MANIFEST


def test_deletes_come_last_in_the_order_in_which_they_stand() -> None:
    """People read them as the conversation reads."""
    scene = applied(*messages("c", "a", "b")).wanting(message("new"))

    assert steps(scene.plan()) == [("new", "create"), ("c", "delete"), ("a", "delete"), ("b", "delete")]


def test_a_protected_message_is_never_replaced() -> None:
    """`prevent_destroy` yields to no flag."""
    scene = applied(photo("a")).wanting(photo("a", "1", prevent_destroy=True))

    plan = scene.plan(max_delete=100, max_delete_percent=True)

    assert codes(plan.refusals) == ["prevent_destroy"]


def test_a_protected_message_may_be_changed() -> None:
    """Only losing it is forbidden."""
    assert applied(message("a")).wanting(message("a", body="new", prevent_destroy=True)).plan().applyable


def test_a_protected_message_is_not_destroyed_under_its_old_key() -> None:
    """The manifest protects it under a new one, which no apply has seen yet."""
    scene = applied(message("a")).wanting(message("b", body="text of a", prevent_destroy=True))

    assert codes(scene.plan(destroy=True).refusals) == ["prevent_destroy"]


def test_protection_goes_with_the_key() -> None:
    """A manifest without the key cannot say that it is protected, and the state does not know."""
    scene = applied(message("a", prevent_destroy=True), message("b")).wanting(message("b"))

    assert scene.plan().applyable


def test_media_that_was_sent_cannot_be_sent_again() -> None:
    """Twilio takes each `media_sid` once, so such a message cannot be posted again."""
    scene = applied(message("a", media_sid="ME1"))

    same = scene.plan(replace=(at("a"),))
    other = scene.wanting(message("a", media_sid="ME2")).plan()

    assert codes(same.refusals) == ["media_used"]
    assert other.applyable


def test_what_a_replacement_would_lose_is_said() -> None:
    """Text and media that the manifest never mentioned do not come along."""
    scene = (
        applied(message("a"), photo("b")).edited("a", media=(RemoteMedia("ME1"),)).edited("b", body="look")
    )

    plan = scene.plan(replace=(at("a"), at("b")))

    lost = {warning.address: warning.text for warning in plan.warnings if warning.code == "lost_by_replacing"}
    assert lost[at("a")].startswith("`media_sid` is not in the manifest")
    assert lost[at("b")].startswith("`body` is not in the manifest")


def test_a_template_loses_nothing_when_posted_again() -> None:
    """Its text is the server's, and comes again."""
    assert applied(message("a", content_sid="HX1")).plan(replace=(at("a"),)).warnings == ()


def test_what_is_rewritten_by_the_server_is_a_warning_not_a_change() -> None:
    """A webhook made something else of it, which was seen when it was sent."""
    scene = applied(message("a")).edited("a", body="TEXT OF A")
    scene = scene.remembering(at("a"), observed={"body": scene.state.digest("body", "TEXT OF A")})

    plan = scene.plan()

    assert plan.actions == ()
    assert codes(plan.warnings) == ["rewritten_by_server"]
    assert scene.plan(record=True).records == ()


def test_a_world_without_changes_never_asks_deepdiff(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the quick look nor the full comparison needs it."""
    monkeypatch.delattr(deepdiff, "DeepDiff")
    scene = applied(
        *messages("a"), message("b", attributes={"seen": 1}, ignore_changes=(("attributes", "seen"),))
    )

    assert scene.edited("b", attributes='{"seen": 2}').plan(record=True).actions == ()


@pytest.mark.parametrize("wanted", [{"order": Order.ANY}, {"order": Order.APPEND}])
def test_which_conversations_need_no_order_is_part_of_the_plan(wanted: dict[str, Order]) -> None:
    """Apply may post their messages side by side."""
    plan = found(message("a"), **wanted).plan()

    assert plan.unordered == ((AT,) if wanted["order"] is Order.ANY else ())


def test_a_plan_says_what_it_was_made_from() -> None:
    """Lineage and serial of the state, digest of the manifests, requests that reading took."""
    scene = applied(message("a")).knowing(serial=7).reading(requests=12)

    plan = scene.plan()

    assert (plan.lineage, plan.serial, plan.manifest_digest, plan.requests_read) == (
        "0" * 32,
        7,
        "sha256:0",
        12,
    )


def test_a_message_is_left_alone_while_its_dates_are_as_declared() -> None:
    """A date of the last edit that was never declared is not looked at."""
    scene: Scene = applied(message("a", date_created=CREATED)).edited("a", date_updated=LATER)

    assert scene.plan().actions == ()


@pytest.mark.parametrize(
    ("now", "moved"),
    [
        (("new", "one", "two", "three"), "2 messages"),
        (("two", "three"), "2 messages"),
        (("one", "new", "two", "three"), "1 message"),
        (("one", "two", "three", "new"), ""),
        (("one", "else", "three"), ""),
    ],
)
def test_rows_that_moved_are_told_by_the_texts_of_others(now: tuple[str, ...], moved: str) -> None:
    """A transcript without keys calls its rows by their numbers: the warning says why so much changes."""

    def rows(*bodies: str) -> list[Message]:
        return [message(str(number), body=body) for number, body in enumerate(bodies, start=1)]

    scene = applied(*rows("one", "two", "three")).wanting(*rows(*now))

    texts = [one.text for one in scene.plan().warnings if one.code == "row_numbers"]

    assert [text.partition(" would")[0] for text in texts] == ([moved] if moved else [])


def test_texts_that_move_between_named_keys_are_no_rows() -> None:
    """Who gave keys has meant it."""
    scene = applied(message("a", body="one"), message("b", body="two"))

    plan = scene.wanting(message("a", body="two"), message("b", body="one")).plan()

    assert "row_numbers" not in codes(plan.warnings)
