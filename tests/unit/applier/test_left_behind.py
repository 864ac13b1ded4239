"""What must not be lost sight of: parents on the move when the process dies, and superseded messages."""

from __future__ import annotations

import pytest

from reconciler.emulator import Fault
from reconciler.emulator.faults import Invoke
from reconciler.plans.actions import Reason, Verb
from reconciler.plans.options import Options
from reconciler.plans.outcome import Status
from tests.support.desk import Desk, conversation, statuses

FIRST = conversation("a: Hello", settings="order: strict")
BEHIND = conversation("z: Welcome", "a: Hello", settings="order: strict")


@pytest.fixture
def replaced(desk: Desk) -> Desk:
    """A desk where `a` was posted again behind `z`, and its first message could not be deleted."""
    desk.apply(FIRST)
    desk.fault("delete_message:500")
    assert statuses(desk.apply(BEHIND))["desk/c/a"] is Status.FAILED
    desk.fault()
    assert desk.bodies("c") == ["Hello", "Welcome", "Hello"]
    return desk


def test_a_parent_on_the_move_is_never_bound_under_both_addresses(desk: Desk) -> None:
    """Whatever a crash leaves is the new address alone, so that the same apply can be run again."""
    desk.apply(conversation("a: Hello", name="old", settings="unique_name: u"))
    moved = "moved: [{from: desk/old, to: desk/new}]\n" + conversation(
        "a: Hello", "b: Bye", name="new", settings="unique_name: u"
    )
    seen: list[set[str]] = []
    desk.fault(Fault("create_message", Invoke(lambda: seen.append(set(desk.state.bindings)))))

    desk.apply(moved)

    assert seen == [{"desk", "desk/new", "desk/new/a"}]


def test_a_refresh_keeps_what_is_still_to_be_deleted(replaced: Desk) -> None:
    """Although the message that superseded it is gone, it is not taken for a stranger's."""
    before = replaced.state.bindings["desk/c/a"]
    replaced.emulator.store.messages.delete(replaced.service_sid, "c", before.sid)

    replaced.apply(BEHIND, Options(refresh_only=True))

    assert replaced.state.bindings["desk/c/a"] == before
    replaced.apply(BEHIND)
    assert replaced.bodies("c") == ["Welcome", "Hello"]


def test_removed_leaves_the_message_and_deletes_what_it_superseded(replaced: Desk) -> None:
    """The address is forgotten with it."""
    forgetting = "removed: [{from: desk/c/a}]\n" + conversation("z: Welcome", settings="order: strict")
    (deletion,) = [one for one in replaced.plan(forgetting).actions if one.verb is Verb.DELETE]

    replaced.apply(forgetting)

    assert deletion.reason is Reason.SUPERSEDED
    assert replaced.bodies("c") == ["Welcome", "Hello"]
    assert "desk/c/a" not in replaced.state.bindings
    assert replaced.plan(forgetting).actions == ()


def test_an_update_that_was_sent_is_not_called_unreached(desk: Desk) -> None:
    """Its reply is lost while the run is being stopped: nobody tries again, and nobody knows."""
    desk.apply(FIRST)
    desk.fault(
        Fault("update_message", Invoke(lambda: desk.interrupts._on_signal(2))), "update_message:reset_after"
    )

    outcome = desk.apply(FIRST.replace("Hello", "Bye"))

    assert statuses(outcome) == {"desk/c/a": Status.FAILED}
    assert desk.bodies("c") == ["Bye"]
