"""The lines for people."""

from __future__ import annotations

import pytest

from reconciler.watch.events import Ending, Told, sentence
from reconciler.watch.schedule import Kind


@pytest.mark.parametrize(
    ("told", "line"),
    [
        (Told(Kind.FULL, Ending.APPLIED, pending={"not_in_state": 4}, done=4), "applied 4 changes"),
        (
            Told(Kind.FULL, Ending.APPLIED, drift={"drifted": 1}, done=1),
            "applied 1 change (1 changed remotely)",
        ),
        (Told(Kind.FULL, Ending.INCOMPLETE, done=1, error="no"), "1 change applied, not all: no"),
        (Told(Kind.FULL, Ending.IN_SYNC, next_in=300.2), "in sync; next round in 300 s"),
        (Told(Kind.FULL, Ending.STOPPED), "stopped"),
    ],
)
def test_a_round_is_one_line(told: Told, line: str) -> None:
    """Nothing is pending after it was applied, and no next round is told of where none comes."""
    assert sentence(told) == f"full round: {line}"
