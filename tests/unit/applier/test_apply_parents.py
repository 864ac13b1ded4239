"""Services and conversations that are created, found, deleted by others, and removed."""

from __future__ import annotations

import pytest

from reconciler.emulator import Fault
from reconciler.emulator.faults import Invoke
from reconciler.plans.options import Options
from reconciler.plans.outcome import Status
from tests.support.desk import Desk, NotApplyable, conversation, statuses, together

THREE = conversation("a: One", "b: Two", "c: Three")
OTHER = conversation("x: X", name="other")


def expect_three(desk: Desk) -> None:
    """The messages stand once and in order, and there is nothing left to do."""
    assert desk.bodies("c") == ["One", "Two", "Three"]
    assert not desk.plan(THREE).actions


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
