"""How close an apply comes to what its requests must take: `python -m tests.benchmarks.apply`.

An emulator of its own process answers 20 ms late, and ten requests may be in flight. No apply can be quicker
than all its requests spread over ten, nor than its longest conversation, whose creates follow one another;
the ratio is to the longer of the two, at the latency that single requests are measured to have.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from reconciler import operations
from reconciler.interrupt import Interrupts
from reconciler.manifest.load import load
from reconciler.operations import Settings
from reconciler.plan.actions import Action, Outcome, Plan, Result
from reconciler.plan.draft import Options
from reconciler.twilio.endpoint import Endpoint
from tests.benchmarks._process import say

LATENCY = 0.02
PARALLELISM = 10
LIMIT = 1.25
_PROBES = 50
_CREDENTIALS = {"TWILIO_ACCOUNT_SID": "AC" + "0" * 32, "TWILIO_AUTH_TOKEN": "none"}


@dataclass
class Stopwatch:
    """Approves every plan, and notes when the work on it began."""

    made: Plan | None = None
    began: float = 0.0

    def __call__(self, made: Plan) -> Stopwatch:
        """Approve."""
        self.made, self.began = made, time.perf_counter()
        return self

    def started(self, action: Action) -> None:
        """Be told."""

    def finished(self, result: Result) -> None:
        """Be told."""


def main() -> int:
    """Measure, and print one line for each kind of apply."""
    slowest = 0.0
    with tempfile.TemporaryDirectory() as folder, _emulator() as url:
        desk = _Desk(Path(folder), url)
        latency = desk.latency()
        say(f"{LATENCY * 1000:.0f} ms scripted, {latency * 1000:.1f} ms measured, {PARALLELISM} in flight")
        for name, sizes, changed in (
            ("first apply, 20 conversations of 100", [100] * 20, 0),
            ("first apply, one of 200 and 90 of 20", [200, *[20] * 90], 0),
            ("first apply, 11 conversations of 60", [60] * 11, 0),
            ("first apply, one conversation of 200", [200], 0),
            ("1 % changed of 100 conversations of 100", [100] * 100, 1),
        ):
            ratio = desk.measure(name, sizes, changed, latency)
            slowest = max(slowest, ratio)
    say(f"at worst {slowest:.2f} of the bound (limit {LIMIT})")
    return 1 if slowest > LIMIT else 0


class _Desk:
    """One service after another on a served emulator."""

    def __init__(self, folder: Path, url: str) -> None:
        self._folder = folder
        self._url = url
        self._count = 0

    def latency(self) -> float:
        """Return the seconds that one request takes when there are no others."""
        auth = (_CREDENTIALS["TWILIO_ACCOUNT_SID"], _CREDENTIALS["TWILIO_AUTH_TOKEN"])
        with httpx.Client(base_url=self._url, auth=auth, trust_env=False) as client:
            client.get("/v1/Services")
            began = time.perf_counter()
            for _ in range(_PROBES):
                client.get("/v1/Services").raise_for_status()
            return (time.perf_counter() - began) / _PROBES

    def measure(self, name: str, sizes: Sequence[int], changed: int, latency: float) -> float:
        """Apply conversations of these *sizes*; if *changed*, so many messages of each once more."""
        self._count += 1
        longest = 2 + max(sizes)  # service, conversation, messages
        took, requests, outcome = self._apply(_manifest(f"s{self._count}", sizes, 0))
        if changed:
            longest = 2  # the boundary is read only where something is created
            took, requests, outcome = self._apply(_manifest(f"s{self._count}", sizes, changed))
        bound = max(requests * latency / PARALLELISM, longest * latency)
        done = len(outcome.results)
        say(
            f"{name}: {done} actions, {requests} requests, {took:.2f} s, "
            f"bound {bound:.2f} s, {took / bound:.2f}"
        )
        return took / bound

    def _apply(self, manifest: str) -> tuple[float, int, Outcome]:
        path = self._folder / "desk.yaml"
        path.write_text(manifest)
        settings = Settings(
            endpoint=Endpoint.parse(self._url, {**os.environ, **_CREDENTIALS}),
            state=self._folder / f"state-{self._count}.json",
            parallelism=PARALLELISM,
        )
        watch = Stopwatch()
        work = operations.apply(load((path,)), settings, Options(), approve=watch, interrupts=Interrupts())
        outcome = asyncio.run(work)
        took = time.perf_counter() - watch.began
        assert outcome is not None
        assert watch.made is not None
        return took, outcome.read + outcome.write - watch.made.requests_read, outcome


def _manifest(service: str, sizes: Sequence[int], changed: int) -> str:
    lines = ["version: 1", "services:", f"  {service}:", "    conversations:"]
    for number, size in enumerate(sizes):
        lines += [f"      c{number}:", "        messages:"]
        lines += [
            f"          - {{key: k{key}, author: alice, body: Message {key}{' edited' * (key < changed)}}}"
            for key in range(size)
        ]
    return "\n".join(lines) + "\n"


@contextmanager
def _emulator() -> Iterator[str]:
    command = [
        sys.executable,
        "-m",
        "reconciler",
        "emulator",
        "--port",
        "0",
        "--fault",
        f"*:latency={LATENCY}",
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        try:
            yield next(word for word in line.split() if word.startswith("http"))
        finally:
            process.terminate()


if __name__ == "__main__":
    sys.exit(main())
