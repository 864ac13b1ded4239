"""Several processes apply the same parts at once, and are killed at random; then it is counted what is wrong.

    python -m tests.crash.parts                        8 kills of 2 parts in 2 processes each
    python -m tests.crash.parts --kills 200 --seed 7

In each round a service and its conversations are made anew, with a state that nobody has begun. Whoever was
killed is started again, until each part was applied. Exits 1 if a service, conversation or message was
doubled or lost, if messages are out of order, or if a plan finds anything left to do.
"""

from __future__ import annotations

import argparse
import json
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from reconciler.emulator import Emulator
from reconciler.emulator.server import running
from tests.support.database_server import Postgres, postgres
from tests.support.project import Project, environ_of
from tests.support.rich_world import manifest, rooms

FACTOR: Final = 20.0
"""How much faster the clocks of leases run: three minutes are nine seconds."""
PARTS: Final = 2
EACH: Final = 2
"""Processes for each part."""
CONVERSATIONS: Final = 8
MESSAGES: Final = 10
_LOST: Final = 20
"""How often in a round a process may lose its lease."""
_LONGEST: Final = 6.0
"""Seconds within which a process is killed."""


class Round:
    """One service, its state, and the processes that make it."""

    def __init__(self, folder: Path, server: Postgres, emulator: Emulator, url: str, number: int) -> None:
        folder.mkdir()
        self.name = f"desk-{number}"
        self._emulator = emulator
        self._began = time.time()
        environ = {**environ_of(url), "RECONCILER_STATE": server.address(f"round_{number}")}
        self.project = Project(folder, environ)
        inside = rooms((f"c{number}" for number in range(CONVERSATIONS)), *map(str, range(MESSAGES)))
        self.project.write("manifests/desk.yaml", manifest({self.name: inside}))
        self._output = folder / "output"

    def _start(self, part: int) -> subprocess.Popen[bytes]:
        arguments = ("apply", "--shard", f"{part}/{PARTS}", "--auto-approve", "--lock-timeout", "6000")
        with self._output.open("ab") as output:
            return subprocess.Popen(
                [sys.executable, "-m", "tests.crash.hurried", str(FACTOR), str(self._began), *arguments],
                cwd=self.project.folder,
                env={**self.project.environment(), "PYTHONPATH": str(Path(__file__).parents[2])},
                stdout=output,
                stderr=output,
            )

    def run(self, chance: random.Random, kills: int) -> int:
        """Run all processes, kill at most *kills* of them, and return how many were killed.

        One that lost its lease, as this machine was busy elsewhere, is started again too.
        """
        killed, lost = 0, 0
        alive = [(part, self._start(part)) for part in range(1, PARTS + 1) for _ in range(EACH)]
        while alive:
            at = chance.randrange(len(alive)) if killed < kills else 0
            part, process = alive.pop(at)
            if killed < kills:
                time.sleep(chance.uniform(0.0, _LONGEST / EACH))
                process.send_signal(signal.SIGKILL)
            process.wait()
            if process.returncode == -signal.SIGKILL:
                killed += 1
            elif process.returncode == 0:
                continue
            elif lost < _LOST:
                lost += 1
            else:
                raise AssertionError(f"exit {process.returncode}\n{self._output.read_text()}")
            alive.append((part, self._start(part)))
        return killed

    def wrong(self) -> Iterator[str]:
        """Yield everything that is wrong at the end."""
        database = self._emulator.store._database
        services = database.all("SELECT id FROM services WHERE friendly_name = ?", (self.name,))
        if len(services) != 1:
            yield f"{self.name}: {len(services)} services"
        names = []
        for (service,) in services:
            rows = database.all(
                "SELECT id, unique_name FROM conversations WHERE service = ? ORDER BY unique_name", (service,)
            )
            for conversation, name in rows:
                names.append(name)
                documents = database.all(
                    "SELECT document FROM messages WHERE conversation = ? ORDER BY number", (conversation,)
                )
                bodies = [json.loads(document)["body"] for (document,) in documents]
                if bodies != [f"{number}" for number in range(MESSAGES)]:
                    yield f"{self.name}/{name}: {bodies}"
        if names != [f"c{number}" for number in range(CONVERSATIONS)]:
            yield f"{self.name}: {names}"
        planned = self.project.run("plan", "--detailed-exitcode")
        if planned.code:
            yield f"{self.name}: the next plan is not empty: {planned.out}{planned.err}"


def kill(kills: int, seed: int, *, each: int = 4) -> tuple[int, int, list[str]]:
    """Kill *kills* processes, at most *each* of them in a round; return kills, rounds and what is wrong."""
    chance, wrong, killed, rounds = random.Random(seed), list[str](), 0, 0
    with tempfile.TemporaryDirectory() as home, ExitStack() as stack:
        server = stack.enter_context(postgres(Path(home, "postgres")))
        emulator = Emulator()
        stack.callback(emulator.close)
        url = stack.enter_context(running(emulator))
        while killed < kills:
            rounds += 1
            one = Round(Path(home, f"round-{rounds}"), server, emulator, url, rounds)
            killed += one.run(chance, min(each, kills - killed))
            wrong += one.wrong()
    return killed, rounds, wrong


def main() -> int:
    """Run, print the count, and return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.crash.parts", description=__doc__.partition("\n")[0]
    )
    parser.add_argument("--kills", type=int, default=8, help="how many processes are killed (default 8)")
    parser.add_argument("--seed", type=int, default=0, help="chooses whom and when (default 0)")
    given = parser.parse_args()
    begun = time.monotonic()
    killed, rounds, wrong = kill(given.kills, given.seed)
    took = time.monotonic() - begun
    print(f"seed {given.seed}: {killed} processes killed in {rounds} rounds, {took:.0f} s")  # noqa: T201
    for line in wrong:
        print(line)  # noqa: T201
    print(f"{len(wrong)} things are wrong")  # noqa: T201
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
