"""Processes that are killed at any request and at any write to a real server of objects: a seeded sample."""

from __future__ import annotations

import pytest

from tests.crash.__main__ import SCENARIOS, kill

NAMES = {scenario.name for scenario in SCENARIOS}


@pytest.mark.parametrize("state", ["s3", "az"])
def test_killed_process_whose_state_is_in_a_bucket(state: str) -> None:
    """Nothing is lost, doubled, out of order or unreadable; `tests.crash --all` visits every point."""
    killed, wrong = kill(NAMES, 30, seed=23, state=state)

    assert not wrong
    assert len(killed) >= 20


@pytest.mark.parametrize("state", ["s3", "az"])
def test_killed_again_while_it_recovers(state: str) -> None:
    """The run that takes over is killed too, and the third puts everything right."""
    _, wrong = kill({"first-apply", "strict", "people"}, 9, seed=24, twice=True, state=state)

    assert not wrong


def test_killed_process_whose_state_is_in_a_database() -> None:
    """At any request and at any statement; `tests.crash --state postgresql --all` visits every point."""
    killed, wrong = kill(NAMES, 30, seed=23, state="postgresql")

    assert not wrong
    assert len(killed) >= 20
