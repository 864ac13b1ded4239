"""The command lines that are killed."""

from __future__ import annotations

from tests.crash.scenarios import Scenario

PLAN = "plan.bin"
SETTLE = "0.25"
"""Seconds that a run looks for what an earlier one may have created."""


def arguments(scenario: Scenario, *, again: bool = False) -> tuple[str, ...]:
    """Return the command line that applies *scenario*, or the one that does so *again* after a kill.

    A saved plan is stale once the state of before came back.
    """
    if scenario.saved and not (again and scenario.rolled_back):
        return ("apply", PLAN, "--settle", SETTLE)
    flags = (*scenario.flags, *(scenario.again if again else ()))
    return ("apply", "desk.yaml", "--auto-approve", "--settle", SETTLE, *flags)
