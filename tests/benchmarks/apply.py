"""How close an apply comes to what its requests must take: `python -m tests.benchmarks.apply`.

An emulator of its own process answers 20 ms late, and ten requests may be in flight. No apply can be quicker
than all its requests spread over ten, nor than its longest conversation, whose creates follow one another;
the ratio is to the longer of the two, at the latency that single requests are measured to have. The emulator
knows no limit of 30 changes a second.
"""

from __future__ import annotations

from tests.benchmarks._bench import bench

LATENCY = 0.02
PARALLELISM = 10
AIM = 1.25


def main() -> None:
    """Measure, and print one line for each kind of apply."""
    with bench(LATENCY, PARALLELISM) as one:
        for name, sizes in (
            ("first apply, 20 conversations of 100", [100] * 20),
            ("first apply, one of 200 and 90 of 20", [200, *[20] * 90]),
            ("first apply, 11 conversations of 60", [60] * 11),
            ("first apply, one conversation of 200", [200]),
        ):
            one.measure(sizes, longest=2 + max(sizes)).tell(name)
        one.begin([1] * 100)
        grown = one.measure([101] * 100, longest=101, again=True)
        grown.tell(f"100 existing conversations get 100 messages each (at most {AIM})")
        changed = one.measure([101] * 100, longest=1, again=True, changed=101)
        changed.tell("1 % changed of 100 conversations of 101")


if __name__ == "__main__":
    main()
