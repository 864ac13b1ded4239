"""Participants that are replaced, that somebody else brought in, and that cannot be removed at once."""

from __future__ import annotations

import pytest

from reconciler.emulator import Fault
from reconciler.emulator.faults import Invoke
from reconciler.plans.actions import Reason
from reconciler.plans.options import Options
from reconciler.plans.outcome import Status
from tests.support.desk import Desk, conversation, statuses

REACHED = Options(allow_delivery=True)
ALICE = "desk/c/participants/alice"


def projected(number: str) -> str:
    """Return a conversation with a chat user whom a number stands for in group texting."""
    member = f"{{identity: alice, messaging_binding: {{projected_address: '{number}'}}}}"
    return conversation(settings=f"participants: [{member}]").replace("        messages:\n", "")


def phone(*numbers: str) -> str:
    """Return a conversation with somebody under the key of each number's position, reached by SMS."""
    people = ", ".join(
        f"{{key: p{at}, messaging_binding: {{address: '{number}', proxy_address: '+1'}}}}"
        for at, number in enumerate(numbers)
    )
    return conversation("a: Hello", settings=f"participants: [{people}]")


def there(desk: Desk) -> dict[str, str]:
    """Return the sids of who is in the conversation, by identity or address."""
    return dict(desk._rows("SELECT coalesce(identity, address), sid FROM participants"))


def test_who_stays_the_same_person_is_still_there_after_being_replaced(desk: Desk) -> None:
    """Nobody can be in a conversation twice, so the old one goes first."""
    desk.apply(projected("+15550100"))
    before = there(desk)

    outcome = desk.apply(projected("+15550101"))

    assert statuses(outcome) == {ALICE: Status.DONE}
    assert there(desk) == {"alice": desk.state.bindings[ALICE].sid}
    assert there(desk) != before
    assert desk.plan(projected("+15550101")).actions == ()


def test_a_replaced_participant_that_could_not_be_removed_is_removed_by_the_next_apply(desk: Desk) -> None:
    """Until then everything that is posted would still reach the old number."""
    desk.apply(phone("+15550100"), REACHED)
    desk.fault("delete_participant:500")
    assert statuses(desk.apply(phone("+15550101"), REACHED))["desk/c/participants/p0"] is Status.FAILED
    desk.fault()

    desk.apply(phone("+15550101"), REACHED)

    assert there(desk).keys() == {"+15550101"}
    assert desk.plan(phone("+15550101")).actions == ()


def test_keys_that_swap_their_people_need_no_request(desk: Desk) -> None:
    """Else each would take the other for a new one, and remove it."""
    desk.apply(phone("+15550100", "+15550101"), REACHED)
    before = there(desk)

    outcome = desk.apply(phone("+15550101", "+15550100"), REACHED)

    assert statuses(outcome) == {}
    assert there(desk) == before
    assert desk.state.bindings["desk/c/participants/p0"].sid == before["+15550101"]


def test_who_came_back_by_themselves_is_brought_to_what_the_manifest_says(desk: Desk) -> None:
    """They are somebody else's, under the same identity; nothing was sent to them yet."""
    wanted = conversation("a: Hello", settings="participants: [{identity: alice, attributes: {role: agent}}]")
    desk.apply(wanted)
    participants = desk.emulator.store.participants
    participants.delete(desk.service_sid, "c", there(desk)["alice"])
    participants.create(desk.service_sid, "c", {"Identity": "alice", "Attributes": '{"role":"stranger"}'})

    desk.apply(wanted)

    assert participants.get(desk.service_sid, "c", "alice").attributes == '{"role":"agent"}'
    assert desk.plan(wanted).actions == ()


def test_who_comes_in_while_they_are_brought_in_gets_what_the_manifest_says(desk: Desk) -> None:
    """Between plan and apply."""
    wanted = conversation("a: Hello", settings="participants: [{identity: alice, attributes: {role: agent}}]")
    desk.apply(conversation("a: Hello"))
    participants = desk.emulator.store.participants

    def come() -> None:
        participants.create(desk.service_sid, "c", {"Identity": "alice"})

    desk.fault(Fault("create_participant", Invoke(come), nth=1))

    desk.apply(wanted)

    assert participants.get(desk.service_sid, "c", "alice").attributes == '{"role":"agent"}'
    assert desk.plan(wanted).actions == ()


def guest(desk: Desk, identity: str) -> None:
    """Let somebody join whom no manifest names."""
    desk.emulator.store.participants.create(desk.service_sid, "c", {"Identity": identity})


MEMBERS = conversation("a: Hello", settings="participants: [{identity: alice}]")
ELSEWHERE = conversation("a: Hello", name="other")
DELETING = Options(max_delete=5)


