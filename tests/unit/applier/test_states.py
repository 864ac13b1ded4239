"""Conversations that are to end up inactive or closed: everything else in them comes first."""

from __future__ import annotations

import pytest

from reconciler.plans.options import Options
from reconciler.plans.outcome import Status
from tests.support.desk import Desk, NotApplyable, conversation, statuses

CLOSING = Options(allow_close=True)
PEOPLE = "participants: [{identity: alice}, {identity: bob}]"


def state_of(desk: Desk) -> str:
    """Return the state of the only conversation."""
    return desk.emulator.store.conversations.get(desk.service_sid, "c").state


@pytest.mark.parametrize("state", ["closed", "inactive"])
def test_a_new_conversation_gets_its_messages_before_its_state(desk: Desk, state: str) -> None:
    """One apply does it all, and the next plan is empty."""
    wanted = conversation("a: Hello", "b: Bye", settings=f"state: {state}; {PEOPLE}")

    outcome = desk.apply(wanted, CLOSING)

    assert set(statuses(outcome).values()) == {Status.DONE}
    assert (
        len(desk.began) == len(desk.ended) == 6
    )  # each once: service, conversation, two people, two messages
    assert (desk.bodies("c"), state_of(desk)) == (["Hello", "Bye"], state)
    assert desk.plan(wanted).actions == ()


@pytest.mark.parametrize("state", ["closed", "inactive"])
def test_what_changes_at_the_same_time_comes_before_the_state(desk: Desk, state: str) -> None:
    """Name, a message more, one changed, one deleted, and somebody who leaves."""
    desk.apply(conversation("a: Hello", "b: Bye", settings=PEOPLE))
    wanted = conversation(
        "a: Hi",
        "c: New",
        settings=f"state: {state}; friendly_name: Done; participants: [{{identity: alice}}]",
    )

    desk.apply(wanted, CLOSING)

    assert (desk.bodies("c"), state_of(desk)) == (["Hi", "New"], state)
    assert desk.plan(wanted).actions == ()


def test_an_inactive_conversation_stays_so_when_a_message_is_added(desk: Desk) -> None:
    """The message wakes it up, and it is put back."""
    desk.apply(conversation("a: Hello", settings="state: inactive"))
    wanted = conversation("a: Hello", "b: Bye", settings="state: inactive")

    desk.apply(wanted)

    assert state_of(desk) == "inactive"
    assert desk.plan(wanted).actions == ()


def test_a_conversation_that_fell_inactive_is_drift_where_it_is_to_be_active(desk: Desk) -> None:
    """As any other field that somebody else changed; one that is not mentioned is nobody's business."""
    desk.apply(conversation("a: Hello", settings="state: active"))
    desk.emulator.store.conversations.update(desk.service_sid, "c", {"State": "inactive"})

    assert desk.plan(conversation("a: Hello")).actions == ()
    desk.apply(conversation("a: Hello", settings="state: active"))

    assert state_of(desk) == "active"


@pytest.mark.parametrize("before", ["", "friendly_name: Old"])
def test_a_conversation_is_not_closed_on_what_failed(desk: Desk, before: str) -> None:
    """What is missing could never be posted; the next apply finishes both."""
    if before:
        desk.apply(conversation(settings=before).replace("        messages:\n", ""))
    wanted = conversation("a: Hello", "b: Bye", settings="state: closed; friendly_name: New")
    desk.fault("create_message:2:400/50500")

    outcome = desk.apply(wanted, CLOSING)

    assert statuses(outcome)["desk/c/b"] is Status.FAILED
    assert (desk.bodies("c"), state_of(desk)) == (["Hello"], "active")
    desk.fault()
    desk.apply(wanted, CLOSING)
    assert (desk.bodies("c"), state_of(desk)) == (["Hello", "Bye"], "closed")


@pytest.mark.parametrize("fault", ["create_conversation:1:reset_after", "update_conversation:1:reset_after"])
def test_a_lost_reply_does_not_lose_the_state(desk: Desk, fault: str) -> None:
    """Of the create, or of the change to its state."""
    wanted = conversation("a: Hello", settings="state: closed")
    desk.fault(fault)

    outcome = desk.apply(wanted, CLOSING)

    assert set(statuses(outcome).values()) == {Status.DONE}
    assert (desk.bodies("c"), state_of(desk)) == (["Hello"], "closed")
    assert desk.plan(wanted).actions == ()


def test_what_is_closed_cannot_be_changed_any_more(desk: Desk) -> None:
    """The plan says so; without a change it is empty."""
    desk.apply(conversation("a: Hello", settings="state: closed"), CLOSING)

    with pytest.raises(NotApplyable, match="is closed, which is final, but 1 change is needed in it"):
        desk.apply(conversation("a: Hello", "b: Bye", settings="state: closed"), CLOSING)
