"""A seeded sample of the kill points; `python -m tests.crash --all` visits every one."""

from __future__ import annotations

from tests.crash.__main__ import SCENARIOS, kill

NAMES = {scenario.name for scenario in SCENARIOS}


def test_killed_process_leaves_nothing_that_the_next_apply_does_not_put_right() -> None:
    """Nothing is lost, doubled, out of order or unreadable, wherever the process dies."""
    killed, wrong = kill(NAMES, 48, seed=20)

    assert not wrong
    assert len(killed) >= 40


def test_process_that_is_killed_again_while_it_recovers() -> None:
    """The second apply dies too, and the third puts everything right."""
    _, wrong = kill(NAMES, 16, seed=21, twice=True)

    assert not wrong


def test_killed_process_whose_state_is_in_git() -> None:
    """At every request and push, also while one is under way, a run that comes later puts all right."""
    killed, wrong = kill(NAMES, 14, seed=22, state="git")

    assert not wrong
    assert len(killed) >= 10
