"""Services and conversations: found or created, changed, and never taken for one another."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from reconciler.model import (
    Conversation,
    ConversationView,
    RemoteConversation,
    RemoteService,
)
from reconciler.plans.actions import FieldChange, Reason, Verb
from reconciler.plans.plan import Parent
from reconciler.state.model import Bound, Unbound
from reconciler.state.remembered import Binding
from tests.support.scenes import (
    AT,
    CONVERSATION_SID,
    SERVICE,
    SERVICE_SID,
    Scene,
    applied,
    at,
    codes,
    empty,
    found,
    message,
    messages,
    only,
    steps,
)

GO = {"max_delete": 100, "max_delete_percent": True}


def renamed(scene: Scene, **fields: Any) -> Scene:
    """Return *scene* with the conversation under another name in the manifest, found by its unique name."""
    changed = msgspec.structs.replace(scene.conversation, name="other", **fields)
    views = {**scene.remote.conversations, "desk/other": scene.view}
    return scene.declaring(changed).reading(conversations=views)


def test_parents_say_whether_they_were_found() -> None:
    """Those that apply will create have no sid yet."""
    assert found().plan().parents == (
        Parent(SERVICE, SERVICE_SID, found=True),
        Parent(AT, CONVERSATION_SID, found=True),
    )
    assert empty().plan().parents == (Parent(SERVICE, None, found=False), Parent(AT, None, found=False))


def test_a_missing_service_is_created_by_its_name() -> None:
    """Its friendly name is what it will be found by."""
    service, conversation = empty().plan().actions

    assert (service.address, service.verb, service.send) == (SERVICE, Verb.CREATE, {"friendly_name": "desk"})
    assert conversation.send == {"friendly_name": "Order", "unique_name": "order"}


def test_a_service_declared_by_nothing_but_its_name_is_created_with_it() -> None:
    """A friendly name that nobody gave is the name in the manifest."""
    scene = empty()
    unnamed = scene.declaring(scene.conversation, friendly_name=None)
    named = scene.declaring(scene.conversation, friendly_name="Help desk")

    assert unnamed.plan().actions[0].send == {"friendly_name": "desk"}
    assert named.plan().actions[0].send == {"friendly_name": "Help desk"}


def test_what_was_found_is_bound_without_a_request() -> None:
    """The state learns the sids, and that this tool did not make them."""
    plan = found(message("a")).plan()

    bindings = {one.address: one.binding for one in plan.records if isinstance(one, Bound)}
    assert steps(plan) == [("a", "create")]
    assert bindings[SERVICE] == Binding(SERVICE_SID)
    assert bindings[AT].sid == CONVERSATION_SID
    assert bindings[AT].service_sid == SERVICE_SID
    assert bindings[AT].sent.keys() == {"friendly_name", "unique_name"}
    assert not bindings[AT].created


def test_parents_that_vanished_are_created_again_with_all_that_is_in_them() -> None:
    """Their bindings name sids that are gone."""
    scene = applied(*messages("a", "b")).vanished()
    gone = scene.reading(services={SERVICE: None})

    assert steps(scene.plan()) == [(AT, "create"), ("a", "create"), ("b", "create")]
    assert steps(gone.plan())[0] == (SERVICE, "create")
    assert {action.reason for action in gone.plan().actions} == {Reason.MISSING_REMOTELY}


def test_a_conversation_is_updated_with_what_differs() -> None:
    """Drift and changes of the manifest are told apart as they are for messages."""
    drifted = only(applied().being(friendly_name="Edited").plan())
    changed = only(applied().wanting(attributes='{"team":"a"}').plan())

    assert (drifted.verb, drifted.reason, drifted.send) == (
        Verb.UPDATE,
        Reason.DRIFTED,
        {"friendly_name": "Order"},
    )
    assert drifted.changes == (FieldChange(("friendly_name",), "Edited", "Order"),)
    assert drifted.before == {"friendly_name": "Edited", "unique_name": "order"}
    assert (changed.reason, changed.send) == (Reason.CHANGED_IN_MANIFEST, {"attributes": '{"team":"a"}'})


def test_a_dropped_field_of_a_conversation_goes_back_to_its_default() -> None:
    """As it does for messages."""
    applied_ = applied(attributes='{"team":"a"}').being(attributes='{"team": "a"}')
    scene = applied_.remembering(
        AT,
        sent={
            **applied_.state.bindings[AT].sent,
            "attributes": applied_.state.digest("attributes", '{"team":"a"}'),
        },
    )

    action = only(scene.wanting(attributes=None).plan())

    assert (action.send, action.reset) == ({"attributes": "{}"}, ("attributes",))
    assert action.before == {"friendly_name": "Order", "unique_name": "order", "attributes": '{"team":"a"}'}


def test_a_conversation_that_was_found_different_is_bound_before_it_is_updated() -> None:
    """The update needs a binding to record its reply in."""
    plan = found().being(friendly_name="Other").plan()

    (service, conversation) = plan.records
    assert only(plan).verb is Verb.UPDATE
    assert service.address == SERVICE
    assert isinstance(conversation, Bound)
    assert conversation.binding == Binding(CONVERSATION_SID, service_sid=SERVICE_SID, imported=True)


def test_what_cannot_be_seen_of_a_conversation_that_was_found_is_assumed() -> None:
    """Replies show no timers."""
    plan = found(timers_inactive="PT10M").plan()

    assert plan.actions == ()
    assert codes(plan.warnings) == ["assumed_equal"]


def test_a_service_cannot_be_renamed() -> None:
    """The API has no such request, so the difference is a warning."""
    scene = applied()
    unnamed = scene.declaring(scene.conversation, friendly_name=None)
    scene = scene.declaring(scene.conversation, friendly_name="Help desk")

    assert unnamed.reading(services={SERVICE: RemoteService(SERVICE_SID, "other")}).plan().warnings == ()
    assert scene.plan().actions == ()
    assert codes(scene.plan().warnings) == ["service_name"]


def test_a_closed_conversation_that_needs_a_change_is_an_error() -> None:
    """Nothing can be posted, updated or opened again in it."""
    scene = applied(message("a")).being(state="closed")

    assert scene.plan().applyable
    one = scene.wanting(message("a", body="new")).plan()
    two = scene.wanting(message("a", body="new"), message("b")).plan()
    assert codes(one.refusals) == codes(two.refusals) == ["conversation_closed"]
    assert "1 change is needed" in one.refusals[0].text
    assert "2 changes are needed" in two.refusals[0].text


def test_a_closed_conversation_may_lose_bindings() -> None:
    """Forgetting and renaming send nothing."""
    scene = applied(*messages("a", "b")).being(state="closed").without("a")

    plan = scene.wanting(message("c", body="text of b")).plan()

    assert steps(plan) == [("c", "move"), ("a", "forget")]
    assert plan.applyable


def test_a_closed_conversation_that_was_found_cannot_be_destroyed_in_parts() -> None:
    """The way out is to let go of it."""
    scene = applied(message("a")).remembering(AT, created=False).being(state="closed")

    plan = scene.plan(destroy=True)

    assert codes(plan.refusals) == ["conversation_closed"]
    assert "state rm" in plan.refusals[0].hint


def test_closing_a_conversation_takes_a_flag() -> None:
    """Also where it is new, or gets its last messages before."""
    scene = applied(message("a"))
    plans = [
        scene.wanting(message("a"), state="closed"),
        scene.wanting(*messages("a", "b"), state="closed"),
        empty(state="closed"),
    ]

    assert [codes(one.plan().refusals) for one in plans] == [["closes"]] * 3
    assert all(one.plan(allow_close=True).applyable for one in plans)
    assert plans[1].plan(targets=(f"{AT}/b",)).applyable  # which does not close it yet


def test_an_inactive_conversation_is_revived_by_a_new_message() -> None:
    """Only posting wakes it up; either way a warning says that it is at rest."""
    scene = applied(message("a")).being(state="inactive")

    assert codes(scene.wanting(*messages("a", "b")).plan().warnings) == ["revives", "ended"]
    assert codes(scene.wanting(message("a", body="new")).plan().warnings) == ["ended"]


@pytest.mark.parametrize("name", ["Order", "New"])
def test_a_conversation_that_is_to_be_inactive_is_put_back_after_new_messages(name: str) -> None:
    """With whatever else changes about it; without a message there is nothing to do."""
    scene = applied(message("a"), state="inactive").being(state="inactive")

    assert scene.plan().actions == ()
    plan = scene.wanting(*messages("a", "b"), friendly_name=name).plan()

    conversation, post = plan.actions
    assert (conversation.address, conversation.verb, post.verb) == (AT, Verb.UPDATE, Verb.CREATE)
    assert conversation.send["state"] == "inactive"
    assert ("friendly_name" in conversation.send) is (name == "New")
    assert conversation.changes[-1] == FieldChange(("state",), "active", "inactive")


def test_webhooks_that_will_be_called_are_counted() -> None:
    """A create and an update with `webhooks: true`; a message that stays calls none."""
    scene = applied(message("a", webhooks=True), message("b", webhooks=True))

    plan = scene.wanting(
        message("a", webhooks=True), message("b", body="new", webhooks=True), message("c", webhooks=True)
    ).plan()

    assert [(one.code, one.text) for one in plan.warnings] == [
        ("webhooks_on", "2 changes will call the service's webhooks")
    ]


def test_foreign_edits_that_a_new_manifest_undoes_are_told() -> None:
    """The reason is the manifest's change, so the drift is a warning."""
    scene = applied(message("a", author="alice")).edited("a", author="bob")

    plan = scene.wanting(message("a", author="alice", body="new")).plan()

    assert only(plan).reason is Reason.CHANGED_IN_MANIFEST
    assert [(one.code, one.address) for one in plan.warnings] == [("drifted_too", at("a"))]


