"""Write to a bucket for a process that is gone by then: `python -m tests.crash.late_write ORDER`."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from base64 import b64decode, b64encode
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from reconciler.state.stores.adapters.obstore import open_blobs
from reconciler.state.stores.cloud import located
from reconciler.state.stores.primitives import Changed, Exists

ROOT = Path(__file__).parents[2]


def write_late(place: str, call: str, arguments: Sequence[Any]) -> None:
    """Start a process that does *call* of the bucket at *place*, and outlives this one."""
    coded = [b64encode(one).decode() if isinstance(one, bytes) else one for one in arguments]
    which = [isinstance(one, bytes) for one in arguments]
    order = json.dumps({"place": place, "call": call, "arguments": coded, "bytes": which})
    subprocess.Popen([sys.executable, "-m", "tests.crash.late_write", order], cwd=ROOT, close_fds=False)


async def _write(order: dict[str, Any]) -> None:
    where = located(order["place"])
    blobs = open_blobs(where.scheme, where.bucket, where.prefix, allow_http=True)
    arguments = [
        b64decode(one) if is_bytes else one
        for one, is_bytes in zip(order["arguments"], order["bytes"], strict=True)
    ]
    with suppress(Changed, Exists):
        await getattr(blobs, order["call"])(*arguments)
    await blobs.close()


if __name__ == "__main__":
    asyncio.run(_write(json.loads(sys.argv[1])))
