"""Order, adoption and renames: what a conversation needs as a whole."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.model import Message, Order, Unmanaged
from reconciler.plans.actions import Reason, Verb
from reconciler.state.model import Bound
from reconciler.state.remembered import Intent
from tests.support.scenes import (
    AT,
    CONVERSATION_SID,
    LATER,
    SERVICE_SID,
    Scene,
    applied,
    at,
    codes,
    found,
    keys_of,
    live,
    live_of,
    message,
    messages,
    only,
    photo,
    steps,
)


def strict(*wanted: Message, **fields: Any) -> Scene:
    """Return an applied conversation in strict order."""
    return applied(*wanted, order=Order.STRICT, **fields)


def warning(scene: Scene, code: str, **options: Any) -> str:
    """Return the text of the only warning with that code."""
    (text,) = [one.text for one in scene.plan(**options).warnings if one.code == code]
    return text


def test_appending_under_append_is_no_news() -> None:
    """A new message at the end stands where the manifest has it."""
    plan = applied(*messages("a", "b")).wanting(*messages("a", "b", "c")).plan()

    assert steps(plan) == [("c", "create")]
    assert plan.warnings == ()


def test_an_insertion_under_append_is_appended_with_a_warning() -> None:
    """The order of the manifest cannot be met, and the reader is told which message it is about."""
    scene = applied(*messages("a", "b")).wanting(*messages("a", "x", "b", "y"))

    assert keys_of(scene.plan(), Verb.CREATE) == ["x", "y"]
    assert codes(scene.plan().warnings) == ["order_not_met"]
    assert scene.plan().warnings[0].address == at("x")
    assert warning(scene, "order_not_met").startswith(f"`{at('x')}` cannot stand where the manifest has it")


def test_several_messages_out_of_order_are_one_warning() -> None:
    """The first is named, the others are counted."""
    scene = applied(*messages("a", "b")).wanting(*messages("x", "a", "y", "b"))

    assert warning(scene, "order_not_met").startswith(f"`{at('x')}` and 1 more cannot stand")


def test_the_order_of_any_is_nobodys_concern() -> None:
    """Nothing is said and nothing is posted again."""
    scene = applied(*messages("a", "b"), order=Order.ANY).wanting(*messages("b", "x", "a"))

    assert steps(scene.plan()) == [("x", "create")]
    assert scene.plan().warnings == ()


def test_an_insertion_under_strict_posts_the_later_ones_again() -> None:
    """The plan says the price in so many words; the new ones come in manifest order."""
    keys = [f"m{number}" for number in range(40)]
    scene = strict(*messages(*keys)).wanting(*messages(*keys[:12], "new", *keys[12:]))

    plan = scene.plan(max_delete=100, max_delete_percent=True)

    assert warning(scene, "order_price") == "insert after 12 of 40: 28 re-posts, 57 requests"
    assert [key for key, _ in steps(plan)] == ["new", *keys[12:]]
    assert {action.reason for action in plan.actions[1:]} == {Reason.ORDER}
    assert plan.no_ops == 12


def test_appending_under_strict_costs_nothing_more() -> None:
    """There is no price to tell."""
    scene = strict(*messages("a")).wanting(*messages("a", "b"))

    assert steps(scene.plan()) == [("b", "create")]
    assert scene.plan().warnings == ()


def test_swapping_two_under_strict_replaces_from_the_first_on() -> None:
    """Only what stands before both may stay."""
    plan = strict(*messages("a", "b", "c", "d")).wanting(*messages("a", "c", "b", "d")).plan()

    assert steps(plan) == [("b", "replace"), ("d", "replace")]
    assert "insert after 2 of 4: 2 re-posts, 4 requests" in {one.text for one in plan.warnings}


def test_deleting_under_strict_replaces_nothing() -> None:
    """What is left still rises."""
    assert steps(strict(*messages("a", "b", "c")).wanting(*messages("a", "c")).plan()) == [("b", "delete")]


def test_the_price_counts_what_is_deleted_at_the_same_time() -> None:
    """One create, one re-post, and the delete of a removed key: four requests."""
    scene = strict(*messages("a", "b", "c")).wanting(*messages("b", "x", "c"))

    assert warning(scene, "order_price") == "insert after 1 of 2: 1 re-posts, 4 requests"


def test_a_message_that_vanished_is_put_back_in_its_place() -> None:
    """Under `strict` what stands behind it is posted again after it."""
    plan = strict(*messages("a", "b", "c")).without("b").plan()

    assert steps(plan) == [("b", "create"), ("c", "replace")]
    assert plan.actions[0].reason is Reason.MISSING_REMOTELY


def test_a_message_that_must_be_replaced_anyway_keeps_its_reason() -> None:
    """What stands behind it is replaced for its order; a change is sent with the new message."""
    scene = strict(photo("a"), message("b")).wanting(photo("a", "1"), message("b", body="new"))

    first, second = scene.plan().actions

    assert (first.verb, first.reason) == (Verb.REPLACE, Reason.IMMUTABLE_FIELD)
    assert (second.verb, second.reason) == (Verb.REPLACE, Reason.ORDER)
    assert second.send["body"] == "new"
    assert second.replace_paths == ()


def test_a_match_that_stands_there_unmanaged_stops_the_plan() -> None:
    """A lost state never doubles a conversation: the plan asks which way to go."""
    scene = applied(*messages("a", "b")).forgetting(at("a"), at("b"))

    plan = scene.plan()

    assert steps(plan) == [("a", "create"), ("b", "create")]
    assert codes(plan.refusals) == ["identical_exists"]
    assert plan.refusals[0].text == (
        f"2 messages to be created in `{AT}` stand there already, unmanaged "
        f"(the first: `{at('a')}` equals IMa)"
    )
    assert "--adopt" in plan.refusals[0].hint
    assert "--duplicate" in plan.refusals[0].hint


def test_adopting_takes_over_what_is_there() -> None:
    """No request: the address is bound to the message, and its key is now what keeps it."""
    wanted = message("a", date_updated=LATER)
    scene = found(wanted, message("b")).also(live_of(wanted, "IM7", 7))

    plan = scene.plan(adopt=True)

    adopted = plan.actions[0]
    assert steps(plan) == [("a", "adopt"), ("b", "create")]
    assert (adopted.reason, adopted.sid, adopted.index, adopted.send) == (
        Reason.IDENTICAL_EXISTS,
        "IM7",
        7,
        {},
    )
    assert found(wanted).also(live_of(wanted, "IM7", 7)).plan().refusals[0].text == (
        f"1 message to be created in `{AT}` stands there already, unmanaged "
        f"(the first: `{at('a')}` equals IM7)"
    )
    assert ("adopted", at("a")) in {(one.code, one.address) for one in plan.warnings}


def test_what_cannot_be_seen_of_an_adopted_message_is_said() -> None:
    """Its subject is assumed to be the declared one."""
    scene = found(message("a", subject="s")).also(live_of(message("a"), "IM7", 7))

    assert "`subject`" in warning(scene, "assumed_equal", adopt=True)


def test_duplicating_creates_what_is_there_already() -> None:
    """The other way out that the refusal names."""
    scene = found(message("a")).also(live_of(message("a"), "IM7", 7))

    plan = scene.plan(duplicate=True)

    assert steps(plan) == [("a", "create")]
    assert plan.applyable


def test_bound_and_superseded_messages_are_never_adopted() -> None:
    """They stand for something already."""
    scene = applied(message("a", body="ok")).also(live("IM-old", 9, body="ok"))
    scene = scene.remembering(at("a"), superseded=("IM-old",))

    plan = scene.wanting(message("a", body="ok"), message("b", body="ok")).plan(adopt=True)

    assert steps(plan) == [("b", "create"), ("a", "delete")]


def test_what_an_open_intent_may_have_made_is_nobodys() -> None:
    """Above its boundary nothing is adopted, and nothing deleted as unmanaged."""
    open_ = Intent(at("x"), boundary=3)
    scene = found(message("a", body="ok"), unmanaged=Unmanaged.DELETE)
    scene = scene.also(live("IM5", 5, body="ok"), live("IM4", 4, body="?"), live("IM3", 3, body="?"))
    scene = scene.knowing(intents={at("x"): open_, at("y"): Intent(at("y"), boundary=4), AT: Intent(AT)})

    assert steps(scene.plan()) == [("a", "create"), ("IM3", "delete")]


def test_unmanaged_delete_adopts_what_matches_and_deletes_the_rest() -> None:
    """It asks for no flag: doubling is not possible here."""
    scene = found(message("a"), unmanaged=Unmanaged.DELETE)
    scene = scene.also(live("IM8", 8, body="spam", author="x"), live_of(message("a"), "IM7", 7))

    plan = scene.plan()

    assert steps(plan) == [("a", "adopt"), ("IM8", "delete")]
    assert plan.actions[1].reason is Reason.UNMANAGED
    assert plan.actions[1].before["author"] == "x"
    assert plan.applyable


def test_unmanaged_delete_finds_strangers_in_a_conversation_that_needs_nothing_else() -> None:
    """Where every key is as it should be, a stranger is still deleted."""
    scene = applied(message("a"), unmanaged=Unmanaged.DELETE).also(live("IM8", 8, body="spam"))

    assert steps(scene.plan()) == [("IM8", "delete")]


def test_unmanaged_messages_are_kept_by_default() -> None:
    """What others wrote is none of our business."""
    assert applied(message("a")).also(live("IM8", 8, body="?")).plan().actions == ()


def test_an_adopted_message_in_the_wrong_place_is_on_record_before_it_is_replaced() -> None:
    """Under `strict` it is taken over and posted again; the state knows the old one first."""
    scene = strict(message("a")).also(live_of(message("c"), "IMc", 9))

    plan = scene.wanting(*messages("a", "new", "c")).plan(adopt=True)

    (record,) = plan.records
    assert isinstance(record, Bound)
    assert steps(plan) == [("new", "create"), ("c", "replace")]
    assert plan.actions[1].reason is Reason.ORDER
    assert (record.address, record.binding.sid, record.binding.imported) == (at("c"), "IMc", True)
    assert record.binding.conversation_sid == CONVERSATION_SID
    assert record.binding.service_sid == SERVICE_SID


def test_an_adopted_message_in_its_place_is_kept_under_strict() -> None:
    """What stands behind it may have to go, it may not."""
    scene = strict(*messages("a", "b")).without("a").also(live_of(message("a"), "IM9", 9))

    assert steps(scene.plan(adopt=True)) == [("a", "adopt"), ("b", "replace")]


@pytest.mark.parametrize("superseded", [("IM-old",), ("IM-old", "IM-gone")])
def test_replacing_an_adopted_message_keeps_what_the_address_superseded(superseded: tuple[str, ...]) -> None:
    """The leftovers of an address that lost its message are not forgotten over its new one."""
    scene = strict(*messages("a", "b")).without("b").also(live_of(message("b"), "IM9", 9), live("IM-old", 5))
    scene = scene.remembering(at("b"), superseded=superseded)

    plan = scene.wanting(message("new"), *messages("a", "b")).plan(adopt=True)

    (binding,) = [one.binding for one in plan.records if isinstance(one, Bound)]
    assert keys_of(plan, Verb.REPLACE) == ["a", "b"]
    assert (binding.sid, binding.superseded) == ("IM9", ("IM-old",))


def test_a_renamed_key_moves() -> None:
    """One vanished and one new key say the same: no request is needed."""
    action = only(applied(*messages("a", "b")).wanting(message("a"), message("c", body="text of b")).plan())

    assert (action.verb, action.reason, action.address, action.previous_address) == (
        Verb.MOVE,
        Reason.RENAMED,
        at("c"),
        at("b"),
    )


def test_a_renamed_message_that_drifted_moves_and_is_updated() -> None:
    """The action is the update's, with the previous address."""
    scene = applied(message("a")).edited("a", body="edited").wanting(message("c", body="text of a"))

    action = only(scene.plan())

    assert (action.verb, action.reason, action.previous_address) == (Verb.UPDATE, Reason.DRIFTED, at("a"))