def test_fields_that_are_given_up_are_told() -> None:
    """A date cannot be unset; a replacement takes only some fields along."""
    dated = applied(message("a", date_created="2026-01-01T00:00:00Z"))

    stays = dated.wanting(message("a")).plan()
    replaced = dated.wanting(message("a")).plan(replace=(at("a"),))
    lost = applied(message("a", date_updated="2026-01-01T00:00:00Z")).wanting(message("a"))

    assert codes(stays.warnings) == codes(replaced.warnings) == ["released"]
    assert lost.plan(replace=(at("a"),)).warnings == ()


@pytest.mark.parametrize("flags", [{}, {"adopt": True}, {"duplicate": True}])
def test_a_conversation_under_two_addresses_is_refused(flags: dict[str, bool]) -> None:
    """A renamed key would otherwise take its own messages for strangers, and delete them."""
    plan = renamed(applied(*messages("a", "b"))).plan(**flags, **GO)

    assert "same_conversation" in codes(plan.refusals)
    assert plan.refusals[0].text == f"`desk/other` and `{AT}` are one conversation ({CONVERSATION_SID})"
    assert not [action for action in plan.actions if action.verb is Verb.DELETE]


def test_two_declared_names_for_one_conversation_are_refused() -> None:
    """The same sid in two places of the manifests."""
    scene = applied(message("a"))
    twice = renamed(scene)

    assert "same_conversation" in codes(
        twice.declaring(scene.conversation, *twice.desired.services[0].conversations).plan().refusals
    )


