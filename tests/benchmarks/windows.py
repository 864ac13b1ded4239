"""An apply with its state away from this machine, and with a file: `python -m tests.benchmarks.windows`.

A thousand messages are created in fifty existing conversations. A request to the API takes 60 ms, one to the
store 30 ms, ten may be in flight at the API and one write at the journal. Both begin with the approval and
end when the lock is released.
"""

from __future__ import annotations

import time
from statistics import median

from reconciler.state.stores.background import Remote
from reconciler.state.stores.interface import Store
from reconciler.state.stores.objects import WINDOW, Objects
from tests.benchmarks._bench import Applied, bench
from tests.benchmarks._process import say
from tests.support import blobs
from tests.support.blobs import MemoryBlobs

_LATENCY = 0.06
_STORE_LATENCY = 0.03
_PARALLELISM = 10
_CONVERSATIONS = 50
_MESSAGES = 20
_ROUNDS = 3
_AIM = 1.1


class _Bucket:
    """Objects that every run reaches by a way of its own."""

    def __init__(self) -> None:
        self.there: dict[str, blobs.Objects] = {}
        self.way: MemoryBlobs

    def open(self, service: str) -> Store:
        """Return the store of a service."""
        self.way = MemoryBlobs(self.there.setdefault(service, blobs.Objects()), latency=_STORE_LATENCY / 2)
        self.way.now = time.time
        return Remote(Objects(self.way))


def main() -> None:
    """Measure both in turn, and print the medians, their ratio, and the writes."""
    bucket, away, local, writes = _Bucket(), list[Applied](), list[Applied](), list[int]()
    with bench(_LATENCY, _PARALLELISM) as one:
        for _ in range(_ROUNDS):
            for measured, store in ((local, None), (away, bucket.open)):
                one.store = store
                one.begin([1] * _CONVERSATIONS)
                sizes = [1 + _MESSAGES] * _CONVERSATIONS
                measured.append(one.measure(sizes, longest=1 + _MESSAGES, again=True))
            writes.append(bucket.way.writes)
    count = _CONVERSATIONS * _MESSAGES
    ours, file = _middle(away), _middle(local)
    file.tell("local file")
    ours.tell("objects")
    say(f"objects / file: {ours.took / file.took:.3f} times the time (at most {_AIM})")
    most = count / WINDOW + 110
    say(f"store writes, lease and snapshots included: {median(writes):.0f} (at most {most:.0f})")


def _middle(runs: list[Applied]) -> Applied:
    return sorted(runs, key=lambda run: run.took)[len(runs) // 2]


if __name__ == "__main__":
    main()
