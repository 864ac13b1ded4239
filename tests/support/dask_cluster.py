"""A Dask cluster of processes of this machine, any of which can be killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from distributed import Client

from tests.support.project import ROOT

_PATIENCE = 60.0


class Cluster:
    """A scheduler, and workers with one thread each, by their names."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "scheduler.json"
        self._folder = folder
        self._scheduler = _started(
            "distributed.cli.dask_scheduler",
            "--host=127.0.0.1", "--port=0", "--no-dashboard", f"--scheduler-file={self._file}",
            folder=folder, environ={**os.environ, "PYTHONPATH": str(ROOT)},
        )  # fmt: skip
        self.workers: dict[str, subprocess.Popen[bytes]] = {}
        until = time.monotonic() + _PATIENCE
        while not self._file.exists() and time.monotonic() < until:
            time.sleep(0.1)
        self.client = Client(scheduler_file=str(self._file), set_as_default=False)

    @property
    def address(self) -> str:
        """The address of the scheduler."""
        return str(self.client.scheduler.address)

    def add(self, name: str, environ: Mapping[str, str]) -> None:
        """Start a worker with these variables, and wait until it is there."""
        self.workers[name] = _started(
            "distributed.cli.dask_worker",
            f"--scheduler-file={self._file}", f"--name={name}", "--nthreads=1", "--no-nanny",
            "--no-dashboard", "--host=127.0.0.1", f"--local-directory={self._folder}",
            folder=self._folder, environ=environ,
        )  # fmt: skip
        self.client.wait_for_workers(len(self.workers), timeout=_PATIENCE)

    def kill(self, name: str) -> None:
        """Kill a worker, which can do nothing about it."""
        process = self.workers.pop(name)
        process.send_signal(signal.SIGKILL)
        process.wait()

    def close(self) -> None:
        """End all processes."""
        self.client.close()
        for process in (*self.workers.values(), self._scheduler):
            process.kill()
            process.wait()


@contextmanager
def cluster(folder: Path) -> Iterator[Cluster]:
    """Yield a cluster without workers, with its files in *folder*."""
    made = Cluster(folder)
    try:
        yield made
    finally:
        made.close()


def _started(
    module: str, *arguments: str, folder: Path, environ: Mapping[str, str]
) -> subprocess.Popen[bytes]:
    with (folder / f"{module}.log").open("ab") as log:
        return subprocess.Popen(
            [sys.executable, "-m", module, *arguments],
            cwd=folder,
            env=dict(environ),
            stdout=log,
            stderr=log,
        )
