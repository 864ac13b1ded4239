"""Applying a plan to a server that loses replies, answers late, and is changed behind its back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from reconciler.emulator import Fault
from reconciler.emulator.faults import Invoke
from reconciler.plans.actions import Verb
from reconciler.plans.options import Options
from reconciler.plans.outcome import Status
from tests.support.desk import Desk, NotApplyable, conversation, statuses, together

THREE = conversation("a: One", "b: Two", "c: Three")
OTHER = conversation("x: X", name="other")
SAME = conversation("a: Hello", "b: Hello", "c: Hello")


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """An emulator with nothing in it."""
    with Desk(tmp_path) as made:
        yield made


def expect_three(desk: Desk) -> None:
    """The messages stand once and in order, and there is nothing left to do."""
    assert desk.bodies("c") == ["One", "Two", "Three"]
    assert not desk.plan(THREE).actions


# Replies that never come


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


# Parents


@pytest.mark.parametrize("trouble", ["reset_after", "reset_before", "delay=5", "503_after"])
@pytest.mark.parametrize("kind", ["create_service", "create_conversation"])
def test_lost_reply_does_not_double_a_parent(desk: Desk, kind: str, trouble: str) -> None:
    """A service is found by not having been there, a conversation by its unique name."""
    desk.fault(f"{kind}:1:{trouble}")

    desk.apply(THREE)

    expect_three(desk)
    assert desk.conversations == ["c"]
    assert desk.state.bindings["desk"].created
    assert desk.state.bindings["desk/c"].created


def test_unique_name_that_is_taken_meanwhile_is_not_written_into(desk: Desk) -> None:
    """Somebody made a conversation of that name, with a message in it, after the plan was made."""
    desk.apply(OTHER)

    def interfere() -> None:
        store = desk.emulator.store
        store.conversations.create(desk.service_sid, {"UniqueName": "c"})
        store.messages.create(desk.service_sid, "c", {"Body": "One"})

    desk.fault(Fault("create_conversation", Invoke(interfere), nth=1))
    both = together(OTHER, THREE)

    outcome = desk.apply(both)

    assert statuses(outcome)["desk/c"] is Status.FAILED
    assert statuses(outcome)["desk/c/a"] is Status.NOT_REACHED
    assert desk.bodies("c") == ["One"]
    with pytest.raises(NotApplyable, match="stands there already"):
        desk.apply(both)


@pytest.mark.parametrize("gone_first", [False, True])
def test_what_an_address_superseded_is_not_lost_sight_of_when_the_address_goes(
    desk: Desk, *, gone_first: bool
) -> None:
    """An old message whose deletion failed is still known, and goes with the next apply."""
    strict = [conversation(*keys, settings="order: strict") for keys in (("a: A", "b: B"), ("b: B", "a: A"))]
    anything = Options(max_delete=100, max_delete_percent=True)
    desk.apply(strict[0])
    desk.fault("delete_message:403")
    desk.apply(strict[1], anything)
    assert desk.bodies("c") == ["A", "B", "A"]
    if gone_first:
        desk.emulator.store.messages.delete(desk.service_sid, "c", desk.messages("c")[-1]["sid"])
    desk.fault("delete_message:1:403")
    desk.apply(conversation("b: B", settings="order: strict"), anything)

    desk.fault()
    desk.apply(conversation("b: B", settings="order: strict"), anything)

    assert desk.bodies("c") == ["B"]
    assert list(desk.state.bindings) == ["desk", "desk/c", "desk/c/b"]


@pytest.mark.parametrize("hours", [-1, 1])
def test_created_parent_is_known_for_ours_whatever_our_clock_says(desk: Desk, hours: int) -> None:
    """What the server dates is compared with its time: else destroy would leave the conversation behind."""
    desk.set_clock(hours)
    desk.fault("create_conversation:1:reset_after")

    desk.apply(THREE)

    assert desk.state.bindings["desk/c"].created


def test_conversation_that_was_deleted_is_made_again_with_its_messages(desk: Desk) -> None:
    """The bindings lead to what is gone; the new ones replace them."""
    desk.apply(THREE)
    desk.emulator.store.conversations.delete(desk.service_sid, "c")
    desk.fault("create_message:2:reset_after")

    desk.apply(THREE, Options(allow_recreate=True))

    expect_three(desk)
    assert all(not binding.superseded for binding in desk.state.bindings.values())


def test_service_that_was_deleted_is_made_again(desk: Desk) -> None:
    """With its conversations and their messages."""
    desk.apply(THREE)
    desk.emulator.store.services.delete(desk.service_sid)
    desk.fault("create_service:1:reset_after", "create_conversation:1:reset_after")

    desk.apply(THREE, Options(allow_recreate=True))

    expect_three(desk)


def test_found_conversation_is_updated_and_filled(desk: Desk) -> None:
    """A conversation that others made gets what the manifest says, and is bound as found."""
    desk.apply(OTHER)
    desk.emulator.store.conversations.create(desk.service_sid, {"UniqueName": "c", "FriendlyName": "Theirs"})
    manifest = together(OTHER, conversation("a: One", settings="friendly_name: Ours"))

    desk.apply(manifest)

    assert desk.bodies("c") == ["One"]
    assert not desk.state.bindings["desk/c"].created
    assert not desk.plan(manifest).actions


def test_messages_of_a_found_conversation_go_when_it_leaves_the_manifest(desk: Desk) -> None:
    """The conversation stays, what was managed in it is deleted, and nothing stays bound."""
    desk.apply(OTHER)
    desk.emulator.store.conversations.create(desk.service_sid, {"UniqueName": "c"})
    desk.apply(together(OTHER, THREE))

    desk.apply(OTHER)

    assert desk.conversations == ["other", "c"]
    assert desk.bodies("c") == []
    assert sorted(desk.state.bindings) == ["desk", "desk/other", "desk/other/x"]


def test_failed_delete_keeps_the_conversation_bound(desk: Desk) -> None:
    """What could not be deleted is deleted by the next apply."""
    desk.apply(OTHER)
    desk.emulator.store.conversations.create(desk.service_sid, {"UniqueName": "c"})
    desk.apply(together(OTHER, THREE))
    desk.fault("delete_message:1:403")
    desk.apply(OTHER)
    assert len(desk.bodies("c")) == 1
    desk.fault()

    desk.apply(OTHER)

    assert desk.bodies("c") == []


def test_conversation_is_not_forgotten_before_what_was_managed_in_it_is_gone(desk: Desk) -> None:
    """It holds a stranger's message, so it stays; a message of ours in it could not be deleted."""
    desk.apply(together(OTHER, THREE))
    desk.post("c", "Mine")
    desk.fault("delete_message:1:403")
    outcome = desk.apply(OTHER, Options(max_delete=10))
    assert statuses(outcome)["desk/c"] is Status.NOT_REACHED
    desk.fault()

    desk.apply(OTHER, Options(max_delete=10))

    assert desk.bodies("c") == ["Mine"]
    assert sorted(desk.state.bindings) == ["desk", "desk/other", "desk/other/x"]


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
