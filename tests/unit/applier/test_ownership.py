"""Whose a conversation or a participant is that was made while a plan was carried out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from reconciler.emulator import Fault
from reconciler.emulator.faults import Invoke
from reconciler.plans.actions import Action, Reason, Verb
from reconciler.plans.options import Options
from reconciler.plans.outcome import Status
from tests.support.desk import Desk, conversation, statuses, together

OTHER = conversation("x: X", name="other")
OURS = conversation("a: One", settings="friendly_name: Ours; participants: [{identity: alice}]")
BOTH = together(OTHER, OURS)
ALICE = "desk/c/participants/alice"
DESTROY = Options(destroy=True)


class PowerOff(BaseException):
    """The process is gone."""


def die() -> None:
    """Be gone."""
    raise PowerOff


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """An emulator with one service and a conversation."""
    with Desk(tmp_path) as made:
        made.apply(OTHER)
        yield made


def interfere(desk: Desk, *people: dict[str, str]) -> None:
    """Make the conversation as somebody else, with *people* in it."""
    desk.emulator.store.conversations.create(desk.service_sid, {"UniqueName": "c", "FriendlyName": "Theirs"})
    for person in people:
        desk.emulator.store.participants.create(desk.service_sid, "c", person)


# Conversations


@pytest.mark.parametrize("people", [(), ({"Identity": "customer"},)])
def test_a_409_on_the_first_send_means_that_it_is_somebody_elses(
    desk: Desk, people: tuple[dict[str, str], ...]
) -> None:
    """It gets what the manifest says, and destroy leaves it with whoever is in it."""
    desk.fault(Fault("create_conversation", Invoke(lambda: interfere(desk, *people)), nth=1))

    outcome = desk.apply(BOTH)

    assert set(statuses(outcome).values()) == {Status.DONE}
    assert [one.code for one in outcome.warnings] == ["found_meanwhile"]
    assert not desk.state.bindings["desk/c"].created
    assert not desk.plan(BOTH).actions
    desk.fault()
    desk.apply(BOTH, DESTROY)
    assert desk.conversations == ["c"]
    assert desk.bodies("c") == []


def test_a_409_after_a_lost_reply_is_ours(desk: Desk) -> None:
    """The first create did happen, though no read shows it for longer than the settle window."""
    desk.fault("create_conversation:1:reset_after", "fetch_conversation:stale=5")

    desk.apply(BOTH, settle=3)

    desk.fault()
    assert desk.state.bindings["desk/c"].created


@pytest.mark.parametrize("trouble", ["reset_before", "503"])
def test_what_is_older_than_our_first_send_is_not_ours(tmp_path: Path, trouble: str) -> None:
    """Somebody made it after the run had begun, and before our create, whose reply was lost, was sent."""
    with Desk(tmp_path) as desk:

        def come() -> None:
            interfere(desk)
            desk.elapsed += 5

        desk.fault(
            Fault("create_service", Invoke(come, after=True), nth=1), f"create_conversation:1:{trouble}"
        )

        desk.apply(OURS)

        assert not desk.state.bindings["desk/c"].created
        assert not desk.plan(OURS).actions


def test_nobody_outside_the_chat_gets_what_the_plan_did_not_say(desk: Desk) -> None:
    """A customer with a phone is in the conversation that somebody else made: nothing is posted there."""
    customer = {"MessagingBinding.Address": "+15550100", "MessagingBinding.ProxyAddress": "+15550101"}
    desk.fault(Fault("create_conversation", Invoke(lambda: interfere(desk, customer)), nth=1))

    outcome = desk.apply(BOTH)

    assert statuses(outcome)["desk/c"] is Status.FAILED
    assert desk.bodies("c") == []
    assert "desk/c" not in desk.state.bindings


def test_a_name_with_a_slash_leads_to_the_sid(desk: Desk) -> None:
    """Its path leads nowhere, though it is taken: applying again would not help."""
    ours = conversation("a: One", settings="unique_name: a/b")
    desk.fault("create_conversation:409/50353", "fetch_conversation:404/20404")

    outcome = desk.apply(together(OTHER, ours), settle=5)

    (failed,) = (one for one in outcome.results if one.address == "desk/c")
    assert failed.status is Status.FAILED
    assert "write the `sid: CH…` of the conversation" in failed.text
    assert "desk/c" not in desk.state.bindings


def test_a_409_that_no_read_explains_fails(desk: Desk) -> None:
    """It is looked at, and tried again, for the whole settle window; nothing is bound."""
    desk.fault("create_conversation:409/50353")

    outcome = desk.apply(BOTH, settle=5)

    assert statuses(outcome)["desk/c"] is Status.FAILED
    assert "desk/c" not in desk.state.bindings
    assert not desk.state.intents


@pytest.mark.parametrize("trouble", ["latency=3", "503"])
def test_a_name_that_a_conversation_still_holds_which_goes_is_waited_for(desk: Desk, trouble: str) -> None:
    """It is ours once it is free; if it stays taken for the whole settle window, nothing is bound."""
    desk.apply(together(OTHER, conversation("a: One")))
    old = desk.state.bindings["desk/c"].sid
    fields = {"unique_name": "c"}
    actions = (
        Action(
            "desk/new", Verb.CREATE, Reason.NOT_IN_STATE, after=fields, send=fields, managed=("unique_name",)
        ),
        Action("desk/c", Verb.DELETE, Reason.REMOVED_FROM_MANIFEST, sid=old, index=0),
    )
    desk.fault(f"delete_conversation:{trouble}")

    outcome = desk.carry_out(actions, settle=10)

    if trouble == "503":
        assert statuses(outcome)["desk/new"] is Status.FAILED
        assert outcome.results[0].text == (
            f"its unique name still leads to {old}, which this run deletes; apply again"
        )
        assert "desk/new" not in desk.state.bindings
    else:
        assert set(statuses(outcome).values()) == {Status.DONE}
        assert desk.state.bindings["desk/new"].created
        assert desk.state.bindings["desk/new"].sid != old
    assert not desk.state.intents


def test_a_conversation_that_no_read_showed_is_not_made_again(desk: Desk) -> None:
    """A plan took it for vanished, and its name leads to it: its messages are not posted again."""
    desk.apply(together(OTHER, conversation("a: One")))
    sid = desk.state.bindings["desk/c"].sid
    named, text = {"unique_name": "c"}, {"body": "One"}
    again = Reason.MISSING_REMOTELY
    actions = (
        Action("desk/c", Verb.CREATE, again, after=named, send=named, managed=("unique_name",)),
        Action("desk/c/a", Verb.CREATE, again, after=text, send=text, managed=("body",)),
    )

    outcome = desk.carry_out(actions)

    assert [(one.status, one.text) for one in outcome.results] == [
        (Status.FAILED, f"{sid} is there after all, although no read showed it; plan again"),
        (Status.NOT_REACHED, ""),
    ]
    assert desk.state.bindings["desk/c"].sid == sid
    assert desk.bodies("c") == ["One"]


# Participants


@pytest.mark.parametrize("lost", [False, True], ids=["", "journal lost"])
def test_a_participant_made_just_before_a_kill_is_ours(desk: Desk, *, lost: bool) -> None:
    """So taking the key out removes it again."""
    desk.fault(Fault("create_participant", Invoke(die, after=True)))
    with pytest.raises(PowerOff):
        desk.apply(BOTH)
    desk.fault()
    if lost:
        Path(f"{desk.state_path}.journal").unlink()

    desk.apply(BOTH)

    assert desk.state.bindings[ALICE].created
    assert not desk.plan(BOTH).actions
    desk.apply(together(OTHER, conversation("a: One")))
    assert desk._rows("SELECT sid FROM participants") == []


def test_a_participant_that_never_came_is_brought_in(desk: Desk) -> None:
    """The process was gone before its request was handled."""
    desk.fault(Fault("create_participant", Invoke(die)))
    with pytest.raises(PowerOff):
        desk.apply(BOTH)
    assert list(desk.state.intents) == [ALICE]
    desk.fault()

    desk.apply(BOTH)

    assert desk.state.bindings[ALICE].created
    assert not desk.state.intents


def test_a_participant_that_was_there_before_ours_was_sent_is_not_ours(desk: Desk) -> None:
    """Somebody brought them in, our create was refused, and nothing of ours was unanswered."""
    desk.apply(together(OTHER, conversation("a: One")))
    come = Invoke(
        lambda: desk.emulator.store.participants.create(desk.service_sid, "c", {"Identity": "alice"})
    )
    desk.fault(Fault("create_participant", come, nth=1))

    desk.apply(BOTH)

    assert not desk.state.bindings[ALICE].created


def test_a_replaced_participant_made_just_before_a_kill_supersedes_the_old_one(desk: Desk) -> None:
    """Otherwise the old number would go on getting every message."""

    def phone(number: str) -> str:
        member = f"{{key: p, messaging_binding: {{address: '{number}', proxy_address: '+1'}}}}"
        return together(OTHER, conversation("a: One", settings=f"participants: [{member}]"))

    reached = Options(allow_delivery=True)
    desk.apply(phone("+15550100"), reached)
    desk.fault(Fault("create_participant", Invoke(die, after=True)))
    with pytest.raises(PowerOff):
        desk.apply(phone("+15550101"), reached)
    desk.fault()

    desk.apply(phone("+15550101"), reached)

    assert desk._rows("SELECT address FROM participants") == [("+15550101",)]
    assert not desk.plan(phone("+15550101")).actions


# What is let go of


def test_whoever_stays_when_a_key_goes_is_named(desk: Desk) -> None:
    """Somebody else brought them in: they stay, and go on getting every message."""
    desk.apply(together(OTHER, conversation("a: One")))
    store = desk.emulator.store
    sid = store.participants.create(desk.service_sid, "c", {"Identity": "alice"}).sid
    desk.apply(BOTH)

    plan = desk.plan(together(OTHER, conversation("a: One", settings="friendly_name: Ours")))

    assert [(one.code, one.address, one.text) for one in plan.warnings] == [
        (
            "kept",
            ALICE,
            f"{sid} stays in the conversation and is no longer managed: this tool did not bring it in",
        )
    ]


def test_whoever_another_person_takes_the_place_of_is_named(desk: Desk) -> None:
    """The key now means bob, and alice is not ours to remove."""
    desk.apply(together(OTHER, conversation("a: One")))
    participants = desk.emulator.store.participants
    sid = participants.create(desk.service_sid, "c", {"Identity": "alice"}).sid
    participants.create(desk.service_sid, "c", {"Identity": "bob"})
    keyed = "participants: [{{key: agent, identity: {who}}}]"
    desk.apply(together(OTHER, conversation("a: One", settings=keyed.format(who="alice"))))

    plan = desk.plan(together(OTHER, conversation("a: One", settings=keyed.format(who="bob"))))

    assert [(one.code, one.text.partition(" ")[0]) for one in plan.warnings] == [("kept", sid)]


def test_parents_that_are_let_go_of_are_named(desk: Desk) -> None:
    """Found, not created: destroy forgets the conversation, and says that it stays."""
    interfere(desk)
    desk.apply(BOTH)
    sid = desk.state.bindings["desk/c"].sid

    plan = desk.plan(BOTH, DESTROY)

    assert ("parent_kept", "desk/c", f"{sid} is kept and forgotten: this tool did not create it") in [
        (one.code, one.address, one.text) for one in plan.warnings
    ]
