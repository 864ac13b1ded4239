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
from reconciler.plan.actions import Action, Plan, Result
from reconciler.plan.draft import Options
from reconciler.twilio.endpoint import Endpoint
from tests.benchmarks._process import say

LATENCY = 0.02
PARALLELISM = 10
AIM = 1.25
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


def main() -> None:
    """Measure, and print one line for each kind of apply."""
    ratios = []
    with tempfile.TemporaryDirectory() as folder, _emulator() as url:
        desk = _Desk(Path(folder), url)
        latency = desk.latency()
        say(f"{LATENCY * 1000:.0f} ms scripted, {latency * 1000:.1f} ms measured, {PARALLELISM} in flight")
        for name, sizes in (
            ("first apply, 20 conversations of 100", [100] * 20),
            ("first apply, one of 200 and 90 of 20", [200, *[20] * 90]),
            ("first apply, 11 conversations of 60", [60] * 11),
            ("first apply, one conversation of 200", [200]),
        ):
            ratios.append(desk.measure(name, sizes, longest=2 + max(sizes)))
        desk.begin([1] * 100)
        name = "100 existing conversations get 100 messages each"
        ratios.append(desk.measure(name, [101] * 100, longest=101, again=True))
        name = "1 % changed of 100 conversations of 101"
        ratios.append(desk.measure(name, [101] * 100, longest=1, again=True, changed=1))
    say(f"at worst {max(ratios):.2f} of the bound (aim: at most {AIM})")


class _Desk:
    """One service after another on a served emulator."""

    def __init__(self, folder: Path, url: str) -> None:
        self._folder = folder
        self._url = url
        self._count = 0
        self._latency = LATENCY

    def latency(self) -> float:
        """Return the seconds that one request takes when there are no others."""
        auth = (_CREDENTIALS["TWILIO_ACCOUNT_SID"], _CREDENTIALS["TWILIO_AUTH_TOKEN"])
        with httpx.Client(base_url=self._url, auth=auth, trust_env=False) as client:
            client.get("/v1/Services")
            began = time.perf_counter()
            for _ in range(_PROBES):
                client.get("/v1/Services").raise_for_status()
            self._latency = (time.perf_counter() - began) / _PROBES
        return self._latency

    def begin(self, sizes: Sequence[int]) -> None:
        """Fill a new service with conversations of these *sizes*."""
        self._count += 1
        self._apply(_manifest(f"s{self._count}", sizes, 0))

    def measure(
        self, name: str, sizes: Sequence[int], *, longest: int, again: bool = False, changed: int = 0
    ) -> float:
        """Apply conversations of these *sizes*, *changed* messages of each changed; return the ratio.

        *longest* is how many requests must follow one another. *again* stays with the last service.
        """
        self._count += not again
        took, requests, actions = self._apply(_manifest(f"s{self._count}", sizes, changed))
        bound = max(requests / PARALLELISM, longest) * self._latency
        say(f"{name}: {actions} actions, {requests} requests")
        say(f"  {took:.2f} s, bound {bound:.2f} s, ratio {took / bound:.2f}")
        return took / bound

    def _apply(self, manifest: str) -> tuple[float, int, int]:
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
        requests = outcome.read + outcome.write - watch.made.requests_read
        return took, requests, len(outcome.results)


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
    main()
