"""Saved plans: what is carried out is what was reviewed, once, whatever became of the state meanwhile.

Cases of one that would double a message: the state is put back after the apply ended, or failed; two folders
have copies of it; there was none when the plan was made; somebody else posted the text, as it is or as a
server normalises it.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from reconciler.errors import PlanError
from reconciler.plans.options import Options
from reconciler.plans.outcome import Status
from tests.support.desk import Desk, conversation, statuses

FIVE = ("a: Hello", "b: Hello", "c: How are you?", "d: Hello", "e: Bye")


def expect_refusal(desk: Desk, saved: bytes, match: str, state: Path | None = None) -> None:
    """Apply a saved plan, which must be refused and leave all as it is."""
    before = {name: desk.bodies(name) for name in desk.conversations}
    kept = desk.state_path.read_bytes() if desk.state_path.exists() else b""
    with pytest.raises(PlanError, match=match):
        desk.apply_saved(saved, state=state)
    assert {name: desk.bodies(name) for name in desk.conversations} == before
    assert (desk.state_path.read_bytes() if desk.state_path.exists() else b"") == kept


@pytest.mark.parametrize("trouble", ["", "create_message:3:400/50500"], ids=["ended well", "failed"])
def test_a_state_that_is_put_back_doubles_nothing(desk: Desk, trouble: str) -> None:
    """The saved plan fits the state again, and what it would create stands there already."""
    desk.apply(conversation("first: Welcome"))
    saved = desk.save(conversation("first: Welcome", *FIVE))
    old = desk.state_path.read_bytes()
    desk.fault(*([trouble] if trouble else []))
    desk.apply_saved(saved)
    desk.fault()

    desk.state_path.write_bytes(old)

    expect_refusal(desk, saved, "stale plan: what `desk/c/a` would create was posted since it was made: IM")


def test_two_folders_with_copies_of_the_state_post_once(desk: Desk) -> None:
    """The second to apply the plan finds what the first one did."""
    desk.apply(conversation("first: Welcome"))
    saved = desk.save(conversation("first: Welcome", *FIVE))
    other = desk.folder / "copy.json"
    shutil.copy(desk.state_path, other)
    desk.apply_saved(saved)

    expect_refusal(desk, saved, "was posted since", state=other)


@pytest.mark.parametrize(
    ("there", "match"),
    [
        ("", "`desk` is not as it was"),
        ("d", "`desk/c` is not as it was"),
        ("c", "`desk/c/a` would create was"),
    ],
    ids=["nothing", "the service", "the conversation"],
)
def test_two_folders_without_a_state_post_once(desk: Desk, there: str, match: str) -> None:
    """What was there when it was planned does not matter: the second finds what the first one made."""
    if there:
        desk.apply(conversation("first: Welcome", name=there))
        desk.state_path.unlink()
    saved = desk.save(conversation(*FIVE))
    desk.apply_saved(saved)
    desk.state_path.unlink()

    expect_refusal(desk, saved, match)


@pytest.mark.parametrize(
    "settings", ["", "order: any", "unmanaged: delete", "order: strict"], ids=lambda text: text or "append"
)
@pytest.mark.parametrize("body", ["How are you?", " How are you?\r\n"], ids=["as it is", "normalised"])
def test_what_somebody_else_posted_since_is_not_doubled(desk: Desk, settings: str, body: str) -> None:
    """Whatever the order, and whatever becomes of what is not managed: nobody has reviewed it."""
    desk.apply(conversation("first: Welcome", settings=settings))
    saved = desk.save(conversation("first: Welcome", *FIVE, settings=settings))

    desk.post("c", body)

    expect_refusal(desk, saved, "stale plan: what `desk/c/c` would create was posted since")


def test_a_replacement_is_not_doubled(desk: Desk) -> None:
    """Applied, and the state put back: the old message is gone, or, if that failed, the new one is there."""
    desk.apply(conversation("{key: a, body: Hello}", "b: Bye"))
    saved = desk.save(conversation("{key: a, body: Hello}", "b: Bye"), Options(replace=("desk/c/a",)))
    old = desk.state_path.read_bytes()
    desk.fault("delete_message:1:400/50107")
    desk.apply_saved(saved)
    desk.fault()

    desk.state_path.write_bytes(old)

    expect_refusal(desk, saved, "what `desk/c/a` would create was posted since")


def test_what_was_there_when_it_was_planned_may_be_doubled(desk: Desk) -> None:
    """`--duplicate` is about what the plan saw; applied again, it would double its own messages."""
    desk.apply(conversation("first: Welcome"))
    desk.post("c", "Hello")
    saved = desk.save(conversation("first: Welcome", "a: Hello"), Options(duplicate=True))
    old = desk.state_path.read_bytes()
    desk.apply_saved(saved)
    assert desk.bodies("c") == ["Welcome", "Hello", "Hello"]

    desk.state_path.write_bytes(old)

    expect_refusal(desk, saved, "what `desk/c/a` would create was posted since")


def test_another_text_does_not_stand_in_the_way(desk: Desk) -> None:
    """A conversation in which people write can still be planned in."""
    desk.apply(conversation("first: Welcome"))
    saved = desk.save(conversation("first: Welcome", "a: Hello"))
    desk.post("c", "Hello!")
    desk.post("c", "Hello", Author="zoe")

    desk.apply_saved(saved)

    assert desk.bodies("c") == ["Welcome", "Hello!", "Hello", "Hello"]


def test_the_date_of_a_timeline_does_not_tell_two_messages_apart(desk: Desk) -> None:
    """Two plans made an hour apart, without a state: the second finds what the first one posted."""
    desk.apply(conversation("first: Welcome"))
    desk.state_path.unlink()
    wanted = conversation("a: Hello", settings="timeline: {start: -2d}")
    one = desk.save(wanted)
    desk.elapsed += 3600
    two = desk.save(wanted)
    desk.apply_saved(one)
    desk.state_path.unlink()

    expect_refusal(desk, two, "what `desk/c/a` would create was posted since")


def test_an_apply_in_one_go_does_not_double_what_came_while_it_was_reviewed(desk: Desk) -> None:
    """Between the plan and the answer `yes` there is time."""
    desk.apply(conversation("first: Welcome"))

    with pytest.raises(PlanError, match="what `desk/c/a` would create was posted since"):
        desk.apply(conversation("first: Welcome", "a: Hello"), reviewed=lambda: desk.post("c", "Hello"))

    assert desk.bodies("c") == ["Welcome", "Hello"]


@pytest.mark.parametrize("vanished", ["conversation", "service"])
def test_what_vanished_is_made_again(desk: Desk, vanished: str) -> None:
    """What the plan itself creates has no sid, whatever the state remembers."""
    wanted = conversation(*FIVE, settings="participants: [{identity: alice}]")
    desk.apply(wanted)
    store, service = desk.emulator.store, desk.service_sid
    if vanished == "service":
        store.services.delete(service)
    else:
        store.conversations.delete(service, "c")
    saved = desk.save(wanted)

    outcome = desk.apply_saved(saved)

    assert set(statuses(outcome).values()) == {Status.DONE}
    assert desk.bodies("c") == ["Hello", "Hello", "How are you?", "Hello", "Bye"]
    assert desk.plan(wanted).actions == ()


PEOPLE = (
    "friendly_name: Old; attributes: {n: 1}; "
    "participants: [{identity: alice, attributes: {n: 1}}, {identity: bob}]"
)
CHANGES = "friendly_name: New; attributes: {n: 1}; participants: [{identity: alice, attributes: {n: 2}}]"


@pytest.mark.parametrize(
    ("who", "fields", "match"),
    [
        ("c", {"FriendlyName": "Theirs"}, "`desk/c` is not as it was: CH.* its `friendly_name`"),
        ("c", {"Attributes": '{"n": 2}'}, "`desk/c` is not as it was: CH.* changed since: it"),
        ("alice", {"Attributes": '{"n": 3}'}, "participants/.* is not as it was: MB.* its `attributes`"),
        ("alice", None, "participants/.* is not as it was: MB.* is gone"),
        ("bob", None, "participants/.* is not as it was: MB.* is gone"),
    ],
    ids=["name", "attributes", "a person's attributes", "a person who left", "who is to leave"],
)
def test_what_somebody_else_changed_since_is_not_overwritten(
    desk: Desk, who: str, fields: dict[str, str] | None, match: str
) -> None:
    """Of a conversation and of people: the name of what changed is in the error."""
    desk.apply(conversation("a: Hello", settings=PEOPLE))
    saved = desk.save(conversation("a: Hello", settings=CHANGES))
    store, service = desk.emulator.store, desk.service_sid
    if who == "c":
        store.conversations.update(service, "c", fields or {})
    elif fields:
        store.participants.update(service, "c", who, fields)
    else:
        store.participants.delete(service, "c", who)

    expect_refusal(desk, saved, match)


def test_a_living_conversation_makes_no_plan_stale(desk: Desk) -> None:
    """Somebody joins, reads and writes, and what nobody manages changes."""
    desk.apply(conversation("a: Hello", settings=PEOPLE))
    wanted = conversation("a: Hi", settings=CHANGES)
    saved = desk.save(wanted)
    store, service = desk.emulator.store, desk.service_sid
    store.participants.create(service, "c", {"Identity": "zoe"})
    store.participants.update(service, "c", "alice", {"LastReadMessageIndex": "0"})
    store.conversations.update(service, "c", {"State": "inactive"})
    desk.post("c", "How are you?", Author="zoe")

    outcome = desk.apply_saved(saved)

    assert set(statuses(outcome).values()) == {Status.DONE}
    assert desk.plan(wanted).actions == ()


def test_somebody_who_came_since_is_not_taken_over(desk: Desk) -> None:
    """Nobody has reviewed that their role and attributes would be changed."""
    desk.apply(conversation("a: Hello"))
    saved = desk.save(
        conversation("a: Hello", settings="participants: [{identity: alice, attributes: {n: 1}}]")
    )
    desk.emulator.store.participants.create(desk.service_sid, "c", {"Identity": "alice"})

    expect_refusal(desk, saved, "participants/.* is not as it was: it exists by now")


def test_a_conversation_that_is_gone_gets_no_messages(desk: Desk) -> None:
    """The plan posts in it, and does not make it again."""
    desk.apply(conversation("a: Hello"))
    saved = desk.save(conversation("a: Hello", "b: Bye"))
    desk.emulator.store.conversations.delete(desk.service_sid, "c")

    expect_refusal(desk, saved, "`desk/c` is not as it was: it is gone")


@pytest.mark.parametrize("change", ["name", "gone"])
def test_a_conversation_is_not_deleted_once_it_changed(desk: Desk, change: str) -> None:
    """Of what is to be deleted, the managed fields count."""
    desk.apply(conversation("a: Hello", settings="friendly_name: Old"))
    saved = desk.save("version: 1\nservices: {desk: {}}\n", Options(max_delete=10))
    store = desk.emulator.store
    if change == "name":
        store.conversations.update(desk.service_sid, "c", {"FriendlyName": "Mine now"})
    else:
        store.conversations.delete(desk.service_sid, "c")

    expect_refusal(desk, saved, "stale plan: `desk/c")


@pytest.mark.parametrize("saved", [False, True], ids=["in one go", "saved"])
@pytest.mark.parametrize(
    "wanted",
    [
        conversation("a: Hello", "b: Bye"),
        conversation("a: Hi"),
        conversation("a: Hello", settings="participants: [{identity: zoe}]"),
    ],
    ids=["create", "update", "participant"],
)
def test_a_conversation_that_was_closed_since_is_named(desk: Desk, wanted: str, saved: bool) -> None:  # noqa: FBT001
    """Nothing of it was to be changed itself, so only the request tells."""
    desk.apply(conversation("a: Hello"))

    def close() -> None:
        desk.emulator.store.conversations.update(desk.service_sid, "c", {"State": "closed"})

    if saved:
        plan = desk.save(wanted)
        close()
        outcome = desk.apply_saved(plan)
    else:
        outcome = desk.apply(wanted, reviewed=close)

    (refused,) = outcome.results
    assert (refused.status, refused.kind) == (Status.FAILED, "stale")
    assert refused.text == "its conversation was closed since the plan was made; plan again"
    assert not desk.open_intents()
