"""Run the command line on a clock that hurries, so that the lease of a process that was killed ends soon.

    python -m tests.crash.hurried FACTOR BEGAN reconciler's arguments…

Since the moment BEGAN, in seconds since 1970, FACTOR seconds pass for leases in each real one, for all
processes alike. What the database dates is moved likewise. Requests and everything else take real time.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Awaitable
from datetime import UTC, datetime

from msgspec.structs import replace

from reconciler.cli.main import main
from reconciler.state.stores import grouped, objects
from reconciler.state.stores.adapters.postgres import TableBlobs
from reconciler.state.stores.clocks import Clocks
from reconciler.state.stores.primitives import Blob


def hurry(factor: float, began: float) -> None:
    """Let the clocks of leases run *factor* times as fast since *began*."""

    def moved(moment: float) -> float:
        return began + (moment - began) * factor

    def sleep(seconds: float) -> Awaitable[None]:
        return asyncio.sleep(seconds / factor)

    clocks = Clocks(
        wall=lambda: moved(time.time()),
        steady=lambda: time.clock_gettime(time.CLOCK_MONOTONIC) * factor,
        sleep=sleep,
    )
    for module in (grouped, objects):
        vars(module)["Clocks"] = lambda: clocks
    get = TableBlobs.get

    async def hurried(blobs: TableBlobs, name: str) -> Blob | None:
        found = await get(blobs, name)
        return found and replace(
            found, modified=datetime.fromtimestamp(moved(found.modified.timestamp()), UTC)
        )

    setattr(TableBlobs, "get", hurried)  # noqa: B010


if __name__ == "__main__":
    hurry(float(sys.argv[1]), float(sys.argv[2]))
    sys.argv = ["reconciler", *sys.argv[3:]]
    main()
