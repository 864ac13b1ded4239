"""Creates whose replies are lost, late or rewritten: nothing is doubled, and nothing lost."""

from __future__ import annotations

import pytest

from reconciler.emulator import Fault
from reconciler.emulator.faults import Invoke
from reconciler.plans.options import Options
from reconciler.plans.outcome import Status
from tests.support.desk import Desk, conversation, statuses

THREE = conversation("a: One", "b: Two", "c: Three")
SAME = conversation("a: Hello", "b: Hello", "c: Hello")


def expect_three(desk: Desk) -> None:
    """The messages stand once and in order, and there is nothing left to do."""
    assert desk.bodies("c") == ["One", "Two", "Three"]
    assert not desk.plan(THREE).actions


@pytest.mark.parametrize(
    "trouble",
    ["reset_after", "reset_before", "503_after", "503_html", "truncate", "wrong_type", "foreign_reply"],
)
@pytest.mark.parametrize("nth", [1, 2, 3])
def test_lost_reply_neither_doubles_nor_loses_a_message(desk: Desk, trouble: str, nth: int) -> None:
    """Whether the write happened is found out from the listing."""
    desk.fault(f"create_message:{nth}:{trouble}")

    outcome = desk.apply(THREE)

    assert {result.status for result in outcome.results} == {Status.DONE}
    expect_three(desk)


@pytest.mark.parametrize("trouble", ["reset_after", "reset_before"])
@pytest.mark.parametrize("nth", [1, 2, 3])
def test_lost_reply_among_messages_that_say_the_same(desk: Desk, trouble: str, nth: int) -> None:
    """An equal neighbour is never taken for the message that is looked for."""
    desk.fault(f"create_message:{nth}:{trouble}")

    desk.apply(SAME)

    assert desk.bodies("c") == ["Hello", "Hello", "Hello"]
    assert len({binding.sid for binding in desk.state.bindings.values()}) == 5


def test_unmanaged_message_that_says_the_same_is_left_alone(desk: Desk) -> None:
    """What stood below the boundary cannot be the message whose reply was lost."""
    desk.apply(conversation("first: Hello"))
    stranger = desk.post("c", "Hello")
    desk.fault("create_message:1:reset_before")

    desk.apply(conversation("first: Hello", "second: Hello"), Options(duplicate=True))

    assert desk.bodies("c") == ["Hello", "Hello", "Hello"]
    assert stranger not in {binding.sid for binding in desk.state.bindings.values()}


def test_write_that_shows_late_is_not_repeated(desk: Desk) -> None:
    """The server handles the request eight seconds after its connection broke."""
    desk.fault("create_message:2:delay=8")

    desk.apply(THREE, settle=10)

    expect_three(desk)


def test_listing_that_shows_late_is_not_believed(desk: Desk) -> None:
    """The message is there, but lists omit it for eight seconds."""
    desk.fault("create_message:2:reset_after", "list_messages:late=8")

    desk.apply(THREE, settle=10)

    desk.fault()
    expect_three(desk)


def test_late_write_that_also_shows_late_is_not_repeated(desk: Desk) -> None:
    """Both together last nine seconds: less than the settling time."""
    desk.fault("create_message:2:delay=4", "list_messages:late=5")

    desk.apply(SAME, settle=10)

    desk.fault()
    assert desk.bodies("c") == ["Hello", "Hello", "Hello"]
    assert not desk.plan(SAME).actions


def test_settling_looks_only_at_what_came_last(desk: Desk) -> None:
    """One lost reply costs one small request, however long the conversation is."""
    desk.apply(conversation(*(f"k{number}: {number}" for number in range(120))))
    desk.emulator.requests.clear()
    desk.fault("create_message:1:reset_after")

    desk.apply(conversation(*(f"k{number}: {number}" for number in range(121))))

    assert desk.count("list_messages") == 3  # the plan's, the boundary, the settlement
    assert len(desk.bodies("c")) == 121


def test_no_connection_sent_nothing(desk: Desk) -> None:
    """A refused connection is tried again without looking anything up."""
    desk.fault("create_message:2:no_connection")

    desk.apply(THREE)

    assert desk.count("list_messages") == 0
    expect_three(desk)


