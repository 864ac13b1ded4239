"""The entry of the command line. What it settles must be settled before anything else is imported."""

from __future__ import annotations

import gc
from typing import NoReturn


def main() -> NoReturn:
    """Run the command line and exit."""
    # Imports and commands make millions of values and few cycles. Python looks for cycles after every 700 new
    # containers, which would double the cost of a plan.
    gc.set_threshold(100_000, 50, 100)
    from reconciler.cli.root import run  # noqa: PLC0415 - click, and what every command needs

    run()
