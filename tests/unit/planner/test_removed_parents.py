"""Services and conversations that left the manifest, or are destroyed: what goes, and what keeps them."""

from __future__ import annotations

import pytest

from reconciler.model import (
    Unmanaged,
)
from reconciler.plans.actions import Reason, Verb
from reconciler.state.model import Bound, Unbound
from reconciler.state.remembered import Binding
from tests.support.scenes import (
    AT,
    CONVERSATION_SID,
    SERVICE,
    SERVICE_SID,
    applied,
    at,
    codes,
    live,
    message,
    messages,
    steps,
)

GO = {"max_delete": 100, "max_delete_percent": True}


def test_a_removed_conversation_that_this_tool_made_is_deleted_with_its_messages() -> None:
    """Children first; they need no requests of their own."""
    plan = applied(*messages("a", "b")).declaring().plan(**GO)

    *children, parent = plan.actions
    assert steps(plan) == [("a", "delete"), ("b", "delete"), (AT, "delete")]
    assert all(action.with_parent for action in children)
    assert {action.reason for action in plan.actions} == {Reason.REMOVED_FROM_MANIFEST}
    assert (parent.sid, parent.index) == (CONVERSATION_SID, 1)
    assert parent.before == {"friendly_name": "Order", "unique_name": "order"}


def test_what_is_forgotten_does_not_go_along() -> None:
    """A message that is gone already is no part of what the conversation takes with it."""
    plan = applied(*messages("a", "b")).without("a").declaring().plan(**GO)

    assert [(action.verb, action.with_parent) for action in plan.actions] == [
        (Verb.FORGET, False),
        (Verb.DELETE, True),
        (Verb.DELETE, False),
    ]


def test_a_removed_conversation_that_was_found_is_only_let_go_of() -> None:
    """Its managed messages are deleted; it stays, and so does what others wrote."""
    scene = applied(message("a")).remembering(AT, created=False).also(live("IM8", 8))

    plan = scene.declaring().plan(**GO)

    assert steps(plan) == [("a", "delete")]
    assert plan.records == (Unbound(AT),)


def test_a_removed_conversation_with_messages_of_others_is_kept_and_forgotten() -> None:
    """Also one that this tool made: what is not managed is not lost."""
    plan = applied(message("a")).also(live("IM8", 8)).declaring().plan(**GO)

    assert steps(plan) == [("a", "delete"), (AT, "forget")]
    assert codes(plan.warnings) == ["parent_kept"]
    assert plan.warnings[0].text == f"{CONVERSATION_SID} is kept and forgotten: it holds 1 message of others"


def test_a_conversation_that_was_not_read_as_a_whole_is_never_deleted() -> None:
    """It may hold anything."""
    plan = applied(message("a")).showing(complete=False).declaring().plan(**GO)

    assert steps(plan) == [("a", "delete"), (AT, "forget")]
    assert "was not read as a whole" in plan.warnings[0].text


def test_a_removed_conversation_that_is_gone_is_dropped_from_the_state() -> None:
    """Its messages are forgotten with it."""
    plan = applied(message("a")).vanished().declaring().plan()

    assert steps(plan) == [("a", "forget")]
    assert plan.records == (Unbound(AT),)


def test_superseded_messages_are_no_reason_to_keep_a_conversation() -> None:
    """They are ours."""
    scene = applied(message("a")).also(live("IM-old", 9)).remembering(at("a"), superseded=("IM-old",))

    assert steps(scene.declaring().plan(**GO))[-1] == (AT, "delete")


def test_destroying_takes_everything_that_is_managed() -> None:
    """Messages, the conversation and the service, children before parents, as requested."""
    plan = applied(*messages("a", "b")).plan(destroy=True)

    assert steps(plan) == [("a", "delete"), ("b", "delete"), (AT, "delete"), (SERVICE, "delete")]
    assert {action.reason for action in plan.actions} == {Reason.REQUESTED}
    assert plan.warnings == ()
    assert plan.actions[-1].before == {"friendly_name": "desk"}
    assert plan.applyable


def test_destroying_needs_no_manifest() -> None:
    """The state says what is managed."""
    scene = applied(message("a"))

    assert steps(scene.wanting_nothing().plan(destroy=True)) == steps(scene.plan(destroy=True))


def test_destroying_what_was_found_leaves_the_parents() -> None:
    """Nothing but the messages goes, and the state forgets the rest."""
    scene = applied(message("a")).remembering(AT, created=False).remembering(SERVICE, created=False)

    plan = scene.plan(destroy=True)

    assert steps(plan) == [("a", "delete")]
    assert set(plan.records) == {Unbound(AT), Unbound(SERVICE)}


