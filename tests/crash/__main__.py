"""Kill real processes wherever they can be killed, and count what is wrong afterwards.

    python -m tests.crash                      60 points, chosen by chance
    python -m tests.crash --sample 200 --seed 7
    python -m tests.crash --all                every point of every scenario: some minutes
    python -m tests.crash --twice              the apply that follows is killed too, somewhere
    python -m tests.crash --state git          the state is in a git ref: killed at every push too
    python -m tests.crash --state s3           in a bucket of SeaweedFS (az: of Azurite): at every write to it
    python -m tests.crash --state postgresql   in a database, by group of conversations: at every statement

Exits 1 if after the next apply anything was lost, doubled, out of order or unreadable.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from tests.crash.places import PLACES
from tests.crash.points import Point
from tests.crash.saved_plans import SAVED_PLANS
from tests.crash.scenarios import SCENARIOS as OTHERS
from tests.crash.trial import Trial

SCENARIOS = (*OTHERS, *SAVED_PLANS)


def main() -> int:
    """Run, print the count, and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.crash", description=__doc__.partition("\n")[0])
    parser.add_argument("--all", action="store_true", help="every point")
    parser.add_argument("--sample", type=int, default=60, help="how many points (default 60)")
    parser.add_argument("--seed", type=int, default=0, help="chooses the points (default 0)")
    parser.add_argument("--scenario", choices=[scenario.name for scenario in SCENARIOS], help="only this one")
    parser.add_argument("--twice", action="store_true", help="kill the second apply too")
    parser.add_argument("--state", choices=PLACES, default="file", help="where the state is (default file)")
    given = parser.parse_args()
    names = {given.scenario} if given.scenario else {scenario.name for scenario in SCENARIOS}
    begun = time.monotonic()
    killed, wrong = kill(
        names, None if given.all else given.sample, given.seed, twice=given.twice, state=given.state
    )
    counts = Counter(point.scenario for point in killed)
    print(f"seed {given.seed}: {len(killed)} distinct kill points in {time.monotonic() - begun:.0f} s")  # noqa: T201
    for scenario in SCENARIOS:
        print(f"  {scenario.name}: {counts[scenario.name]}")  # noqa: T201
    for line in wrong:
        print(line)  # noqa: T201
    print(f"{len(wrong)} of them went wrong")  # noqa: T201
    return 1 if wrong else 0


def kill(
    names: set[str], sample: int | None, seed: int, *, twice: bool = False, state: str = "file"
) -> tuple[set[Point], list[str]]:
    """Kill at *sample* points of the named scenarios, or at all; return where, and what went wrong.

    *state* is the kind of place where the state is.
    """
    killed: set[Point] = set()
    wrong: list[str] = []
    chance = random.Random(seed)
    scenarios = [
        scenario
        for scenario in SCENARIOS
        if scenario.name in names and (state == "file" or not scenario.rolled_back)
    ]
    with tempfile.TemporaryDirectory() as folder, Trial(Path(folder), state) as trial:
        for scenario in scenarios:
            trial.prepare(scenario)
            points = list(trial.points(scenario))
            share = len(points) if sample is None else min(len(points), sample // len(scenarios))
            for point in chance.sample(points, share):
                trial.restore()
                then = chance.choice(points) if twice else None
                if trial.kill_at(point, scenario):
                    killed.add(point)
                if then is not None:
                    trial.kill_at(then, scenario, again=True)
                late = "late" in (point.when, then and then.when)
                wrong += [f"{point}, then {then}: {text}" for text in trial.faults_after(scenario, late=late)]
    return killed, wrong


if __name__ == "__main__":
    sys.exit(main())