@pytest.mark.parametrize("destroy", [False, True], ids=["taken out", "destroyed"])
def test_a_conversation_is_not_deleted_with_people_of_others(desk: Desk, destroy: bool) -> None:  # noqa: FBT001
    """They count like messages of others: it is kept and forgotten, and so is its service."""
    desk.apply(MEMBERS)
    guest(desk, "customer")
    manifest = MEMBERS if destroy else ELSEWHERE
    options = Options(destroy=True) if destroy else DELETING

    plan = desk.plan(manifest, options)
    desk.apply(manifest, options)

    assert [one.text.partition(": ")[2] for one in plan.warnings if one.code == "parent_kept"][:1] == [
        "it holds 1 participant of others"
    ]
    assert there(desk).keys() == {"customer"}
    assert desk.conversations == (["c"] if destroy else ["c", "other"])


def test_a_conversation_is_deleted_with_the_people_that_this_tool_brought_in(desk: Desk) -> None:
    """Who is in it is asked only once it is to be deleted."""
    desk.apply(conversation("a: Hello"))
    asked = desk.count("list_participants")

    assert desk.plan(conversation("a: Hello")).actions == ()
    assert desk.count("list_participants") == asked
    desk.apply(MEMBERS)
    desk.apply(ELSEWHERE, DELETING)

    assert desk.conversations == ["other"]
    assert there(desk) == {}


def test_whoever_was_found_in_a_conversation_is_not_ours(desk: Desk) -> None:
    """The manifest named them, but somebody else brought them in."""
    desk.apply(conversation("a: Hello"))
    guest(desk, "alice")
    desk.apply(MEMBERS)

    desk.apply(ELSEWHERE, DELETING)

    assert desk.conversations == ["c", "other"]
    assert there(desk).keys() == {"alice"}


def test_people_of_others_go_with_a_conversation_whose_manifest_says_so(desk: Desk) -> None:
    """Under `unmanaged: delete` a destroy deletes all, and the plan names who goes."""
    manifest = conversation("a: Hello", settings="unmanaged: delete; participants: [{identity: alice}]")
    desk.apply(manifest)
    guest(desk, "customer")

    plan = desk.plan(manifest, Options(destroy=True))
    outcome = desk.apply(manifest, Options(destroy=True))

    customers = [action for action in plan.actions if action.reason is Reason.UNMANAGED]
    assert [(one.type.value, one.with_parent) for one in customers] == [("participant", True)]
    assert set(statuses(outcome).values()) == {Status.DONE}
    assert desk.conversations == []


UNMANAGED = conversation("a: Hello", settings="unmanaged: delete; participants: [{identity: alice}]")


@pytest.mark.parametrize("manifest", [MEMBERS, UNMANAGED], ids=["keep", "delete"])
@pytest.mark.parametrize("saved", [False, True], ids=["in one go", "saved"])
def test_a_conversation_that_somebody_joined_since_the_plan_is_not_destroyed(
    desk: Desk,
    manifest: str,
    saved: bool,  # noqa: FBT001  # drawn
) -> None:
    """The plan did not name them, whatever the manifest says about people of others."""
    desk.apply(manifest)
    options = Options(destroy=True)

    if saved:
        plan = desk.save(manifest, options)
        guest(desk, "customer")
        outcome = desk.apply_saved(plan)
    else:
        outcome = desk.apply(manifest, options, reviewed=lambda: guest(desk, "customer"))

    (refused,) = (result for result in outcome.results if result.address == "desk/c")
    assert refused.text == f"{there(desk)['customer']} joined it after the plan was made; plan again"
    assert desk.conversations == ["c"]


def test_a_conversation_that_somebody_joined_since_the_plan_is_not_made_anew(desk: Desk) -> None:
    """A replacement deletes it first, so nothing of it is begun."""
    desk.apply(MEMBERS)
    before = there(desk)
    options = Options(replace=("desk/c",), max_delete=5)

    outcome = desk.apply(MEMBERS, options, reviewed=lambda: guest(desk, "customer"))

    assert statuses(outcome)["desk/c"] is Status.FAILED
    assert there(desk).items() >= before.items()
    assert desk.bodies("c") == ["Hello"]


def test_a_group_is_made_in_whatever_order_it_is_written(desk: Desk) -> None:
    """The number of group texting comes first, so that the people need no proxy address."""
    people = (
        "{key: anna, messaging_binding: {address: '+15550100'}}, "
        "{key: us, messaging_binding: {projected_address: '+15559999'}}"
    )
    text = conversation("{key: a, author: '+15559999', body: Hello}", settings=f"participants: [{people}]")

    outcome = desk.apply(text, REACHED)

    assert set(statuses(outcome).values()) == {Status.DONE}
    assert desk.plan(text, REACHED).actions == ()