def test_destroying_a_conversation_with_messages_of_others_keeps_it_and_its_service() -> None:
    """Both are forgotten, with a warning each."""
    plan = applied(message("a")).also(live("IM8", 8)).plan(destroy=True)

    assert steps(plan) == [("a", "delete"), (AT, "forget"), (SERVICE, "forget")]
    assert [(one.code, one.address) for one in plan.warnings] == [
        ("parent_kept", AT),
        ("parent_kept", SERVICE),
    ]
    assert "holds 1 conversation that stays" in plan.warnings[1].text


def test_destroying_under_unmanaged_delete_takes_the_messages_of_others_too() -> None:
    """The manifest said that they may go; each is named and counted."""
    scene = applied(message("a"), unmanaged=Unmanaged.DELETE).also(live("IM8", 8), live("IM9", 9))

    plan = scene.plan(destroy=True)

    assert steps(plan) == [
        ("a", "delete"),
        ("IM8", "delete"),
        ("IM9", "delete"),
        (AT, "delete"),
        (SERVICE, "delete"),
    ]
    assert plan.actions[3].index == 9
    assert [one.with_parent for one in plan.actions] == [True, True, True, False, False]
    assert [one.reason.value for one in plan.actions[1:3]] == ["unmanaged", "unmanaged"]
    assert plan.counts.destroy == 5


def test_a_released_message_keeps_its_conversation_even_under_unmanaged_delete() -> None:
    """It was to be spared."""
    scene = applied(*messages("a", "b"), unmanaged=Unmanaged.DELETE).remembering(at("a"), released=True)

    plan = scene.plan(destroy=True)

    assert steps(plan) == [("b", "delete"), (AT, "forget"), (SERVICE, "forget")]


def test_destroying_asks_the_manifests_what_is_protected() -> None:
    """A protected message stops it, also where it would go with its conversation."""
    scene = applied(message("a", prevent_destroy=True), message("b"))

    assert codes(scene.plan(destroy=True, **GO).refusals) == ["prevent_destroy"]
    assert scene.wanting_nothing().plan(destroy=True).applyable


def test_destroying_a_conversation_whose_own_binding_is_lost() -> None:
    """The manifest says which it is: its bound messages go, and it stays, as nobody knows who made it."""
    scene = applied(message("a")).forgetting(AT)

    plan = scene.plan(destroy=True)

    assert steps(plan) == [("a", "delete"), (SERVICE, "forget")]
    assert plan.records == (Bound(AT, Binding(CONVERSATION_SID, service_sid=SERVICE_SID)),)


def test_destroying_leaves_conversations_that_are_not_bound() -> None:
    """A declared conversation that was never applied keeps the service, and is none of our business."""
    scene = applied(message("a")).forgetting(AT, at("a"))

    plan = scene.plan(destroy=True)

    assert steps(plan) == [(SERVICE, "forget")]
    assert plan.records == ()


def test_bound_messages_of_a_conversation_that_nothing_names_are_not_touched() -> None:
    """It was not read, so nothing is known about them; released ones are not worth a word."""
    scene = applied(*messages("a", "b")).wanting_nothing().forgetting(AT).reading(conversations={})

    plan = scene.plan(**GO)

    assert [(one.code, one.address) for one in plan.warnings] == [("not_looked_at", AT)]
    assert not [action for action in plan.actions if action.address.startswith(AT)]
    released = scene.remembering(at("a"), released=True).remembering(at("b"), released=True)
    assert "not_looked_at" not in codes(released.plan(**GO).warnings)


@pytest.mark.parametrize(("others", "step"), [({}, "delete"), ({SERVICE: 2}, "forget")])
def test_a_service_goes_only_if_nothing_is_left_in_it(others: dict[str, int], step: str) -> None:
    """Conversations that no address stands for are left in it."""
    plan = applied().wanting_nothing().reading(others=others).plan(**GO)

    assert steps(plan) == [(AT, "delete"), (SERVICE, step)]
    assert plan.actions[0].index == -1
    assert [one.text.rpartition("it ")[2] for one in plan.warnings] == (
        ["holds 2 conversations that stay"] if others else []
    )


def test_a_removed_service_that_is_gone_is_dropped_from_the_state() -> None:
    """Without a request."""
    scene = applied().vanished().reading(services={SERVICE: None}).wanting_nothing()

    assert scene.plan().records == (Unbound(AT), Unbound(SERVICE))


def test_a_service_that_was_not_read_is_left_alone() -> None:
    """Nothing is known about it."""
    scene = applied().wanting_nothing().reading(services={}, conversations={})

    assert scene.plan().records == ()