def test_a_service_under_a_new_name_is_not_deleted_under_its_old_one() -> None:
    """It is the same service, whatever the manifests call it."""
    scene = applied().vanished()
    scene = scene.reading(services={SERVICE: RemoteService(SERVICE_SID), "help": RemoteService(SERVICE_SID)})
    help_ = msgspec.structs.replace(
        scene.desired.services[0], name="help", conversations=(), friendly_name=None
    )
    scene = msgspec.structs.replace(scene, desired=msgspec.structs.replace(scene.desired, services=(help_,)))

    plan = scene.plan()

    assert plan.actions == ()
    assert Unbound(SERVICE) in plan.records


def test_many_conversations_come_in_manifest_order_and_removed_ones_last() -> None:
    """Bound ones that are no longer desired follow by address, whatever the order of the state."""
    scene = applied(message("a"))
    names = ["z", "y"]
    new = [Conversation(name=name, path="m.yaml", line=1, unique_name=name) for name in names]
    gone = {
        f"desk/{name}": ConversationView(RemoteConversation(f"CH-{name}", unique_name=name))
        for name in ("q", "p")
    }
    scene = scene.declaring(*new, scene.conversation).reading(
        conversations={**scene.remote.conversations, **gone}
    )
    for address, view in gone.items():
        assert view.remote is not None
        scene = scene.remembering(address, sid=view.remote.sid, created=True)

    assert [action.address for action in scene.plan(**GO).actions] == ["desk/z", "desk/y", "desk/p", "desk/q"]
