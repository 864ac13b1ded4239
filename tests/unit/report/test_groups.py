"""Which conversations are printed as one, and what is said of the others."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from reconciler.plans.actions import Action, Reason, Verb
from reconciler.plans.plan import Parent, Plan
from reconciler.report.grouping import Group, grouped
from reconciler.report.text import render_plan


def creates(conversation: str, **texts: str) -> list[Action]:
    """Return what makes a conversation with one message."""
    name = conversation.rpartition("/")[2]
    return [
        Action(conversation, Verb.CREATE, Reason.NOT_IN_STATE, after={"unique_name": name}),
        Action(f"{conversation}/hi", Verb.CREATE, Reason.NOT_IN_STATE, after={"body": "Hi", **texts}),
    ]


def groups(conversations: Iterable[list[Action]]) -> list[Group]:
    """Return the groups of a plan with these conversations."""
    return list(grouped(Plan(actions=tuple(action for one in conversations for action in one))))


def test_items_of_one_for_each_are_a_group_though_their_texts_differ() -> None:
    """The first is shown, and which fields each has for itself is said."""
    (group,) = groups(creates(f"desk/order[{n}]", body=f"Hi {n}", author="bot") for n in range(5))

    assert [action.address for action in group.actions] == ["desk/order[0]", "desk/order[0]/hi"]
    assert group.heading == (
        "5 conversations need the same 2 actions, shown once: desk/order[0], desk/order[1], desk/order[2], "
        "desk/order[3] and 1 more; each has its own body"
    )


def test_items_with_the_same_texts_are_said_to_be_equal() -> None:
    """Nothing is announced that is not there."""
    (group,) = groups(creates(f"desk/order[{n}]") for n in range(3))

    assert group.heading.endswith("desk/order[2]")


@pytest.mark.parametrize(
    "others",
    [
        [creates(f"desk/bill[{n}]", body=f"Bye {n}") for n in range(2)],
        [creates(f"desk/order-{n}", body=f"Bye {n}") for n in range(2)],
        [creates(f"desk/order[x{n}]", subject="s") for n in range(2)],
        [creates(f"desk/order[x{n}]")[1:] for n in range(2)],
    ],
    ids=["another for_each", "no for_each", "another field", "other actions"],
)
def test_what_is_not_of_the_group_is_printed_for_itself(others: list[list[Action]]) -> None:
    """A difference that `for_each` does not explain is always shown."""
    found = groups([*(creates(f"desk/order[{n}]", body=f"Hi {n}") for n in range(3)), *others])

    assert [bool(group.heading) for group in found] == [True, False, False]


def test_a_different_value_of_one_conversation_is_shown_where_none_is_an_item() -> None:
    """Five hundred written out by hand are one only if they are equal."""
    same = [creates(f"desk/order-{n}") for n in range(3)]

    found = groups([*same, creates("desk/order-x", body="Bye")])

    assert [bool(group.heading) for group in found] == [True, False]


def test_the_plan_of_a_thousand_items_fits_a_screen() -> None:
    """Parents of one `for_each` share a line, and so does what happens to all of them."""
    names = [f"desk/order[{n}]" for n in range(1000)]
    plan = Plan(
        actions=tuple(action for name in names for action in creates(name, body=f"I am {name}")),
        parents=(Parent("desk", "IS1", found=True), *(Parent(name, None, found=False) for name in names)),
    )

    lines = render_plan(plan).splitlines()

    assert len(lines) < 25
    assert "  desk/order[…]: 1,000 to be created" in lines
    assert "  # each will be created (not_in_state: nothing is bound to this address yet)" in lines
    assert lines[-1] == "Plan: 2000 to add, 0 to change, 0 to destroy."


def test_a_group_of_different_actions_says_of_each_what_happens() -> None:
    """A header is left out only where it would repeat itself."""
    plans = [
        [
            Action(f"desk/c[{n}]/a", Verb.CREATE, Reason.NOT_IN_STATE, after={"body": "x"}),
            Action(
                f"desk/c[{n}]/b", Verb.DELETE, Reason.REMOVED_FROM_MANIFEST, sid="IM1", before={"body": "x"}
            ),
        ]
        for n in range(3)
    ]
    text = render_plan(Plan(actions=tuple(action for one in plans for action in one)))

    assert "  # desk/c[0]/a will be created\n" in text
    assert "  # desk/c[0]/b will be destroyed\n" in text
