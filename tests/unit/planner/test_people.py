"""Participants: brought in, changed, renamed in the manifest alone, and let go of."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from reconciler.model import Participant, RemoteParticipant
from reconciler.plans.actions import Reason, Verb
from reconciler.plans.plan import Plan
from reconciler.state.model import Unbound
from reconciler.state.remembered import Binding
from tests.support.scenes import AT, CONVERSATION_SID, SERVICE_SID, Scene, applied

ALICE = RemoteParticipant("MBa", identity="alice", attributes="{}")
BOB = RemoteParticipant("MBb", identity="bob", attributes="{}")
SMS = RemoteParticipant("MBs", attributes="{}", messaging_binding={"address": "+1", "proxy_address": "+2"})


def member(key: str, identity: str | None = "alice", **fields: Any) -> Participant:
    """Return a participant of the manifest."""
    return Participant(key, 1, identity=identity, **fields)


def joined(*people: Participant, live: tuple[RemoteParticipant, ...] = (ALICE,)) -> Scene:
    """Return a scene in which *people* are wanted, *live* ones are there, and nobody is bound."""
    return applied().wanting(participants=people).showing(participants={one.sid: one for one in live})


def bound(scene: Scene, key: str, sid: str, *, created: bool, **sent: str) -> Scene:
    """Return *scene* with a participant bound, of whom so much was sent."""
    digests = {name: scene.state.digest(name, value) for name, value in sent.items()}
    where = {"service_sid": SERVICE_SID, "conversation_sid": CONVERSATION_SID}
    return scene.remembering(f"{AT}/participants/{key}", sid=sid, created=created, sent=digests, **where)


def records(plan: Plan) -> dict[str, Binding | None]:
    """Return what the plan makes the state say, by key."""
    return {
        one.address.rpartition("/")[2]: None if isinstance(one, Unbound) else one.binding
        for one in plan.records
    }


def test_a_renamed_key_moves_the_binding() -> None:
    """Whoever is there under another key is the same person, whom this tool brought in."""
    scene = bound(joined(member("customer")), "alice", "MBa", created=True, identity="alice")

    plan = scene.plan()

    assert plan.actions == ()
    assert records(plan) == {
        "customer": scene.state.bindings[f"{AT}/participants/alice"],
        "alice": None,
    }


def test_a_renamed_key_with_a_change_is_an_update() -> None:
    """And it is still this tool's to remove later."""
    scene = bound(
        joined(member("customer", attributes='{"a":1}')), "alice", "MBa", created=True, identity="alice"
    )

    plan = scene.plan()

    (action,) = plan.actions
    now = records(plan)["customer"]
    assert (action.verb, action.sid, action.send) == (Verb.UPDATE, "MBa", {"attributes": '{"a":1}'})
    assert now is not None
    assert now.created


def test_only_who_was_brought_in_is_removed() -> None:
    """Others are let go of, and so is who left by themselves."""
    scene = joined(live=(ALICE, SMS))
    scene = bound(scene, "alice", "MBa", created=True)
    scene = bound(scene, "sms", "MBs", created=False)
    scene = bound(scene, "gone", "MBx", created=True)

    plan = scene.plan()

    assert [(action.verb, action.sid) for action in plan.actions] == [(Verb.DELETE, "MBa")]
    assert records(plan) == {"sms": None, "gone": None}


def test_who_is_there_already_is_taken_over() -> None:
    """By identity, or by the pair of addresses; neither is this tool's to remove."""
    sms = member("phone", None, address="+1", proxy_address="+2")
    plan = joined(member("alice"), sms, live=(SMS, ALICE)).plan()

    assert plan.actions == ()
    assert {key: (one.sid, one.created) for key, one in records(plan).items() if one} == {
        "alice": ("MBa", False),
        "phone": ("MBs", False),
    }


