"""Applies against an emulator of its own process that answers late, and what they must take at least."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx

from reconciler.manifest.load import load
from reconciler.operations.apply import plan_and_apply
from reconciler.operations.session import Settings
from reconciler.plans.actions import Action
from reconciler.plans.options import Options
from reconciler.plans.outcome import Result
from reconciler.plans.plan import Plan
from reconciler.runtime.interrupts import Interrupts
from reconciler.state.stores.holder import Holder
from reconciler.state.stores.interface import Store
from reconciler.twilio.endpoint import Endpoint
from tests.benchmarks._process import say
from tests.benchmarks._workload import serving

CREDENTIALS = {"TWILIO_ACCOUNT_SID": "AC" + "0" * 32, "TWILIO_AUTH_TOKEN": "none"}
_PROBES = 50
_HOLDER = Holder("ann@here", 1, "apply", "2026-11-30T04:00:00Z")


@dataclass(frozen=True, slots=True)
class Applied:
    """One apply, from its approval on: seconds of the clock and of this process's CPU."""

    took: float
    cpu: float
    actions: int
    requests: int
    bound: float
    before: float = 0.0
    """The seconds until the first action began, of `took`."""
    after: float = 0.0
    """The seconds after the last action was on record, of `took`."""

    @property
    def ratio(self) -> float:
        """How many times the bound it took."""
        return self.took / self.bound

    def tell(self, name: str) -> None:
        """Print it on a line."""
        say(
            f"{name}: {self.ratio:.2f} times the bound ({self.took:.2f} s to {self.bound:.2f} s), "
            f"{self.actions:,} actions by {self.requests:,} requests, {self.actions / self.took:,.0f} "
            f"a second, {self.cpu / self.actions * 1e6:,.0f} µs of client CPU each; "
            f"{self.before:.2f} s before the first action, {self.after:.2f} s after the last"
        )


class _Stopwatch:
    """Approves every plan, and notes when the work on it began."""

    def __call__(self, made: Plan) -> _Stopwatch:
        self.made, self.began, self.cpu = made, time.perf_counter(), time.process_time()
        self.first = self.last = 0.0
        return self

    def started(self, action: Action) -> None:
        """Note when the first action began."""
        del action
        self.first = self.first or time.perf_counter()

    def halfway(self, action: Action, sid: str | None) -> None:
        """Be told."""

    def finished(self, result: Result) -> None:
        """Note when the last action ended."""
        del result
        self.last = time.perf_counter()


class Bench:
    """One service after another at *url*."""

    def __init__(self, folder: Path, url: str, parallelism: int) -> None:
        self.url = url
        self.parallelism = parallelism
        self.store: Callable[[str], Store] | None = None
        """Opens the state of a service away from this machine; None keeps it in a file."""
        self._folder = folder
        self._count = 0
        self.latency = self._latency()

    def begin(self, sizes: Sequence[int]) -> None:
        """Fill a new service with conversations of these *sizes*."""
        self._count += 1
        self._apply(sizes, 0, 0)

    def measure(
        self, sizes: Sequence[int], *, longest: int, again: bool = False, changed: int = 0
    ) -> Applied:
        """Apply conversations of these *sizes*, *changed* messages in all changed.

        *longest* is how many requests must follow one another. *again* stays with the last service.
        """
        self._count += not again
        return self._apply(sizes, changed, longest)

    def _latency(self) -> float:
        """Return the seconds that one request takes when there are no others."""
        auth = (CREDENTIALS["TWILIO_ACCOUNT_SID"], CREDENTIALS["TWILIO_AUTH_TOKEN"])
        with httpx.Client(base_url=self.url, auth=auth, trust_env=False) as client:
            client.get("/v1/Services")
            began = time.perf_counter()
            for _ in range(_PROBES):
                client.get("/v1/Services").raise_for_status()
            return (time.perf_counter() - began) / _PROBES

    def _apply(self, sizes: Sequence[int], changed: int, longest: int) -> Applied:
        path = self._folder / "desk.yaml"
        path.write_text(_manifest(f"s{self._count}", sizes, changed))
        held = None if self.store is None else self.store(f"s{self._count}")
        settings = Settings(
            endpoint=Endpoint.parse(self.url, {**os.environ, **CREDENTIALS}),
            state=self._folder / f"state-{self._count}.json",
            parallelism=self.parallelism,
            held=held,
        )
        watch = _Stopwatch()
        lock = nullcontext() if held is None else held.lock(_HOLDER, timeout=0)
        with lock:
            work = plan_and_apply(load((path,)), settings, Options(), approve=watch, interrupts=Interrupts())
            outcome = asyncio.run(work)
        ended, cpu = time.perf_counter(), time.process_time() - watch.cpu
        took, before, after = ended - watch.began, watch.first - watch.began, ended - watch.last
        assert outcome is not None
        requests = outcome.read + outcome.write - watch.made.requests_read
        bound = max(requests / self.parallelism, longest) * self.latency
        return Applied(took, cpu, len(outcome.results), requests, bound, before, after)


@contextmanager
def bench(latency: float, parallelism: int) -> Iterator[Bench]:
    """Serve an emulator that answers *latency* seconds late, and say what that comes to."""
    with TemporaryDirectory() as folder:
        late = ("--fault", f"*:latency={latency}") if latency else ()
        with serving(Path(folder) / "emulator.db", *late) as url:
            one = Bench(Path(folder), url, parallelism)
            shown = f"{latency * 1000:.0f} ms scripted, {one.latency * 1000:.1f} ms measured"
            say(f"{shown}, {parallelism} in flight")
            yield one


def _manifest(service: str, sizes: Sequence[int], changed: int) -> str:
    lines = ["version: 1", "services:", f"  {service}:", "    conversations:"]
    for number, size in enumerate(sizes):
        lines += [f"      c{number}:", "        messages:"]
        for key in range(size):
            edited = " edited" * (key * len(sizes) + number < changed)
            lines.append(f"          - {{key: k{key}, author: alice, body: Message {key}{edited}}}")
    return "\n".join(lines) + "\n"
