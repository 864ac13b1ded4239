"""Commands that take too long."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from reconciler.runtime.interrupts import Interrupts
from reconciler.watch import notify
from reconciler.watch.notify import Command


def test_the_time_limit_ends_a_command_and_what_it_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It refuses then, and nothing of it goes on."""
    monkeypatch.setattr(notify, "SECONDS", 1.0)
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    script = tmp_path / "slow.sh"
    script.write_text(f"(sleep 30; echo survived) > {pipe} &\nwait\n")
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)

    permitted = asyncio.run(Command(f"sh {script}", {"PATH": "/usr/bin:/bin"}).permits(b"{}", Interrupts()))

    assert not permitted
    os.set_blocking(reader, True)  # its end comes when the last that writes to it ends
    assert os.read(reader, 100) == b""
    os.close(reader)
