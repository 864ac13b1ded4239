"""What drifted, from digests alone: objects, fields, what was there before, and what a refresh records."""

from __future__ import annotations

import pytest
from msgspec import UNSET

from reconciler.model import Desired, Order, RemoteParticipant
from reconciler.planner.drift import count_pending, plan_refresh
from reconciler.planner.join import join
from reconciler.plans.actions import Action, FieldChange, Reason, Verb
from reconciler.plans.options import Options
from reconciler.plans.plan import Drift, Plan
from reconciler.state.model import Bound
from tests.support.scenes import AT, SERVICE, Scene, applied, at, codes, live, message, messages
from tests.support.scenes import only as only_action

NO_MANIFESTS = Desired((), "")


def refreshed(scene: Scene, desired: Desired | None = None) -> Plan:
    """Return the refresh-only plan of a scene."""
    wanted = scene.desired if desired is None else desired
    return join([plan_refresh(wanted, scene.remote, scene.state, Options())])


def drift_of(scene: Scene, desired: Desired | None = None) -> tuple[Action, ...]:
    """Return what drifted in a scene."""
    drift = refreshed(scene, desired).drift
    assert drift is not None
    return drift.objects


def after_refresh(scene: Scene) -> Scene:
    """Return a scene whose state took what is live."""
    for record in refreshed(scene).records:
        scene.state.apply(record)
    return scene


def only(scene: Scene, desired: Desired | None = None) -> Action:
    """Return the one object that drifted."""
    (item,) = drift_of(scene, desired)
    return item


def test_nothing_drifts_by_itself() -> None:
    """What was just applied is as it was applied, with manifests and without."""
    scene = applied(*messages("a", "b"))

    assert drift_of(scene) == drift_of(scene, NO_MANIFESTS) == ()


def test_a_change_in_the_manifest_is_no_drift() -> None:
    """Only the live side is compared with what was applied."""
    assert drift_of(applied(*messages("a", "b")).wanting(message("a", body="new"))) == ()


def test_an_edited_field_is_shown_before_and_after() -> None:
    """The earlier text is the manifest's, as long as that is what was applied."""
    item = only(applied(*messages("a", "b")).edited("a", body="changed"))

    assert (item.address, item.verb, item.sid) == (at("a"), Verb.UPDATE, "IMa")
    assert item.changes == (FieldChange(("body",), "text of a", "changed"),)


def test_what_the_manifest_no_longer_says_is_not_shown_as_the_earlier_text() -> None:
    """Where manifest and live text both changed, nobody knows what was applied."""
    scene = applied(*messages("a")).edited("a", body="changed").wanting(message("a", body="new"))

    assert only(scene).changes == (FieldChange(("body",), UNSET, "changed"),)


def test_without_manifests_the_earlier_text_is_unknown() -> None:
    """The state has digests alone."""
    item = only(applied(*messages("a")).edited("a", body="changed"), NO_MANIFESTS)

    assert (item.before, item.after) == ({}, {"body": "changed"})


def test_a_path_inside_attributes_is_named() -> None:
    """Only what differs in them is a change."""
    scene = applied(message("a", attributes={"x": 1, "y": 2}))

    item = only(scene.edited("a", attributes='{"x": 1, "y": 3}'))

    assert item.changes == (FieldChange(("attributes", "y"), 2, 3),)


@pytest.mark.parametrize("attributes", ['{"y":2,"x":1.0}', '{ "x": 1, "y": 2 }'])
def test_another_spelling_is_no_drift(attributes: str) -> None:
    """Attributes are compared as JSON."""
    assert (
        drift_of(applied(message("a", attributes={"x": 1, "y": 2})).edited("a", attributes=attributes)) == ()
    )


def test_a_field_that_is_not_managed_is_nobodys_drift() -> None:
    """An author that no manifest declared may change."""
    assert drift_of(applied(*messages("a")).edited("a", author="mallory")) == ()


def test_ignored_paths_are_no_drift() -> None:
    """`ignore_changes` leaves a part of the attributes to others, and what is shown leaves it out."""
    scene = applied(message("a", attributes={"x": 1}, ignore_changes=(("attributes", "seen"),)))

    assert drift_of(scene.edited("a", attributes='{"x": 1, "seen": 5}')) == ()
    assert only(scene.edited("a", attributes='{"x": 2, "seen": 5}')).after == {"attributes": '{"x":2}'}


