"""Large blocks that are freed go back to the system."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

FREED = """
import os
from pathlib import Path
from reconciler.runtime.memory import return_large_blocks

def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

if {called}:
    return_large_blocks()
block = b"x" * 30_000_000
del block  # from here on glibc keeps blocks of up to this size
kept = []
for number in range(8):
    block = b"x" * (16_000_000 + number * 500_000)  # does not fit into the hole that the last one left
    kept.append(b"y" * 100_000)  # stands behind it, as what is kept of a file does
    del block
print(resident())
"""


def resident(*, called: bool) -> int:
    """Return the bytes that a process has in memory once it has freed much."""
    script = FREED.format(called=called)
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return int(ran.stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other C libraries have rules of their own")
def test_freed_blocks_are_not_kept() -> None:
    """Without the call, some of them stay."""
    assert resident(called=True) < resident(called=False) - 16_000_000