def test_a_moved_address_takes_its_superseded_messages_along() -> None:
    """They are deleted under the new address, where their record is by then."""
    scene = applied(message("a")).remembering(at("a"), superseded=("IM-old",)).also(live("IM-old", 9))

    plan = scene.wanting(message("c", body="text of a")).plan()

    assert steps(plan) == [("c", "move"), ("c", "delete")]


@pytest.mark.parametrize(
    "wanted",
    [
        message("c", body="text of b", author="alice"),  # another field
        message("c", body="text"),  # another value
        photo("c", body="text of b"),
    ],
)
def test_a_key_that_says_anything_else_is_not_renamed(wanted: Message) -> None:
    """Then one message goes and another comes."""
    plan = applied(*messages("a", "b")).wanting(message("a"), wanted).plan()

    assert steps(plan) == [("c", "create"), ("b", "delete")]


def test_ambiguous_renames_are_not_guessed() -> None:
    """Two of the same could each be the one: the plan names the block that says which."""
    scene = applied(message("a", body="ok"), message("b", body="ok"))

    plan = scene.wanting(message("c", body="ok")).plan()

    assert steps(plan) == [("c", "create"), ("a", "delete"), ("b", "delete")]
    assert codes(plan.warnings) == ["rename_ambiguous"]
    assert "`moved:`" in plan.warnings[0].text


@pytest.mark.parametrize(
    ("lost", "left"), [({"released": True}, []), ({"sid": "IM-gone"}, [("a", "forget")])]
)
def test_what_is_released_or_gone_was_not_renamed(lost: dict[str, Any], left: list[tuple[str, str]]) -> None:
    """Only a live message that is managed can have got another key."""
    scene = applied(message("a")).remembering(at("a"), **lost).wanting(message("c", body="text of a"))

    assert steps(scene.plan(duplicate=True)) == [("c", "create"), *left]


def test_a_key_that_is_bound_is_not_new() -> None:
    """The one that stays is not what the one that goes was renamed to."""
    scene = applied(message("a", body="ok"), message("b", body="ok")).wanting(message("a", body="ok"))

    assert steps(scene.plan()) == [("b", "delete")]


def test_moving_sends_nothing() -> None:
    """Not even the date of the last edit, which goes with every update."""
    scene = applied(message("a", date_updated=LATER))

    assert only(scene.wanting(message("c", body="text of a", date_updated=LATER)).plan()).send == {}
