"""Settling a create without a reply where reads fail or lag, text is normalised, and others post the same."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest

from reconciler.emulator import Fault
from reconciler.emulator.faults import Invoke
from reconciler.plans.actions import Reason
from reconciler.plans.options import Options
from reconciler.plans.outcome import Status
from tests.support.desk import Desk, NotApplyable, conversation, statuses
from tests.support.mortal import Death, MortalFiles, PowerOff

THREE = conversation("a: One", "b: Two", "c: Three")
A = "desk/c/a"
DATED = conversation("{key: a, body: Hello, date_created: 2026-01-05T09:00:00Z}", "b: Bye")


# Looks that fail


@pytest.mark.parametrize("trouble", ["reset_after", "503_after", "reset_before"])
@pytest.mark.parametrize("nth", ["1", "every=1"])
def test_reads_of_a_new_conversation_that_answer_404_decide_nothing(
    desk: Desk, trouble: str, nth: str
) -> None:
    """Its replica is half a second behind: each message stands once, or its create failed."""
    desk.fault("*:stale=0.5", f"create_message:{nth}:{trouble}")

    desk.apply(THREE, settle=3)

    desk.fault()
    assert desk.bodies("c") in (["One", "Two", "Three"], [])
    desk.apply(THREE)
    assert desk.bodies("c") == ["One", "Two", "Three"]


@pytest.mark.parametrize("kind", ["create_service", "create_conversation", "create_participant"])
def test_reads_that_lag_do_not_double_a_parent_or_lose_a_participant(desk: Desk, kind: str) -> None:
    """Everything in the account is new, and its replica two seconds behind."""
    wanted = conversation("a: One", settings="participants: [{identity: alice}]")
    desk.fault("*:stale=2", f"{kind}:1:reset_after")

    outcome = desk.apply(wanted, settle=5)

    desk.fault()
    assert set(statuses(outcome).values()) == {Status.DONE}
    assert desk.bodies("c") == ["One"]
    assert all(binding.created for at, binding in desk.state.bindings.items() if at != A)
    assert not desk.plan(wanted).actions


def test_a_conversation_that_is_gone_the_whole_time_closes_its_intents(desk: Desk) -> None:
    """Somebody deleted it under our hands: nothing is sent again, and the error says what to do."""
    desk.apply(conversation("a: One"))

    def demolish() -> None:
        desk.emulator.store.conversations.delete(desk.service_sid, "c")

    sid = desk.state.bindings["desk/c"].sid
    desk.fault(Fault("create_message", Invoke(demolish), nth=1), "create_message:1:reset_before")
    desk.emulator.requests.clear()

    outcome = desk.apply(THREE)

    assert [(one.status, one.text) for one in outcome.results] == [
        (Status.FAILED, f"{sid} is gone; plan again"),
        (Status.NOT_REACHED, ""),
    ]
    assert desk.count("create_message") == 1
    assert not desk.state.intents


def test_a_conversation_that_is_gone_settles_what_a_killed_run_left(desk: Desk) -> None:
    """It is 404 for the whole of the window, so nothing of the create is left."""
    desk.apply(conversation("a: One"))
    desk.fault(Fault("create_message", Invoke(desk.fault_more("list_messages:503"))), "create_message:503")
    assert statuses(desk.apply(THREE))["desk/c/b"] is Status.UNKNOWN
    desk.fault()
    desk.emulator.store.conversations.delete(desk.service_sid, "c")

    desk.apply(THREE, Options(allow_recreate=True))

    assert desk.bodies("c") == ["One", "Two", "Three"]


def test_not_found_counts_only_if_the_last_look_succeeded(desk: Desk) -> None:
    """The first look finds nothing, as the write comes late, and the others fail."""
    fails = Fault("list_messages", Invoke(desk.fault_more("list_messages:503")), nth=1)
    desk.fault("create_message:1:delay=4", fails)

    outcome = desk.apply(THREE, settle=3)

    assert statuses(outcome)[A] is Status.UNKNOWN
    assert desk.count("create_message") == 1
    desk.fault()
    desk.apply(THREE)
    assert desk.bodies("c") == ["One", "Two", "Three"]


def test_a_look_that_fails_in_between_is_made_again(desk: Desk) -> None:
    """Half of them fail: the message, which shows late, is found by another."""
    desk.fault("create_message:1:delay=4", "list_messages:every=2:403")

    outcome = desk.apply(THREE, settle=10)

    assert set(statuses(outcome).values()) == {Status.DONE}
    assert desk.bodies("c") == ["One", "Two", "Three"]


@pytest.mark.parametrize("kind", ["create_message", "create_conversation", "create_service"])
def test_one_create_is_sent_again_three_times_at_most(desk: Desk, kind: str) -> None:
    """Each time it turned out to be nothing; then it failed."""
    desk.fault(f"{kind}:reset_before")

    outcome = desk.apply(THREE, settle=1)

    assert desk.count(kind) == 4
    assert [one.status for one in outcome.results].count(Status.FAILED) == 1
    assert not desk.state.intents


@pytest.mark.parametrize("kind", ["list_messages", "list_conversations"])
def test_a_parent_is_deleted_once_a_lagging_read_shows_what_is_inside(desk: Desk, kind: str) -> None:
    """Every second read is answered with 404."""
    desk.apply(THREE)
    desk.fault(f"{kind}:2:404/20404", f"{kind}:3:404/20404")

    outcome = desk.apply(THREE, Options(destroy=True))

    assert set(statuses(outcome).values()) == {Status.DONE}
    assert desk.conversations == []
    assert desk._rows("SELECT sid FROM services") == []
    assert not desk.state.bindings


# A server that normalises


@pytest.mark.parametrize(
    "body", ["Hello\\n", "  Hello", "one\\r\\ntwo", "one\\rtwo\\n\\n", "cafe\\u0301", "\\u00a0x\\t"]
)
def test_a_normalised_message_without_a_reply_is_ours(desk: Desk, body: str) -> None:
    """It is the only one, by the same author; what the server made of it is no drift."""
    wanted = conversation(f'{{key: a, author: Alice, body: "{body}"}}', "b: Bye")
    desk.fault("create_message:tidy_text", "update_message:tidy_text", "create_message:1:reset_after")

    outcome = desk.apply(wanted, settle=1)

    assert set(statuses(outcome).values()) == {Status.DONE}
    assert [one.code for one in outcome.warnings] == ["rewritten_by_server"]
    assert len(desk.bodies("c")) == 2
    assert not desk.plan(wanted).actions


@pytest.mark.parametrize("settle", [0, 1])
def test_another_case_of_the_author_is_a_doubt(desk: Desk, settle: float) -> None:
    """Identities are case-sensitive: it may be somebody else's, so nothing is bound or sent again."""
    wanted = conversation("{key: a, author: Alice, body: Hello}", "b: Bye")
    desk.fault("create_message:fold_author", "create_message:1:reset_after")

    outcome = desk.apply(wanted, settle=settle)

    assert statuses(outcome)[A] is Status.UNKNOWN
    assert desk.bodies("c") == ["Hello"]
    (refusal,) = [one for one in desk.plan(wanted).refusals if one.code == "unknown_outcome"]
    assert refusal.text.endswith("says nearly the same, but has another author")