def test_side_by_side_creates_are_settled_together(desk: Desk) -> None:
    """Under `order: any` every third reply is lost, half of them after the write."""
    keys = [f"k{number}: Hello" for number in range(30)]
    desk.fault("create_message:every=3:reset_after", "create_message:every=5:reset_before")

    outcome = desk.apply(conversation(*keys, settings="order: any"))

    assert {result.status for result in outcome.results} == {Status.DONE}
    assert desk.bodies("c") == ["Hello"] * 30


def test_create_that_never_succeeds_is_reported_with_its_error(desk: Desk) -> None:
    """Sent again and again without effect, it failed; what follows is not reached."""
    desk.fault("create_message:reset_before")

    outcome = desk.apply(THREE, settle=0)

    assert [result.status for result in outcome.results[2:]] == [
        Status.FAILED,
        Status.NOT_REACHED,
        Status.NOT_REACHED,
    ]
    assert "broke" in outcome.results[2].text
    assert not desk.state.intents


def test_outcome_that_cannot_be_looked_up_stays_unknown(desk: Desk) -> None:
    """No listing is to be had: nothing is sent again, and the next apply finds the message."""
    desk.fault("create_message:2:reset_after", "list_messages:503")

    outcome = desk.apply(THREE)

    assert statuses(outcome)["desk/c/b"] is Status.UNKNOWN
    assert statuses(outcome)["desk/c/c"] is Status.NOT_REACHED
    assert list(desk.state.intents) == ["desk/c/b"]
    desk.fault()
    desk.apply(THREE)
    expect_three(desk)


@pytest.mark.parametrize(
    ("server", "own", "waits"), [(0, 0, True), (1, 1, False), (1, 0, True), (0, 1, True), (1, -1, True)]
)
def test_only_an_old_intent_is_believed_not_to_have_happened_at_once(
    desk: Desk, server: int, own: int, *, waits: bool
) -> None:
    """No request of an hour ago is still under way; it is old if it is so by both clocks: one may jump."""
    desk.apply(conversation("a: One"))
    unreadable = Fault("create_message", Invoke(desk.fault_more("list_messages:403")))
    desk.fault(unreadable, "create_message:1:reset_before")
    assert statuses(desk.apply(THREE))["desk/c/b"] is Status.UNKNOWN
    desk.fault()
    desk.set_clock(server)
    desk.set_clock(own, whose="own")
    before = desk.elapsed

    desk.apply(THREE, settle=10)

    expect_three(desk)
    assert (desk.elapsed - before >= 10) == waits


# Webhooks


HOOKED = conversation("{key: a, body: One, webhooks: true}", "{key: b, body: Two, webhooks: true}")


def test_rewritten_message_without_a_reply_is_unknown(desk: Desk) -> None:
    """A hook may have made anything of it, so nothing is guessed; the plan names the way out."""
    desk.fault("create_message:1:reset_after", "create_message:1:rewrite_body=Censored")

    outcome = desk.apply(HOOKED)

    assert statuses(outcome)["desk/c/a"] is Status.UNKNOWN
    assert desk.bodies("c") == ["Censored"]
    plan = desk.plan(HOOKED)
    refusal = next(one for one in plan.refusals if one.code == "unknown_outcome")
    assert "`reconciler import desk/c/a SID`" in refusal.hint
    assert "`reconciler state rm desk/c/a`" in refusal.hint
    assert not plan.settlements


def test_lost_reply_under_webhooks_with_nothing_new_is_no_riddle(desk: Desk) -> None:
    """Nothing stands above the boundary, so nothing was written."""
    desk.fault("create_message:1:reset_before")

    outcome = desk.apply(HOOKED)

    assert {result.status for result in outcome.results} == {Status.DONE}
    assert desk.bodies("c") == ["One", "Two"]


def test_rewritten_reply_is_a_warning_and_no_change(desk: Desk) -> None:
    """What the reply says is kept as observed: the next plan is empty."""
    desk.fault("create_message:1:rewrite_body=Censored")

    outcome = desk.apply(HOOKED)

    assert [(one.code, one.address) for one in outcome.warnings] == [("rewritten_by_server", "desk/c/a")]
    plan = desk.plan(HOOKED)
    assert not plan.actions
    assert "rewritten_by_server" in {warning.code for warning in plan.warnings}
