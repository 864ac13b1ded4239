"""Live through histories of the protocol on stores away from this machine, and count what goes wrong.

    python -m tests.simulation                       300 histories of our own code
    python -m tests.simulation --histories 1500 --seed 1000
    python -m tests.simulation --mutants             the same without each rule in turn

Exits 1 if a history of our own code went wrong: a message that is doubled, lost or out of order, a state
with which no run can go on, or a serial that falls. With `--mutants`, if a rule could be left out.
"""

from __future__ import annotations

import argparse
import logging
import sys
import time
from dataclasses import astuple
from typing import Final

import pytest

from tests.simulation.history import Verdict, live_through
from tests.simulation.mutants import MUTANTS, Mutant

SEARCHED: Final = 150
"""The histories that are lived through without a rule, at most, until one goes wrong."""


def main() -> int:
    """Run, print the count, and return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.simulation", description=__doc__.partition("\n")[0]
    )
    parser.add_argument("--histories", type=int, default=300, help="how many (default 300)")
    parser.add_argument("--seed", type=int, default=0, help="the first one (default 0)")
    parser.add_argument("--mutants", action="store_true", help="leave out each rule of the protocol in turn")
    given = parser.parse_args()
    logging.disable(logging.CRITICAL)  # processes die with their tasks
    if given.mutants:
        return max(map(_report, MUTANTS))
    began = time.monotonic()
    verdicts = live(given.seed, given.histories)
    runs, killed, cancelled, refused, unlocked, folds, takeovers, sleeps, reviewed, pushed, moved = (
        sum(column) for column in zip(*(astuple(one)[2:] for one in verdicts), strict=True)
    )
    wrong = [one for one in verdicts if one.wrong]
    for one in wrong:
        _say(f"history {one.seed}: {'; '.join(one.wrong)}")
    _say(
        f"{len(verdicts)} histories in {time.monotonic() - began:.0f} s: {runs} runs, of which {killed} were "
        f"killed, {cancelled} cancelled and {refused} ended with an error; {unlocked} unlocks, "
        f"{sleeps} sleeps, {folds} folds, {takeovers} leases taken over, {reviewed} saved plans, "
        f"{pushed} pushes, {moved} moves; "
        f"{len(wrong)} histories went wrong"
    )
    return 1 if wrong else 0


def live(first: int, histories: int) -> list[Verdict]:
    """Return the verdicts of so many histories of our own code."""
    return [live_through(seed) for seed in range(first, first + histories)]


def caught(mutant: Mutant) -> Verdict | None:
    """Return the first history that goes wrong without the rule of *mutant*; None if none does."""
    with pytest.MonkeyPatch.context() as patch:
        mutant.take_out(patch)
        verdicts = (live_through(mutant.seed + number, mutant.mix) for number in range(SEARCHED))
        return next((one for one in verdicts if one.wrong), None)


def _report(mutant: Mutant) -> int:
    verdict = caught(mutant)
    found = "NOTHING WRONG" if verdict is None else f"history {verdict.seed}: {verdict.wrong[0][:200]}"
    _say(f"rule {mutant.rule}, {mutant.name}: {found}")
    return int(verdict is None)


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
