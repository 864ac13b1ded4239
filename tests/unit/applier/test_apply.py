"""Applying a plan to a server that is changed behind its back, refuses requests, or is left in the middle."""

from __future__ import annotations

from reconciler.emulator import Fault
from reconciler.emulator.faults import Invoke
from reconciler.plans.actions import Verb
from reconciler.plans.options import Options
from reconciler.plans.outcome import Status
from tests.support.desk import Desk, conversation, statuses, together

THREE = conversation("a: One", "b: Two", "c: Three")
OTHER = conversation("x: X", name="other")


def expect_three(desk: Desk) -> None:
    """The messages stand once and in order, and there is nothing left to do."""
    assert desk.bodies("c") == ["One", "Two", "Three"]
    assert not desk.plan(THREE).actions


# What others did since the plan was made


def test_update_of_a_message_that_is_gone_says_so(desk: Desk) -> None:
    """A 404 on update fails that action alone."""
    desk.apply(THREE)
    sid = desk.state.bindings["desk/c/b"].sid
    desk.fault(
        Fault(
            "update_message", Invoke(lambda: desk.emulator.store.messages.delete(desk.service_sid, "c", sid))
        )
    )

    outcome = desk.apply(conversation("a: One", "b: Deux", "c: Three", "d: Four"))

    assert statuses(outcome) == {"desk/c/b": Status.FAILED, "desk/c/d": Status.DONE}
    assert outcome.results[0].text == f"{sid} was deleted since the plan was made; plan again"


def test_delete_of_a_message_that_is_gone_is_done(desk: Desk) -> None:
    """A 404 on delete is what was wanted."""
    desk.apply(THREE)
    sid = desk.state.bindings["desk/c/b"].sid
    desk.fault(
        Fault(
            "delete_message", Invoke(lambda: desk.emulator.store.messages.delete(desk.service_sid, "c", sid))
        )
    )

    outcome = desk.apply(conversation("a: One", "c: Three"))

    assert statuses(outcome) == {"desk/c/b": Status.DONE}


def test_conversation_somebody_wrote_in_is_not_deleted(desk: Desk) -> None:
    """A message that came after the plan was made saves the conversation."""
    desk.apply(together(OTHER, THREE))

    def write() -> None:
        desk.post("c", "Wait")

    desk.fault(Fault("list_messages", Invoke(write), nth=3))

    outcome = desk.apply(OTHER, Options(max_delete=10))

    assert statuses(outcome)["desk/c"] is Status.FAILED
    assert desk.bodies("c") == ["One", "Two", "Three", "Wait"]


# Failures


def test_refused_create_stops_only_its_conversation(desk: Desk) -> None:
    """Later creates there are not reached; the other conversation is finished."""
    manifest = together(THREE, conversation("x: X", "y: Y", name="d"))
    desk.fault("create_message:1:400/50504")

    outcome = desk.apply(manifest)

    assert sorted(desk.conversations) == ["c", "d"]
    refused = [result for result in outcome.results if result.status is Status.FAILED]
    assert [(result.address, result.code) for result in refused] == [("desk/c/a", 50504)]
    assert statuses(outcome)["desk/c/b"] is Status.NOT_REACHED
    assert desk.bodies("c") == []
    assert desk.bodies("d") == ["X", "Y"]


def test_failed_create_spares_what_it_would_have_replaced(desk: Desk) -> None:
    """Under `strict`, too much stands rather than too little; the next apply finishes."""
    desk.apply(conversation("a: One", "b: Two", settings="order: strict"))
    manifest = conversation("new: Zero", "a: One", "b: Two", settings="order: strict")
    desk.fault("create_message:3:400")

    outcome = desk.apply(manifest, Options(max_delete=10))

    assert desk.bodies("c") == ["Two", "Zero", "One"]
    assert [result.status for result in outcome.results] == [Status.DONE, Status.DONE, Status.FAILED]
    desk.fault()
    desk.apply(manifest, Options(max_delete=10))
    assert desk.bodies("c") == ["Zero", "One", "Two"]


def test_boundary_that_cannot_be_read_fails_only_its_conversation(desk: Desk) -> None:
    """The tail of an existing conversation is unreadable: nothing is created in it."""
    desk.apply(THREE)
    desk.fault("list_messages:2:400")

    outcome = desk.apply(conversation("a: Uno", "b: Two", "c: Three", "d: Four", "e: Five"))

    assert statuses(outcome) == {
        "desk/c/a": Status.DONE,
        "desk/c/d": Status.FAILED,
        "desk/c/e": Status.NOT_REACHED,
    }


def test_results_come_in_the_order_of_the_plan(desk: Desk) -> None:
    """Whatever finished first."""
    desk.apply(THREE)
    manifest = conversation("z: New", "a: Uno", "b: Two", settings="order: any")

    outcome = desk.apply(manifest, Options(max_delete=5))

    assert [(result.address, result.verb) for result in outcome.results] == [
        ("desk/c/z", Verb.CREATE),
        ("desk/c/a", Verb.UPDATE),
        ("desk/c/c", Verb.DELETE),
    ]


def test_an_ignored_subject_is_remembered_as_it_was_sent(desk: Desk) -> None:
    """No reply shows it, so a change that was ignored must not pass for sent when another field is."""
    first = "{key: a, body: One, subject: s, lifecycle: {ignore_changes: [subject]}}"
    then = "{key: a, body: Two, subject: t, lifecycle: {ignore_changes: [subject]}}"
    desk.apply(conversation(first))
    desk.apply(conversation(then))

    assert not desk.plan(conversation(then)).actions
    assert not desk.plan(conversation("{key: a, body: Two, subject: s}")).actions
    assert desk.plan(conversation("{key: a, body: Two, subject: t}")).actions


# Being stopped


def test_stopping_lets_what_is_in_flight_finish(desk: Desk) -> None:
    """The create under way is recorded, nothing more is begun, and the rest is done by the next apply."""
    desk.fault(Fault("create_message", Invoke(lambda: desk.interrupts._on_signal(2)), nth=2))

    outcome = desk.apply(THREE)

    assert outcome.interrupted
    assert [result.status for result in outcome.results[2:]] == [
        Status.DONE,
        Status.DONE,
        Status.NOT_REACHED,
    ]
    assert not desk.state.intents
    desk.fault()
    desk.apply(THREE)
    expect_three(desk)


def test_stopping_ends_a_settlement(desk: Desk) -> None:
    """It is not waited for what a lost reply may have made: the intent stays open."""
    stop = Fault("list_messages", Invoke(lambda: desk.interrupts._on_signal(2)), nth=1)
    desk.fault("create_message:1:reset_before", stop)

    outcome = desk.apply(THREE, settle=3600)

    assert desk.elapsed < 60
    assert statuses(outcome)["desk/c/a"] is Status.UNKNOWN
    desk.fault()
    desk.apply(THREE)
    expect_three(desk)


def test_stopping_before_the_first_request_changes_nothing(desk: Desk) -> None:
    """Asked to stop while the boundary is read: no snapshot is written."""
    desk.apply(THREE)
    before = desk.state_path.read_bytes()
    desk.fault(Fault("list_messages", Invoke(lambda: desk.interrupts._on_signal(2)), nth=2))

    outcome = desk.apply(conversation("a: One", "b: Two", "c: Three", "d: Four"))

    assert outcome.interrupted
    assert statuses(outcome) == {"desk/c/d": Status.NOT_REACHED}
    assert desk.state_path.read_bytes() == before
