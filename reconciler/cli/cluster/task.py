"""The task of one part: `reconciler` as a process beside the worker, whose environment has the credentials.

Dask may run a task again that had succeeded. That is harmless: a plan changes nothing, and what of a saved
plan is done is not done again.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import msgspec

from reconciler.cli.cluster.order import Order, Reply
from reconciler.errors import SIGNALLED

_POLL: Final = 0.5
"""Seconds between two looks whether the work is to be stopped."""
_OF_THE_CLIENT: Final = frozenset(
    f"RECONCILER_{name}" for name in ("DASK", "SHARD", "OUT", "FORMAT", "DETAILED_EXITCODE")
)
"""Variables of options that are given to the client, and that a worker may share."""
_MOST: Final = 20_000
"""Characters of what a command printed that are sent back."""


_stopping: set[str] = set()
"""The names of the runs that are being stopped."""


def stop(run: str) -> None:
    """Ask what this worker does for *run* to stop gently, and begin nothing more of it."""
    _stopping.add(run)


def carry_out(data: bytes) -> bytes:
    """Carry out the order in *data*, and return the reply."""
    from distributed import get_worker  # noqa: PLC0415 - of the extra `dask`; a worker has it

    worker = str(get_worker().address)
    order = msgspec.json.decode(data, type=Order)
    if order.run in _stopping:
        return msgspec.json.encode(Reply(worker, SIGNALLED + signal.SIGINT, ""))
    if not Path(order.folder).is_dir():
        told = (
            f"error: there is no folder `{order.folder}`\nhint: workers need the same folder as the client\n"
        )
        return msgspec.json.encode(Reply(worker, 1, told))
    with TemporaryDirectory(prefix="reconciler-") as scratch:
        return msgspec.json.encode(_run(order, Path(scratch), worker))


def _run(order: Order, scratch: Path, worker: str) -> Reply:
    result, printed = scratch / "result", scratch / "printed"
    arguments = [*order.arguments, f"--out={result}", "--", *order.paths]
    if order.plan:
        plan = scratch / "plan"
        plan.touch(mode=0o600)
        plan.write_bytes(order.plan)
        arguments = [*order.arguments, f"--format=json={result}", "--", str(plan), *order.paths]
    with printed.open("wb") as stderr:
        code = _wait(arguments, order, stderr.fileno())
    told = printed.read_text(encoding="utf-8", errors="replace")[-_MOST:]
    return Reply(worker, code, told, result.read_bytes() if result.is_file() else b"")


def _wait(arguments: list[str], order: Order, stderr: int) -> int:
    """Run the command, stop it when that is asked for, and return its exit code.

    It ends by itself if this process does: then nothing holds its standard input open.
    """
    environ = {name: text for name, text in os.environ.items() if name not in _OF_THE_CLIENT}
    command = [sys.executable, "-m", "reconciler.cli.cluster.child", *arguments]
    with subprocess.Popen(  # noqa: S603 - of this very package
        command,
        cwd=order.folder,
        env=environ,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=stderr,
    ) as process:
        told = False
        while True:
            try:
                return process.wait(_POLL)
            except subprocess.TimeoutExpired:
                if not told and order.run in _stopping and process.stdin is not None:
                    process.stdin.write(b"stop\n")
                    process.stdin.flush()
                    told = True
