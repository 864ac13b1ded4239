"""Start the command line quickly: import it once, and fork for every run.

Reads one JSON object a line from stdin and answers with two lines, the pid and the exit status (negative:
the signal). The child is a process of its own that runs the real `main`; it may be told to kill itself
at one of its calls to the disk, which no other part of the package knows about.
"""

from __future__ import annotations

import atexit
import json
import os
import signal
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import redirect_stderr, redirect_stdout, suppress
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any, ClassVar, NoReturn, TypeVar

import httpcore  # noqa: F401  # here, so that no child has to
from msgspec.structs import replace

import reconciler.cli.root
import reconciler.state.stores.file
from reconciler.cli.main import main
from reconciler.state.files import Files
from reconciler.state.stores import grouped, objects, pages
from reconciler.state.stores.adapters.git_program import Git, Ran
from reconciler.state.stores.adapters.obstore import BucketBlobs
from reconciler.state.stores.adapters.postgres import TableBlobs
from reconciler.state.stores.clocks import Clocks
from reconciler.state.stores.primitives import Blob
from tests.crash.late_write import write_late
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


def _mortal(run: Callable[..., Ran]) -> Callable[..., Ran]:
    """Return *run* of git, whose pushes count as calls: one in the middle lands when the process is gone."""

    def mortal(git: Git, arguments: Sequence[str], **others: Any) -> Ran:
        if arguments[0] != "push":
            return run(git, arguments, **others)
        DeadlyFiles.calls.append("push")
        at = len(DeadlyFiles.calls)
        for when in ("before", "middle"):
            if (at, when) == (DeadlyFiles.fatal, DeadlyFiles.when):
                if when == "middle" and os.fork() == 0:
                    run(git, arguments, **others)
                    os._exit(0)
                os.kill(os.getpid(), signal.SIGKILL)
        ran = run(git, arguments, **others)
        if (at, "after") == (DeadlyFiles.fatal, DeadlyFiles.when):
            os.kill(os.getpid(), signal.SIGKILL)
        return ran

    return mortal


def _mortal_write(write: Callable[..., Awaitable[T]]) -> Callable[..., Awaitable[T]]:
    """Return *write* of a bucket, which counts as a call: in the middle it lands when the process is gone."""

    async def mortal(blobs: BucketBlobs, *arguments: Any) -> T:
        DeadlyFiles.calls.append("put")
        at = len(DeadlyFiles.calls)
        if (at, DeadlyFiles.when) == (DeadlyFiles.fatal, "middle"):
            write_late(blobs.place, write.__name__, arguments)
        if at == DeadlyFiles.fatal and DeadlyFiles.when in ("before", "middle"):
            os.kill(os.getpid(), signal.SIGKILL)
        try:
            return await write(blobs, *arguments)
        finally:
            if (at, DeadlyFiles.when) == (DeadlyFiles.fatal, "after"):
                os.kill(os.getpid(), signal.SIGKILL)

    return mortal


def _mortal_statement(rows: Callable[..., Awaitable[T]]) -> Callable[..., Awaitable[T]]:
    """Return *rows* of a database, of which each that writes counts as a call: it happens, or it does not."""

    async def mortal(blobs: TableBlobs, *arguments: Any, writes: bool = False, makes: bool = False) -> T:
        if not writes:
            return await rows(blobs, *arguments)
        DeadlyFiles.calls.append("statement")
        at = len(DeadlyFiles.calls)
        if (at, "before") == (DeadlyFiles.fatal, DeadlyFiles.when):
            os.kill(os.getpid(), signal.SIGKILL)
        try:
            return await rows(blobs, *arguments, writes=writes, makes=makes)
        finally:
            if (at, "after") == (DeadlyFiles.fatal, DeadlyFiles.when):
                os.kill(os.getpid(), signal.SIGKILL)

    return mortal


def _ahead(
    get: Callable[..., Awaitable[Blob | None]], seconds: float
) -> Callable[..., Awaitable[Blob | None]]:
    """Return *get* of a store whose clock goes ahead like that of the process."""

    async def ahead(blobs: BucketBlobs | TableBlobs, name: str) -> Blob | None:
        found = await get(blobs, name)
        return found and replace(found, modified=found.modified + timedelta(seconds=seconds))

    return ahead


def serve() -> None:
    """Answer until stdin ends; what a process that was killed has left running is waited for."""
    _warm_up()
    for line in sys.stdin:
        order = json.loads(line)
        alive, held = os.pipe()
        os.set_inheritable(held, True)  # noqa: FBT003  # for what the process leaves behind
        pid = os.fork()
        if pid == 0:
            _run(order)
        os.close(held)
        print(pid, flush=True)  # noqa: T201  # the answer
        _, status = os.waitpid(pid, 0)
        os.read(alive, 1)  # ends when nobody has the other end
        os.close(alive)
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
    Git.run = _mortal(Git.run)  # type: ignore[method-assign]
    clocks = Clocks(wall=lambda: time.time() + order["ahead"])
    for module in (grouped, objects, pages):
        vars(module)["Clocks"] = lambda: clocks
    for name in ("create", "swap", "delete"):
        setattr(BucketBlobs, name, _mortal_write(getattr(BucketBlobs, name)))
    TableBlobs._rows = _mortal_statement(TableBlobs._rows)  # type: ignore[method-assign,assignment]
    for kind in (BucketBlobs, TableBlobs):
        setattr(kind, "get", _ahead(kind.get, order["ahead"]))  # noqa: B010
    sys.argv = ["reconciler", *order["arguments"]]

    def tell() -> None:
        Path(order["output"] + ".calls").write_text(" ".join(DeadlyFiles.calls))

    atexit.register(tell)  # `main` may end the process itself
    code: int | str | None = 70
    try:
        main()
    except SystemExit as end:
        code = end.code
    except BaseException:  # noqa: BLE001  # nothing may get back into the loop of the parent
        sys.excepthook(*sys.exc_info())
    sys.stdout.flush()
    sys.stderr.flush()
    tell()
    os._exit(code if isinstance(code, int) else 1)


if __name__ == "__main__":
    serve()