def test_another_identity_is_another_participant() -> None:
    """It is replaced, as the plan says, where the attributes alone are updated."""
    scene = bound(joined(member("agent", "bob")), "agent", "MBa", created=True, identity="alice")
    changed = joined(member("agent", attributes="7"), live=(replace(ALICE, attributes="8"),))
    changed = bound(changed, "agent", "MBa", created=True, identity="alice", attributes="7")

    (other,) = scene.plan().actions
    (edited,) = changed.plan().actions

    assert (other.verb, other.replace_paths) == (Verb.REPLACE, ("identity",))
    assert (edited.verb, edited.reason.value) == (Verb.UPDATE, "drifted")


def test_whom_this_tool_found_is_not_replaced_by_another() -> None:
    """Another one is brought in; whoever was there stays, and the plan says so."""
    scene = bound(joined(member("agent", "bob")), "agent", "MBa", created=False, identity="alice")

    plan = scene.plan()

    (action,) = plan.actions
    assert (action.verb, action.reason, action.sid) == (Verb.CREATE, Reason.CHANGED_IN_MANIFEST, None)
    assert [(one.code, "MBa stays" in one.text) for one in plan.warnings] == [("kept", True)]


@pytest.mark.parametrize("is_bound", [False, True])
def test_whom_this_tool_found_is_not_removed_to_come_again(is_bound: bool) -> None:  # noqa: FBT001  # drawn
    """The same person cannot be there twice, so that is for others to do."""
    found = replace(ALICE, messaging_binding={"projected_address": "+1"})
    scene = joined(member("alice", projected_address="+2"), live=(found,))
    if is_bound:
        scene = bound(scene, "alice", "MBa", created=False, identity="alice", projected_address="+1")

    plan = scene.plan()

    assert not plan.applyable
    assert [refusal.text for refusal in plan.refusals] == [
        (
            f"`{AT}/participants/alice` (MBa) would have to be removed and brought in again to change "
            "`projected_address`, but this tool did not bring it in"
        )
    ]


@pytest.mark.parametrize("key", ["alice", "bob"])
def test_a_participant_can_be_targeted(key: str) -> None:
    """One that changed, and one that is new; nobody else is looked at."""
    scene = joined(member("alice", attributes="7"), member("bob", "bob"))
    scene = bound(scene, "alice", "MBa", created=True, identity="alice")

    plan = scene.plan(targets=(f"{AT}/participants/{key}",))

    assert [action.address for action in plan.actions] == [f"{AT}/participants/{key}"]
    assert [warning.code for warning in plan.warnings] == ["partial"]


def test_keys_that_swap_their_people_are_bound_anew() -> None:
    """Each finds whom it names under the other key; nobody comes or goes."""
    scene = joined(member("a", "bob"), member("b", "alice"), live=(ALICE, BOB))
    scene = bound(scene, "a", "MBa", created=True, identity="alice")
    scene = bound(scene, "b", "MBb", created=True, identity="bob")

    plan = scene.plan()

    assert plan.actions == ()
    assert {key: one.sid for key, one in records(plan).items() if one} == {"a": "MBb", "b": "MBa"}


def test_whom_nobody_names_any_more_is_removed_when_a_key_takes_somebody_over() -> None:
    """Before anything is posted; in the state they are superseded until then."""
    scene = bound(joined(member("a", "bob"), live=(ALICE, BOB)), "a", "MBa", created=True, identity="alice")

    plan = scene.plan()

    (action,) = plan.actions
    now = records(plan)["a"]
    assert (action.verb, action.sid, action.reason.value) == (Verb.DELETE, "MBa", "superseded")
    assert now is not None
    assert (now.sid, now.superseded) == ("MBb", ("MBa",))


def test_a_superseded_participant_goes_with_the_one_that_is_let_go_of() -> None:
    """Whether that one was brought in by this tool or not."""
    for created, gone in ((True, ["MBa", "MBb"]), (False, ["MBb"])):
        scene = bound(joined(live=(ALICE, BOB)), "a", "MBa", created=created, identity="alice")
        scene = scene.remembering(f"{AT}/participants/a", superseded=("MBb",))

        assert [action.sid for action in scene.plan().actions] == gone
