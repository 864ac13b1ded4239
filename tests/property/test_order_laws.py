"""Laws of order: as few messages as possible are posted again, and the price is what it costs."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations, pairwise

from hypothesis import given
from hypothesis import strategies as st

from reconciler.planner.order import kept, out_of_order, price


@st.composite
def orders(draw: st.DrawFn) -> list[int | None]:
    """Draw the live index of each message of a manifest, None where it does not exist."""
    size = draw(st.integers(0, 7))
    indexes = draw(
        st.permutations(draw(st.lists(st.integers(0, 20), min_size=size, max_size=size, unique=True)))
    )
    return [None if draw(st.booleans()) and draw(st.booleans()) else index for index in indexes]


def after(indexes: Sequence[int | None], staying: Sequence[int]) -> list[int]:
    """Return the indexes once all that do not stay were posted (again), in manifest order."""
    top = max((index for index in indexes if index is not None), default=-1)
    places = []
    for at, index in enumerate(indexes):
        if at in staying and index is not None:
            places.append(index)
        else:
            top += 1
            places.append(top)
    return places


def rises(places: Sequence[int]) -> bool:
    """Return whether each is higher than the one before."""
    return all(one < other for one, other in pairwise(places))


def most_that_may_stay(indexes: Sequence[int | None]) -> int:
    """Try every set of messages that could stay, the largest first."""
    existing = [at for at, index in enumerate(indexes) if index is not None]
    return next(
        size
        for size in range(len(existing), -1, -1)
        if any(rises(after(indexes, staying)) for staying in combinations(existing, size))
    )


@given(orders())
def test_no_larger_set_of_messages_may_stay(indexes: list[int | None]) -> None:
    """What `strict` keeps is as much as any choice could keep, and it leads to the manifest's order."""
    stays = kept(indexes)

    assert stays == most_that_may_stay(indexes)
    assert rises(after(indexes, range(stays)))


@given(orders(), st.integers(0, 3))
def test_the_price_counts_every_create_and_delete(indexes: list[int | None], deletes: int) -> None:
    """All that does not stay is created, and what of it exists is deleted."""
    existing = [index is not None for index in indexes]
    stays = most_that_may_stay(indexes)
    reposts = sum(existing) - stays

    cost = price(indexes, existing, deletes)

    if reposts:
        assert cost is not None
        assert (cost.after, cost.of, cost.reposts) == (stays, sum(existing), reposts)
        assert cost.requests == (len(indexes) - stays) + reposts + deletes
    else:
        assert cost is None


@given(orders())
def test_as_few_as_possible_are_called_out_of_order(indexes: list[int | None]) -> None:
    """Without those that are named, the rest rises, and no fewer could be named."""
    places = after(indexes, range(len(indexes)))
    everyone = range(len(indexes))

    wrong = out_of_order(indexes)

    assert rises([places[at] for at in everyone if at not in wrong])
    assert not any(
        rises([places[at] for at in everyone if at not in fewer])
        for fewer in combinations(everyone, max(len(wrong) - 1, 0))
        if len(fewer) < len(wrong)
    )


@given(orders())
def test_the_same_messages_are_out_of_order_once_the_new_ones_are_there(indexes: list[int | None]) -> None:
    """Posting what is new, at the end, changes nothing about who stands wrong."""
    assert out_of_order(after(indexes, range(len(indexes)))) == out_of_order(indexes)