def test_ignored_fields_are_no_drift() -> None:
    """A whole field can be left to others."""
    scene = applied(message("a", ignore_changes=(("body",),)))

    assert drift_of(scene.edited("a", body="changed")) == ()


def test_what_the_server_rewrote_is_no_drift_until_it_changes() -> None:
    """A webhook's version is what was last seen."""
    scene = applied(*messages("a")).edited("a", body="rewritten")
    seen = {"body": scene.state.digest("body", "rewritten")}

    assert drift_of(scene.remembering(at("a"), observed=seen)) == ()
    assert only(scene.remembering(at("a"), observed=seen).edited("a", body="text of a")).address == at("a")


def test_a_missing_message_is_deleted() -> None:
    """It is reported by address and sid, and nothing else is."""
    item = only(applied(*messages("a", "b")).without("a"))

    assert (item.address, item.verb, item.sid) == (at("a"), Verb.DELETE, "IMa")


def test_a_missing_conversation_takes_its_messages_along() -> None:
    """Each of them is reported."""
    assert [item.address for item in drift_of(applied(*messages("a", "b")).vanished())] == [
        AT,
        at("a"),
        at("b"),
    ]


def test_a_renamed_conversation_has_drifted() -> None:
    """The fields that were sent for a conversation are compared too."""
    item = only(applied(*messages("a")).being(friendly_name="Other"))

    assert (item.address, item.changes) == (AT, (FieldChange(("friendly_name",), "Order", "Other"),))


def test_strangers_are_no_drift() -> None:
    """Nobody but the tool's own messages is compared."""
    assert drift_of(applied(*messages("a")).also(live("IMx", 9))) == ()


def test_released_messages_are_not_compared() -> None:
    """They are spared, and no longer managed."""
    scene = applied(*messages("a")).remembering(at("a"), released=True)

    assert drift_of(scene.without("a")) == drift_of(scene.edited("a", body="changed")) == ()


def test_a_refresh_records_what_is_live() -> None:
    """Its records count as sent, and what is gone stays bound: it is drift until it is mended."""
    scene = applied(*messages("a", "b", "c")).edited("a", body="changed").without("b")

    plan = refreshed(scene)
    for record in plan.records:
        scene.state.apply(record)

    assert [(type(record), record.address) for record in plan.records] == [(Bound, at("a"))]
    assert scene.state.bindings[at("a")].sent == {"body": scene.state.digest("body", "changed")}
    assert only(scene).address == at("b")


def test_what_a_refresh_took_is_mended_as_a_change_of_the_manifest() -> None:
    """The state holds what is live, so only the manifest says something else; what vanished is missing."""
    scene = after_refresh(applied(*messages("a", "b", "c")).edited("a", body="changed").without("b"))

    plan = scene.plan()

    assert {action.address: action.reason for action in plan.actions} == {
        at("a"): Reason.CHANGED_IN_MANIFEST,
        at("b"): Reason.MISSING_REMOTELY,
    }
    assert codes(plan.warnings) == ["order_not_met"]


def test_a_rewriting_that_is_known_outlives_a_refresh_of_another_field() -> None:
    """Only the field that drifted is taken; what a webhook made of the other one is no difference."""
    wanted = message("a", author="ann", attributes={"n": 1})
    scene = applied(wanted)
    scene = scene.remembering(at("a"), observed={"body": scene.state.digest("body", "rewritten")})
    scene = after_refresh(scene.edited("a", body="rewritten", attributes='{"n":2}'))

    plan = scene.plan()

    assert (only_action(plan).reason, only_action(plan).send) == (
        Reason.CHANGED_IN_MANIFEST,
        {"attributes": '{"n":1}'},
    )
    assert codes(plan.warnings) == ["rewritten_by_server"]


