"""What a person sees at a terminal while a command works, and what a log keeps of it."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from collections.abc import Sequence

import pyte
import pytest

from reconciler.emulator import Emulator, Fault
from reconciler.emulator.faults import Answer
from tests.support.project import Project

MANIFEST = "version: 1\nservices: {desk: {conversations: {order: {messages: [{key: a, body: Hello}]}}}}\n"
PAUSE = "Twilio asks for a pause (429)"
ROWS = 60


def on_terminal(
    project: Project, *arguments: str, columns: int = 100, term: str = "xterm"
) -> tuple[int, str]:
    """Run `reconciler ARGUMENTS` with its output on a terminal; return exit code and output."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, columns, 0, 0))
    with subprocess.Popen(
        [sys.executable, "-m", "reconciler", *arguments],
        cwd=project.folder,
        env={**project.environment(), "TERM": term},
        stdin=subprocess.DEVNULL,
        stdout=theirs,
        stderr=theirs,
    ) as process:
        os.close(theirs)
        written = b""
        while part := _read(ours):
            written += part
    os.close(ours)
    return process.returncode, written.decode()


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # Linux says so when the other side is closed
        return b""


def screen(written: str, columns: int) -> Sequence[str]:
    """Return the rows of a terminal after *written*."""
    shown = pyte.Screen(columns, ROWS)
    pyte.Stream(shown).feed(written)
    return [row.rstrip() for row in shown.display]


def pausing(remote: Emulator, kind: str) -> None:
    """Let the first request of *kind* be told to wait a second."""
    remote.faults.add(Fault(kind, Answer(429, retry_after=1), nth=1))


def test_a_pause_is_explained_while_it_lasts(served: Project, remote: Emulator) -> None:
    """For a plan that reads and for an apply that writes; of the line nothing is left in the end."""
    served.write("manifests/desk.yaml", MANIFEST)
    pausing(remote, "create_message")

    code, written = on_terminal(served, "apply", "--auto-approve")
    pausing(remote, "list_messages")
    pausing(remote, "fetch_message")
    planned, read = on_terminal(served, "plan")

    assert (code, planned) == (0, 0)
    assert re.search(rf"2 of 3 · \d:\d\d · waiting 1 s: {re.escape(PAUSE)}", written)
    assert re.search(rf"reading 0 of 1 conversation · \d:\d\d · waiting 1 s: {re.escape(PAUSE)}", read)
    assert not any(PAUSE in row for row in (*screen(written, 100), *screen(read, 100)))
    assert "Apply complete! Resources: 3 added, 0 changed, 0 destroyed." in screen(written, 100)
    assert "No changes. Your conversations match the manifests." in screen(read, 100)
    assert not any("infrastructure" in row for row in screen(read, 100))  # that is for programs


@pytest.mark.parametrize("columns", [20, 40])
def test_the_line_fits_a_narrow_terminal(served: Project, remote: Emulator, columns: int) -> None:
    """It never wraps, so that it can be cleared."""
    served.write("manifests/desk.yaml", MANIFEST)
    pausing(remote, "create_message")

    _, written = on_terminal(served, "apply", "--auto-approve", columns=columns)

    drawn = [part.partition("\r")[0] for part in written.split("\r\x1b[K")[1:-1]]
    assert max(map(len, drawn)) == columns - 1
    assert not any("waiting" in row for row in screen(written, columns))


@pytest.mark.parametrize("term", ["dumb", ""])
def test_a_terminal_without_escapes_gets_lines(served: Project, term: str) -> None:
    """No colour either."""
    served.write("manifests/desk.yaml", MANIFEST)

    code, written = on_terminal(served, "apply", "--auto-approve", term=term)

    assert code == 0
    assert "\x1b" not in written
    assert "desk/order/a: Creation complete [sid=IM" in written
