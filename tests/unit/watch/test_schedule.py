"""The rhythm of rounds: intervals, jitter, back-off, and which rounds look at everything."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.watch.schedule import LONGEST_PAUSE, Kind, Schedule


def _middle() -> float:
    return 0.5


def test_every_nth_round_is_full_and_the_first_is() -> None:
    """Between them are quick ones."""
    schedule = Schedule(interval=300, full_every=3)

    assert [schedule.kind(number) for number in range(5)] == [
        Kind.FULL,
        Kind.QUICK,
        Kind.QUICK,
        Kind.FULL,
        Kind.QUICK,
    ]


@pytest.mark.parametrize(
    ("failures", "seconds"), [(0, 300), (1, 300), (2, 600), (3, 1200), (5, 3600), (500, 3600)]
)
def test_failures_double_the_pause_up_to_an_hour(failures: int, seconds: float) -> None:
    """The first failure changes nothing: the next round comes in time."""
    assert Schedule(interval=300).pause(failures, _middle) == seconds


@given(
    interval=st.floats(1, 100_000),
    failures=st.integers(0, 10_000),
    chance=st.floats(0, 1),
)
def test_a_pause_is_near_the_interval_and_bounded(interval: float, failures: int, chance: float) -> None:
    """A tenth of jitter at most, never less than nine tenths of the interval."""
    pause = Schedule(interval).pause(failures, lambda: chance)

    assert 0.899 * interval <= pause <= 1.101 * max(interval, LONGEST_PAUSE)
