"""Run commands one after another in a checkout, each in a process of its own, and note what they open.

    python as_a_pull_request.py LOG FORBIDDEN… < commands

Each line of the input is a command. LOG gets a line for each file in a FORBIDDEN folder, and for each device,
that is opened. What is printed goes to this process's own streams.
"""

from __future__ import annotations

import os
import sys
from typing import Any

LOG = os.open(sys.argv[1], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
FORBIDDEN = (*sys.argv[2:], "/proc/self/environ", f"/proc/{os.getpid()}", "/dev/zero")
OPENERS = {"open", "os.listdir", "os.scandir", "sqlite3.connect", "os.mkdir", "os.rename", "os.remove"}


def note(event: str, details: tuple[Any, ...]) -> None:
    """Write down what is opened where nothing is to be."""
    if event not in OPENERS or not isinstance(details[0], str | bytes | os.PathLike):
        return
    if event == "open" and details[2] & os.O_NOFOLLOW and os.path.islink(details[0]):  # noqa: PTH114 - any path
        return  # the system refuses it
    path = os.path.realpath(os.fsdecode(details[0]))
    if path.startswith(FORBIDDEN) and "/.cache" not in path:
        os.write(LOG, f"{event} {path}\n".encode(errors="backslashreplace"))


def run(arguments: list[str]) -> None:
    """Be the command line."""
    sys.argv = ["reconciler", *arguments]
    from reconciler.cli.main import main  # noqa: PLC0415 - the hook is there first

    main()


if __name__ == "__main__":
    sys.addaudithook(note)
    import reconciler.api  # noqa: F401 - imported once for all

    for command in sys.stdin.read().splitlines():
        sys.stdout.write(f"$ {command}\n")
        sys.stdout.flush()
        child = os.fork()
        if child == 0:
            run(command.split())
        os.waitpid(child, 0)
