"""Plans about a part: `--target` and `--exclude`."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from reconciler.model import Order, Unmanaged
from reconciler.plans.plan import Parent
from reconciler.plans.selection import Selection
from tests.support.scenes import (
    AT,
    CONVERSATION_SID,
    SERVICE,
    SERVICE_SID,
    applied,
    at,
    codes,
    empty,
    found,
    live,
    live_of,
    message,
    messages,
    steps,
)

GO = {"max_delete": 100, "max_delete_percent": True}


@pytest.mark.parametrize(
    ("targets", "excludes", "meant"),
    [
        ((), (), True),
        (("desk/order/a",), (), True),
        (("desk/order",), (), True),  # a parent stands for all in it
        (("desk",), (), True),
        (("*/a",), (), True),
        (("desk/*",), (), True),
        (("desk/order/b", "d?sk"), (), True),
        (("order",), (), False),
        (("desk/order/",), (), False),
        (("DESK",), (), False),
        ((), ("desk/order",), False),
        ((), ("*/b",), True),
        (("desk",), ("*/a",), False),
    ],
)
def test_globs_name_addresses_and_what_is_in_them(
    targets: tuple[str, ...],
    excludes: tuple[str, ...],
    meant: bool,  # noqa: FBT001
) -> None:
    """`*` also matches `/`; an exclusion is stronger than a target."""
    assert ("desk/order/a" in Selection(targets, excludes)) is meant


def test_only_what_is_targeted_is_planned() -> None:
    """The rest is neither changed nor counted."""
    scene = applied(*messages("a", "b", "c")).wanting(
        message("a", body="x"), message("b", body="x"), message("d")
    )

    plan = scene.plan(targets=(at("b"), at("c")))

    assert steps(plan) == [("b", "update"), ("c", "delete")]
    assert plan.no_ops == 0


def test_what_is_excluded_is_not_planned() -> None:
    """Everything else is."""
    scene = applied(*messages("a", "b", "c")).wanting(message("a", body="x"), message("b", body="x"))

    plan = scene.plan(excludes=(at("b"), at("c")))

    assert steps(plan) == [("a", "update")]


def test_a_partial_plan_says_so() -> None:
    """The reader must not take it for the whole, nor a glob with a slip for one that worked."""
    plan = applied(message("a")).plan(targets=("desk/*", "dsek/*"), excludes=("nobody",))

    assert [(one.code, one.address) for one in plan.warnings] == [
        ("partial", ""),
        ("matches_nothing", "dsek/*"),
        ("matches_nothing", "nobody"),
    ]


def test_a_whole_plan_does_not_say_so() -> None:
    """No warning where neither option is given."""
    assert applied(message("a")).plan().warnings == ()


def test_a_targeted_message_brings_its_parents_along() -> None:
    """They must exist before it can be posted."""
    plan = empty(*messages("a", "b")).plan(targets=(at("b"),))

    assert steps(plan) == [(SERVICE, "create"), (AT, "create"), ("b", "create")]


def test_a_targeted_message_does_not_change_its_parents() -> None:
    """A conversation that is there is bound, and stays as it is."""
    scene = found(*messages("a", "b")).being(friendly_name="Other")

    plan = scene.plan(targets=(at("b"),))

    assert steps(plan) == [("b", "create")]
    assert [record.address for record in plan.records] == [SERVICE, AT]
    assert plan.parents == (
        Parent(SERVICE, SERVICE_SID, found=True),
        Parent(AT, CONVERSATION_SID, found=True),
    )


def test_parents_that_nothing_targeted_needs_are_left_out() -> None:
    """Neither created nor mentioned."""
    plan = empty(message("a")).plan(excludes=(AT,))
    nothing = empty(message("a")).plan(targets=("other",))

    assert steps(plan) == [(SERVICE, "create")]
    assert [parent.address for parent in plan.parents] == [SERVICE]
    assert (nothing.actions, nothing.parents, nothing.records) == ((), (), ())


def test_unmanaged_delete_does_nothing_in_a_partial_plan() -> None:
    """Neither does it delete, nor adopt on its own account."""
    scene = found(message("a"), unmanaged=Unmanaged.DELETE)
    scene = scene.also(live("IM8", 8, body="?"), live_of(message("a"), "IM7", 7))

    plan = scene.plan(targets=("desk",))

    assert steps(plan) == [("a", "create")]
    assert codes(plan.refusals) == ["identical_exists"]


@pytest.mark.parametrize("order", [Order.STRICT, Order.APPEND])
def test_order_waits_for_a_plan_of_the_whole_conversation(order: Order) -> None:
    """Nothing outside of the part is posted again."""
    scene = applied(*messages("a", "b"), order=order).wanting(*messages("new", "a", "b"))

    plan = scene.plan(targets=(at("new"),))

    assert steps(plan) == [("new", "create")]
    assert codes(plan.warnings) == ["partial"]


def test_strict_order_holds_where_the_whole_conversation_is_targeted() -> None:
    """Then nothing is outside of the part."""
    scene = applied(*messages("a", "b"), order=Order.STRICT).wanting(*messages("new", "a", "b"))

    assert steps(scene.plan(targets=(AT,))) == [("new", "create"), ("a", "replace"), ("b", "replace")]


def test_matches_pair_as_in_a_plan_of_the_whole() -> None:
    """The second of two equal messages is not bound to what the first one made."""
    wanted = [message("a", body="ok"), message("b", body="ok")]
    scene = found(*wanted).also(live("IM1", 1, body="ok"), live("IM2", 2, body="ok"))

    (adopted,) = scene.plan(targets=(at("b"),), adopt=True).actions
    assert adopted.sid == "IM2"
    assert scene.plan(targets=(at("b"),)).refusals[0].text.startswith("1 message to be created")


@pytest.mark.parametrize("target", ["a", "c"])
def test_a_rename_belongs_to_its_new_address(target: str) -> None:
    """The old address alone is neither deleted nor moved."""
    scene = applied(message("a")).wanting(message("c", body="text of a"))

    assert steps(scene.plan(targets=(at(target),))) == ([("c", "move")] if target == "c" else [])


def test_superseded_messages_outside_the_part_stay() -> None:
    """They wait for a plan that is about their address."""
    scene = applied(*messages("a", "b")).remembering(at("a"), superseded=("IM-old",)).also(live("IM-old", 9))

    assert steps(scene.plan(targets=(at("b"),))) == []
    assert steps(scene.plan(targets=(at("a"),))) == [("a", "delete")]


def test_a_part_of_a_removed_conversation_can_be_deleted() -> None:
    """The conversation stays, and stays known."""
    plan = applied(*messages("a", "b")).declaring().plan(targets=(at("a"),), **GO)

    assert steps(plan) == [("a", "delete")]
    assert plan.records == ()


@pytest.mark.parametrize(
    ("part", "left"),
    [
        ({"targets": (at("a"),)}, ["a"]),
        ({"targets": (AT,)}, ["a", "b", AT]),
        ({"excludes": (at("b"),)}, ["a"]),
        ({"excludes": (AT,)}, []),
        ({"excludes": (SERVICE,)}, []),
        ({"targets": (SERVICE,)}, ["a", "b", AT, SERVICE]),
    ],
)
def test_destroying_a_part_keeps_the_parents_of_what_is_left(part: dict[str, Any], left: list[str]) -> None:
    """A parent goes only with everything in it; kept ones are not forgotten."""
    plan = applied(*messages("a", "b")).plan(destroy=True, **part)

    assert steps(plan) == [(address, "delete") for address in left]
    assert plan.records == ()
    assert "parent_kept" not in codes(plan.warnings)


@pytest.mark.parametrize(
    ("targets", "waits"),
    [
        ((AT,), ""),
        ((at("*"),), ""),
        ((at("b"),), "; `order: strict` of `desk/order` waits for a plan of the whole"),
    ],
)
def test_what_is_said_to_wait_is_what_is_not_done(targets: tuple[str, ...], waits: str) -> None:
    """The order of a conversation that is selected with all its messages is seen to."""
    scene = applied(*messages("a", "b"), order=Order.STRICT).wanting(*messages("b", "a"))

    plan = scene.plan(targets=targets, **GO)

    texts = [warning.text for warning in plan.warnings if warning.code == "partial"]
    assert texts == [f"only a part is planned, as `--target` and `--exclude` say{waits}"]
    assert bool(plan.actions) is not bool(waits)


def test_what_is_unmanaged_is_said_to_wait_wherever_it_does() -> None:
    """Only the conversations that the plan is about are named, the first of them."""
    scene = applied(*messages("a"), order=Order.STRICT, unmanaged=Unmanaged.DELETE)
    other = msgspec.structs.replace(scene.conversation, name="other", unique_name="other")
    scene = scene.declaring(scene.conversation, other)

    whole, part, elsewhere = (
        next(one.text for one in scene.plan(targets=(glob,)).warnings if one.code == "partial")
        for glob in (SERVICE, at("a"), "nowhere")
    )

    assert whole.endswith("; `unmanaged: delete` of `desk/order` and 1 more waits for a plan of the whole")
    assert part.endswith("; `unmanaged: delete` of `desk/order` waits for a plan of the whole")
    assert elsewhere.endswith(" say")
