"""Run a process and say what it cost."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

RECONCILER = str(Path(sys.executable).with_name("reconciler"))
"""The command as it is installed, its start-up included."""

# A peak includes that of the process it was forked from, so a small one stands between.
_LAUNCHER = """
import os, sys, time
began = time.perf_counter()
pid = os.posix_spawn(sys.argv[2], sys.argv[2:], os.environ)
_, status, used = os.wait4(pid, 0)
wall = time.perf_counter() - began
with open(int(sys.argv[1]), "w") as out:
    print(used.ru_utime + used.ru_stime, wall, used.ru_maxrss, file=out)
sys.exit(os.waitstatus_to_exitcode(status))
"""
_UNIT = 1 if sys.platform == "darwin" else 1024


@dataclass(frozen=True, slots=True)
class Cost:
    """What one process used: seconds of CPU (user and system) and of the clock, and bytes at its peak."""

    cpu: float
    wall: float
    peak: int
    output: bytes


def run(command: Sequence[str], environ: Mapping[str, str] | None = None, folder: Path | None = None) -> Cost:
    """Run *command* in *folder* and return its cost; raises CalledProcessError unless it exits with 0."""
    receiver, sender = os.pipe()
    launcher = [sys.executable, "-I", "-S", "-c", _LAUNCHER, str(sender), *command]
    ended = subprocess.run(
        launcher, stdout=subprocess.PIPE, env=environ, cwd=folder, pass_fds=[sender], check=True
    )
    os.close(sender)
    with os.fdopen(receiver) as reported:
        cpu, wall, peak = map(float, reported.read().split())
    return Cost(cpu, wall, int(peak) * _UNIT, ended.stdout)


def say(line: str = "") -> None:
    """Print *line* at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