def test_a_rewritten_field_that_drifts_besides_is_taken_and_mended() -> None:
    """What somebody wrote over what a webhook had made is not taken for the webhook's doing."""
    scene = applied(message("a"))
    scene = scene.remembering(at("a"), observed={"body": scene.state.digest("body", "rewritten")})
    scene = after_refresh(scene.edited("a", body="by hand"))

    assert scene.state.bindings[at("a")].observed == {}
    assert only_action(scene.plan()).reason is Reason.CHANGED_IN_MANIFEST


def test_what_an_ignored_path_leaves_alone_is_not_taken() -> None:
    """Only the managed part of attributes counts, before and after a refresh."""
    wanted = message("a", attributes={"n": 1, "seen": 0}, ignore_changes=(("attributes", "seen"),))
    scene = applied(wanted)
    digest = scene.state.digest("attributes", '{"n":1}')
    scene = scene.remembering(
        at("a"),
        ignored=wanted.ignore_changes,
        sent={**scene.state.bindings[at("a")].sent, "attributes": digest},
    )

    assert refreshed(scene.edited("a", attributes='{"n":1,"seen":9}')).records == ()
    taken = after_refresh(scene.edited("a", attributes='{"n":2,"seen":9}'))
    assert drift_of(taken) == ()
    assert only_action(taken.plan()).send == {"attributes": '{"n":1,"seen":9}'}


def test_a_refresh_leads_around_no_guard() -> None:
    """Twelve messages that vanished are still twelve that would be posted again."""
    keys = [f"m{number}" for number in range(12)]
    scene = after_refresh(applied(*messages(*keys)).without(*keys))

    assert codes(scene.plan().refusals) == ["recreate"]


def test_a_refresh_keeps_everything_of_a_conversation_that_is_gone() -> None:
    """It is made again as what it was, not as something new."""
    scene = after_refresh(applied(*messages("a", "b")).vanished())

    assert {action.reason for action in scene.plan().actions} == {Reason.MISSING_REMOTELY}


def test_a_refresh_of_what_was_changed_back_leaves_no_trace() -> None:
    """A binding whose message says again what was sent has no other digest."""
    scene = applied(*messages("a"))
    elsewhere = scene.remembering(at("a"), observed={"body": scene.state.digest("body", "changed")})

    (record,) = refreshed(elsewhere).records

    assert record == Bound(at("a"), scene.state.bindings[at("a")])


def test_pending_is_what_a_plan_does_beside_mending() -> None:
    """A changed manifest counts, drift and what vanished do not."""
    scene = applied(*messages("a", "b", "c")).edited("a", body="changed").without("b")
    scene = scene.wanting(*messages("a", "b"), message("c", body="new"), message("d"))

    assert count_pending(scene.plan(), Drift(drift_of(scene))) == 2


def test_reposts_for_the_sake_of_order_mend_drift() -> None:
    """Under `order: strict` a deleted message makes all later ones be posted again: nobody asked for that."""
    scene = applied(*messages("a", "b", "c"), order=Order.STRICT).without("a")

    assert count_pending(scene.plan(), Drift(drift_of(scene))) == 0


def test_a_service_of_another_name_has_drifted() -> None:
    """A service that the tool created had a friendly name sent."""
    scene = applied(*messages("a"))
    scene = scene.remembering(SERVICE, sent={"friendly_name": scene.state.digest("friendly_name", "other")})

    assert only(scene).address == SERVICE


def test_a_participant_who_left_or_was_changed_has_drifted() -> None:
    """They are bound like messages, and compared by what was sent of them."""
    scene = applied(*messages("a"))
    sent = {
        "identity": scene.state.digest("identity", "bob"),
        "role_sid": scene.state.digest("role_sid", "RL1"),
    }
    bob = f"{AT}/participants/bob"
    scene = scene.remembering(bob, sid="MB1", conversation_sid="CH1", sent=sent, created=True)

    assert only(scene.showing(participants={})).verb is Verb.DELETE
    changed = only(scene.showing(participants={"MB1": RemoteParticipant("MB1", "bob", role_sid="RL2")}))
    assert (changed.address, changed.after) == (bob, {"role_sid": "RL2"})
    assert (
        drift_of(scene.showing(participants={"MB1": RemoteParticipant("MB1", "bob", role_sid="RL1")})) == ()
    )
