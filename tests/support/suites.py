"""Test suites that use the pytest plugin, run by pytest itself."""

from __future__ import annotations

import pytest

from reconciler.emulator import Emulator
from reconciler.emulator.database import Start

KILLED = """
import os, signal

def test_killed(reconciled):
    reconciled("support.yaml")
    os.kill(os.getpid(), signal.SIGKILL)
"""
"""A suite whose process is killed while its world is there."""


def services(remote: Emulator) -> list[str]:
    """Return the friendly names of the services at an emulator."""
    return [row[2] for row in remote.store.services.page(Start(), 1000).rows]


def passes(suite: pytest.Pytester, source: str, *arguments: str, count: int = 1) -> None:
    """Run *source* as the suite's tests, all of which must pass."""
    suite.makepyfile(source)
    suite.runpytest_inprocess("-W", "error", *arguments).assert_outcomes(passed=count)
