"""First apply and change of 1 % by size and latency: `python -m tests.benchmarks.apply_growth [MESSAGES…]`.

The messages are in 100 conversations, ten requests are in flight, and the bound is that of `apply`. Without
latency it is out of reach: then the emulator, one process, is what is waited for. 100,000 messages take 4
minutes at 20 ms and 20 at 100 ms, so they are measured on demand.
"""

from __future__ import annotations

import sys

from tests.benchmarks._bench import bench

_SIZES = (1_000, 10_000)
_LATENCIES = (0.0, 0.02, 0.1)
_CONVERSATIONS = 100
_PARALLELISM = 10


def main(messages: list[int]) -> None:
    """Measure, and print two lines for each size at each latency."""
    for latency in _LATENCIES:
        for size in messages or _SIZES:
            each = size // _CONVERSATIONS
            sizes = [each] * _CONVERSATIONS
            with bench(latency, _PARALLELISM) as one:
                one.measure(sizes, longest=2 + each).tell(f"{size:,} messages, first apply")
                changed = one.measure(sizes, longest=1, again=True, changed=size // 100)
                changed.tell(f"{size:,} messages, 1 % changed")


if __name__ == "__main__":
    main([int(one) for one in sys.argv[1:]])
