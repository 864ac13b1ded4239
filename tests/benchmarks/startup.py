"""CPU of short commands beside an empty interpreter: `python -m tests.benchmarks startup`."""

from __future__ import annotations

import sys
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from tests.benchmarks._process import RECONCILER, run, say
from tests.benchmarks._workload import served

_ROUNDS = 15
_MESSAGES = 10


def main() -> None:
    """Measure the commands in turn, and print a line for each."""
    with TemporaryDirectory() as scratch, served(Path(scratch) / "workload", _MESSAGES, 1) as workload:
        validate, plan = [RECONCILER, "validate", str(workload.manifests)], workload.plan()
        commands = {
            "python -c pass": ([sys.executable, "-c", "pass"], False, 1),
            "version": ([RECONCILER, "version"], False, 6),
            "--help": ([RECONCILER, "--help"], False, 6),
            "validate of ten": (validate, False, 11),
            "… known manifests": (validate, True, 9),
            "plan of ten": (plan, False, 16),
            "… known manifests ": (plan, True, 14),
        }
        seconds: dict[str, list[float]] = {name: [] for name in commands}
        peak = dict.fromkeys(commands, 0)
        for command, _, _ in commands.values():  # compiles what it imports
            run(command, workload.environ, workload.folder)
        for _ in range(_ROUNDS):  # the commands take turns, so that a busy moment of the machine hits all
            for name, (command, known, _) in commands.items():
                if not known:
                    workload.forget()
                cost = run(command, workload.environ, workload.folder)
                seconds[name].append(cost.cpu)
                peak[name] = max(peak[name], cost.peak)
    floor = median(seconds["python -c pass"])
    for name, (_, _, bar) in commands.items():
        cpu = median(seconds[name])
        say(
            f"{name:18} {cpu / floor:5.1f} times an empty interpreter (at most {bar}), "
            f"{cpu * 1e3:4.0f} ms of CPU, peak {peak[name] / 1e6:.0f} MB"
        )


if __name__ == "__main__":
    main()
