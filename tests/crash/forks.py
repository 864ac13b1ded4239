"""Start the command line quickly: import it once, and fork for every run.

Reads one JSON object a line from stdin and answers with two lines, the pid and the exit status (negative:
the signal). The child is a process of its own that runs the real `main`; it may be told to kill itself
at one of its calls to the disk, which no other part of the package knows about.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import tempfile
from contextlib import redirect_stderr, redirect_stdout, suppress
from io import StringIO
from pathlib import Path
from typing import Any, ClassVar, NoReturn, TypeVar

import httpcore  # noqa: F401  # here, so that no child has to

import reconciler.state.stores.file
from reconciler.cli.main import main
from reconciler.state.files import Files
from tests.crash.scenarios import SCENARIOS

T = TypeVar("T")


class DeadlyFiles(Files):
    """Kills the process at call number *fatal*: `before`, in the middle of (a write), or `after` it."""

    calls: ClassVar[list[str]] = []
    fatal = 0
    when = ""

    def _begin(self, name: str) -> None:
        self.calls.append(name)
        self._reach("before")

    def _reach(self, when: str) -> None:
        if (len(self.calls), when) == (self.fatal, self.when):
            os.kill(os.getpid(), signal.SIGKILL)

    def _done(self, result: T) -> T:
        self._reach("after")
        return result

    def create(self, path: Path, mode: int = 0o600) -> int:
        """Create, or die."""
        self._begin("create")
        return self._done(super().create(path, mode))

    def append(self, path: Path) -> int:
        """Open, or die."""
        self._begin("append")
        return self._done(super().append(path))

    def write(self, fd: int, data: bytes) -> None:
        """Write all, none, or half."""
        self._begin("write")
        if (len(self.calls), self.when) == (self.fatal, "middle"):
            super().write(fd, data[: len(data) // 2])
        self._reach("middle")
        self._done(super().write(fd, data))

    def sync(self, fd: int) -> None:
        """Flush, or die."""
        self._begin("sync")
        self._done(super().sync(fd))

    def replace(self, source: Path, path: Path) -> None:
        """Rename, or die."""
        self._begin("replace")
        self._done(super().replace(source, path))

    def remove(self, path: Path) -> None:
        """Remove, or die."""
        self._begin("remove")
        self._done(super().remove(path))

    def sync_folder(self, folder: Path) -> None:
        """Flush the names, or die."""
        self._begin("sync_folder")
        self._done(super().sync_folder(folder))


def serve() -> None:
    """Answer until stdin ends."""
    _warm_up()
    for line in sys.stdin:
        order = json.loads(line)
        pid = os.fork()
        if pid == 0:
            _run(order)
        print(pid, flush=True)  # noqa: T201  # the answer
        _, status = os.waitpid(pid, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)  # noqa: T201  # the answer


def _warm_up() -> None:
    """Import once what an apply and a plan need: by doing both."""
    with tempfile.TemporaryDirectory() as folder, redirect_stdout(StringIO()), redirect_stderr(StringIO()):
        path = Path(folder, "desk.yaml")
        common = [str(path), "--endpoint", f"emulator:{folder}/db", "--state", f"{folder}/state"]
        for text in (SCENARIOS[2].before, SCENARIOS[2].wanted):
            path.write_text(text)
            for command in (["apply", *common, "--auto-approve"], ["plan", *common]):
                sys.argv = ["reconciler", *command]
                with suppress(SystemExit):
                    main()


def _run(order: dict[str, Any]) -> NoReturn:
    os.chdir(order["folder"])
    os.environ.update(order["environ"])
    output = os.open(order["output"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    DeadlyFiles.fatal, DeadlyFiles.when = order["fatal"], order["when"]
    reconciler.state.stores.file.Files = DeadlyFiles  # type: ignore[attr-defined]
    sys.argv = ["reconciler", *order["arguments"]]
    code: int | str | None = 70
    try:
        main()
    except SystemExit as end:
        code = end.code
    except BaseException:  # noqa: BLE001  # nothing may get back into the loop of the parent
        sys.excepthook(*sys.exc_info())
    sys.stdout.flush()
    sys.stderr.flush()
    Path(order["output"] + ".calls").write_text(" ".join(DeadlyFiles.calls))
    os._exit(code if isinstance(code, int) else 1)


if __name__ == "__main__":
    serve()
