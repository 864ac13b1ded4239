"""A run that is asked to stop is interrupted only if something is left to do."""

from __future__ import annotations

import pytest

from reconciler.emulator import Fault
from reconciler.emulator.faults import Invoke
from reconciler.plans.options import Options
from reconciler.plans.outcome import Status
from tests.support.desk import Desk, conversation, statuses

THREE = conversation("a: One", "b: Two", "c: Three")


def stop_at(desk: Desk, kind: str, nth: int) -> None:
    """Ask the run to stop during that request."""
    desk.fault(Fault(kind, Invoke(lambda: desk.interrupts._on_signal(2)), nth=nth))


@pytest.mark.parametrize(("nth", "left"), [(1, True), (2, True), (3, False)])
def test_stopped_during_its_last_create_a_run_is_complete(desk: Desk, nth: int, *, left: bool) -> None:
    """What was in flight was all that was left."""
    stop_at(desk, "create_message", nth)

    outcome = desk.apply(THREE)

    assert outcome.interrupted == left
    assert len(desk.bodies("c")) == nth
    assert bool(desk.plan(THREE).actions) == left


@pytest.mark.parametrize("kind", ["delete_message", "delete_participant", "update_conversation"])
def test_stopped_during_another_last_request_a_run_is_complete(desk: Desk, kind: str) -> None:
    """Whatever it is."""
    people = "participants: [{identity: alice}]"
    desk.apply(conversation("a: One", "b: Two", settings=people))
    after = {
        "delete_message": conversation("a: One", settings=people),
        "delete_participant": conversation("a: One", "b: Two"),
        "update_conversation": conversation("a: One", "b: Two", settings=f"friendly_name: New; {people}"),
    }[kind]
    stop_at(desk, kind, 1)

    outcome = desk.apply(after)

    assert set(statuses(outcome).values()) == {Status.DONE}
    assert not outcome.interrupted
    assert not desk.plan(after).actions


def test_a_conversation_that_lacks_its_last_state_is_left(desk: Desk) -> None:
    """Its create is done, and closing it comes after the message during which the run is stopped."""
    wanted = conversation("a: One", settings="state: closed")
    stop_at(desk, "create_message", 1)

    outcome = desk.apply(wanted, Options(allow_close=True))

    assert outcome.interrupted
    assert desk.plan(wanted, Options(allow_close=True)).actions
