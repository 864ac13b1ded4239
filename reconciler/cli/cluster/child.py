"""The command of a task. It ends when the worker does, and is stopped as Ctrl-C stops it when that asks."""

from __future__ import annotations

import os
import signal
import sys
from threading import Thread
from typing import BinaryIO, NoReturn

from reconciler.cli.main import main


def obey(orders: BinaryIO) -> None:
    """Stop gently for each line in *orders*, and at once at their end: the worker is gone."""
    for _ in orders:
        os.kill(os.getpid(), signal.SIGINT)
    os._exit(1)


def run() -> NoReturn:
    """Run the command line in `sys.argv`."""
    orders = os.fdopen(os.dup(sys.stdin.fileno()), "rb")
    with open(os.devnull, "rb") as nothing:  # noqa: PTH123
        os.dup2(nothing.fileno(), sys.stdin.fileno())
    Thread(target=obey, args=(orders,), daemon=True).start()
    main()


if __name__ == "__main__":
    run()