def test_two_normalised_messages_are_a_doubt(desk: Desk) -> None:
    """A stranger posted nearly the same in that moment."""
    desk.fault(
        "create_message:tidy_text",
        Fault("create_message", Invoke(lambda: desk.post("c", "Hello ")), nth=1),
        "create_message:1:reset_after",
    )

    outcome = desk.apply(conversation('{key: a, body: "Hello\\n"}'), settle=1)

    assert statuses(outcome)[A] is Status.UNKNOWN
    assert desk.bodies("c") == ["Hello ", "Hello"]


# Whose it is


def test_of_equal_messages_the_one_with_the_declared_date_is_ours(desk: Desk) -> None:
    """A stranger's has the lower index, and another date."""
    desk.fault(
        Fault("create_message", Invoke(lambda: desk.post("c", "Hello")), nth=1),
        "create_message:1:reset_after",
    )

    desk.apply(DATED)

    assert desk.bodies("c") == ["Hello", "Hello", "Bye"]
    assert desk.state.bindings[A].index == 1


def test_only_a_message_with_another_date_is_a_doubt(desk: Desk) -> None:
    """Our create never came; what a stranger posted is not taken, and nothing is posted beside it."""
    desk.fault(
        Fault("create_message", Invoke(lambda: desk.post("c", "Hello")), nth=1),
        "create_message:1:reset_before",
    )

    outcome = desk.apply(DATED)

    assert statuses(outcome)[A] is Status.UNKNOWN
    assert desk.bodies("c") == ["Hello"]
    (refusal,) = [one for one in desk.plan(DATED).refusals if one.code == "unknown_outcome"]
    assert refusal.text.endswith("says the same, but has another date")


def test_what_somebody_changed_in_a_message_found_later_is_drift(desk: Desk) -> None:
    """The server did not do it, so the next apply mends it."""
    wanted = conversation("{key: a, body: Hello, date_updated: 2026-01-05T09:00:00Z}")

    def meddle() -> None:
        (message,) = desk.messages("c")
        changes = {"DateUpdated": "2026-02-05T09:00:00Z"}
        desk.emulator.store.messages.update(desk.service_sid, "c", message["sid"], changes)

    desk.fault(Fault("create_message", Invoke(meddle, after=True), nth=1), "create_message:1:reset_after")
    desk.apply(wanted)

    plan = desk.plan(wanted)

    assert [(action.address, action.reason) for action in plan.actions] == [(A, Reason.DRIFTED)]
    desk.apply(wanted)
    assert desk.messages("c")[0]["date_updated"] == "2026-01-05T09:00:00Z"


def test_of_a_run_whose_journal_is_lost_no_message_stands_below_one_that_was_posted_before(
    desk: Desk,
) -> None:
    """Somebody posted the second text before our first one; the process died before our second one."""
    desk.apply(conversation("z: Zero"))
    wanted = conversation("z: Zero", "a: One", "b: Two")
    death = Death("request", 1, torn=False)
    desk.fault(
        Fault("create_message", Invoke(lambda: desk.post("c", "Two")), nth=1),
        Fault("create_message", Invoke(death.request), nth=2),
    )
    with suppress(PowerOff):
        desk.apply(wanted, files=MortalFiles(death))
    desk.fault()
    Path(f"{desk.state_path}.journal").unlink()
    desk.elapsed += 60

    with pytest.raises(NotApplyable, match="stands before what was posted first"):
        desk.apply(wanted)

    assert desk.bodies("c") == ["Zero", "Two", "One"]
    desk.close_intent("desk/c/b")
    desk.apply(wanted, Options(duplicate=True))
    assert desk.bodies("c") == ["Zero", "Two", "One", "Two"]
