"""Some histories of our own code; `python -m tests.simulation --histories 1500` lives through more."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from tests.simulation.__main__ import caught, live
from tests.simulation.mutants import MUTANTS, Mutant


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Processes die with their tasks, of which asyncio would log each."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@pytest.mark.parametrize("first", [0, 13])
def test_no_history_of_our_own_code_goes_wrong(first: int) -> None:
    """Machines sleep past their leases, processes die, requests are late, and people unlock: in each mix."""
    verdicts = live(first, 13)

    assert [one for one in verdicts if one.wrong] == []
    assert sum(one.killed for one in verdicts) > 0
    assert sum(one.unlocked for one in verdicts) > 0
    assert sum(one.takeovers for one in verdicts) > 0


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_each_rule_is_needed(mutant: Mutant) -> None:
    """Without it a message is doubled, lost or out of order, no run can go on, or the serial falls."""
    assert caught(mutant) is not None
