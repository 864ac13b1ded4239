"""What live messages say of creates without a reply: it is this one, it is none, or nobody can tell."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.resources.settlement import Candidate, Create, Settlement, settle
from tests.support.scenes import live


def seen(index: int, match: str = "#", **other: Any) -> Candidate:
    """Return a live message that answers to *match*, in tolerant eyes to `~`, written by `system`."""
    fields = {"tolerant": ("~",), "author": "system", "date": "then", **other}
    return Candidate(live(f"IM{index}", index), (match,), **fields)


def sent(address: str, boundary: int = 2, match: str = "#", **other: Any) -> Create:
    """Return a create that `seen` messages may be of."""
    return Create(address, boundary, match, **{"tolerant": "~", "author": "system", **other})


def sids(settlement: Settlement) -> tuple[dict[str, str], dict[str, str], set[str]]:
    """Return what was found exactly, and tolerantly, and what is open."""
    exact = {address: one.sid for address, one in settlement.exact.items()}
    return exact, {address: one.sid for address, one in settlement.forgiven.items()}, set(settlement.doubts)


def test_settling_takes_the_lowest_unclaimed_message_above_the_boundary() -> None:
    """Below it stands what was there before; claimed sids belong to others."""
    listed = [seen(index) for index in (5, 2, 3, 4)]
    creates = [sent("a"), sent("b"), sent("c", match="other", tolerant="else")]

    assert sids(settle(creates, listed, {"IM3"})) == ({"a": "IM4", "b": "IM5"}, {}, set())


def test_a_create_with_a_date_takes_what_has_that_date() -> None:
    """Although it was sent later, and others say the same."""
    listed = [seen(3, date="now"), seen(4, date="2026"), seen(5, date="now")]
    creates = [sent("a"), sent("dated", date="2026"), sent("b")]

    assert sids(settle(creates, listed, ())) == ({"a": "IM3", "dated": "IM4", "b": "IM5"}, {}, set())


@pytest.mark.parametrize("match", ["#", "normalised"])
def test_only_another_date_is_a_doubt(match: str) -> None:
    """It may be of somebody else, and nobody says that it is."""
    settlement = settle([sent("a", date="2026")], [seen(3, match, date="now")], ())

    assert sids(settlement) == ({}, {}, {"a"})
    assert settlement.doubts["a"] == "IM3 says the same, but has another date"


def test_a_lone_tolerant_match_of_the_same_author_is_ours() -> None:
    """The server normalised it."""
    assert sids(settle([sent("a")], [seen(3, "normalised")], ())) == ({}, {"a": "IM3"}, set())


@pytest.mark.parametrize(
    "listed",
    [
        [seen(3, "normalised", author="System")],
        [seen(3, "normalised"), seen(4, "other")],
    ],
    ids=["another author", "two of them"],
)
def test_any_other_tolerant_match_is_a_doubt(listed: list[Candidate]) -> None:
    """Identities are case-sensitive, and of two nobody knows which it is."""
    assert sids(settle([sent("a")], listed, ())) == ({}, {}, {"a"})


def test_exact_matches_of_all_come_before_any_tolerant_one() -> None:
    """What is the message of one create is no doubt about another."""
    creates = [sent("a", match="1"), sent("b", match="2")]

    assert sids(settle(creates, [seen(3, "2")], ())) == ({"b": "IM3"}, {}, set())


@pytest.mark.parametrize(
    ("listed", "claimed"), [([], set()), ([seen(2, "normalised")], set()), ([seen(3, "normalised")], {"IM3"})]
)
def test_what_is_below_the_boundary_or_claimed_is_no_doubt(
    listed: list[Candidate], claimed: set[str]
) -> None:
    """Nothing was left behind."""
    assert sids(settle([sent("a")], listed, claimed)) == ({}, {}, set())


def test_an_intent_of_an_older_release_knows_only_exact_matches() -> None:
    """It has no other digest, and an empty one fits nothing."""
    create = Create("a", 2, "#")

    assert sids(settle([create], [seen(3, "other")], ())) == ({}, {}, set())
