"""Which messages may stay, and what it costs; the laws are in the property tests."""

from __future__ import annotations

import pytest

from reconciler.planner.order import kept, out_of_order, price


@pytest.mark.parametrize(
    ("indexes", "stays"),
    [
        ([], 0),
        ([0, 1, 2], 3),
        ([0, 5, 9], 3),
        ([None, 0, 1], 0),
        ([0, None, 1], 1),
        ([0, 1, None], 2),
        ([0, 2, 1], 2),
        ([0, 0], 1),  # two keys of one message
    ],
)
def test_the_longest_rising_prefix_stays(indexes: list[int | None], stays: int) -> None:
    """Behind the first message that is missing, or lower than the one before, nothing may stay."""
    assert kept(indexes) == stays


def test_the_price_of_an_insertion_is_said_in_its_own_words() -> None:
    """Inserting after 12 of 40: 29 creates, and 28 deletes of what they replace."""
    indexes = [*range(12), None, *range(12, 40)]

    cost = price(indexes, [index is not None for index in indexes])

    assert str(cost) == "insert after 12 of 40: 28 re-posts, 57 requests"


def test_other_deletes_are_part_of_the_price() -> None:
    """What is removed at the same time is paid for too."""
    cost = price([None, 0], [False, True], deletes=3)

    assert cost is not None
    assert cost.requests == 2 + 1 + 3


def test_appending_has_no_price() -> None:
    """Nothing that stands is posted again."""
    assert price([0, 1, None, None], [True, True, False, False]) is None


@pytest.mark.parametrize(
    ("indexes", "wrong"),
    [
        ([0, 1, 2], []),
        ([0, 1, None], []),
        ([], []),
        ([None, 0, 1], [0]),  # the new one comes last
        ([2, 0, 1], [0]),  # one, not the two behind it
        ([0, None, 1, 2], [1]),
        ([0, 3, 1, 2], [1]),
    ],
)
def test_as_few_as_possible_stand_wrong(indexes: list[int | None], wrong: list[int]) -> None:
    """Of a new and an old message in each other's way, the new one is named, also later."""
    assert out_of_order(indexes) == wrong
