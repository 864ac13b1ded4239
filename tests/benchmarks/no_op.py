"""What `plan` costs where nothing is to be done, beside the least that such a plan must do.

`python -m tests.benchmarks no_op` measures up to 100,000 messages, each size as whole processes against an
emulator in another one; `python -m tests.benchmarks.no_op 1000000` another size (minutes, and gigabytes of
disk). `--table` prints the growth table of the README instead.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import httpx
import msgspec

from tests.benchmarks._process import Cost, run, say
from tests.benchmarks._workload import TOKEN, Workload, served

_SIZES = (1_000, 10_000, 100_000)
_CONVERSATIONS = (1, 100, 10_000)
_GROWTH = 100
"""Conversations of the workloads that the bars and the growth table are about."""
_PAGE = 1_000


@dataclass(frozen=True, slots=True)
class Measured:
    """One workload: medians of some rounds, in which cold plan, warm plan and floor take turns."""

    messages: int
    conversations: int
    plan: Cost
    warm: Cost
    floor: float
    requests: int
    state: int


def main(arguments: list[str]) -> None:
    """Measure, and print a line for each workload."""
    table = "--table" in arguments
    sizes = [int(one) for one in arguments if one != "--table"] or _SIZES
    with TemporaryDirectory() as scratch:
        start = _measure(Path(scratch), 10, 1)
        say(f"start: 10 messages take {start.plan.cpu:.2f} s of CPU and {start.plan.peak / 1e6:.0f} MB")
        grown: dict[int, Measured] = {}
        for messages in sizes:
            for conversations in (_GROWTH,) if table else _CONVERSATIONS:
                if conversations <= messages:
                    one = _measure(Path(scratch), messages, conversations)
                    _tell(one, start.plan.peak)
                    if conversations == _GROWTH:
                        grown[messages] = one
    if 10_000 in grown and 100_000 in grown:
        growth = grown[100_000].plan.cpu / grown[10_000].plan.cpu
        say(f"CPU at 100,000 messages / at 10,000: {growth:.1f} (at most 11)")
    if table:
        _print_table(list(grown.values()))


def _measure(scratch: Path, messages: int, conversations: int) -> Measured:
    folder = scratch / f"{messages}-{conversations}"
    rounds = 3 if messages <= 100_000 else 1
    with served(folder, messages, conversations) as workload:
        _save_pages(workload, folder / "pages")
        floor = [
            sys.executable,
            "-m",
            "tests.benchmarks._floor",
            str(workload.manifests),
            str(folder / "pages"),
        ]
        plans, warm, floors = [], [], []
        for _ in range(rounds):
            workload.forget()
            plans.append(run(workload.plan(), workload.environ, workload.folder))
            warm.append(run(workload.plan(), workload.environ, workload.folder))
            floors.append(sum(map(float, run(floor).output.split())))
        document = msgspec.json.decode(plans[0].output)
        found = {name: count for name, count in document["summary"].items() if count}
        assert found == {"no_op": messages}, found
        return Measured(
            messages,
            conversations,
            _median(plans),
            _median(warm),
            median(floors),
            document["requests"]["read"],
            workload.state.stat().st_size,
        )


def _median(costs: list[Cost]) -> Cost:
    return sorted(costs, key=lambda cost: cost.cpu)[len(costs) // 2]


def _save_pages(workload: Workload, folder: Path) -> None:
    """Keep the bodies of the replies that hold the messages, for the floor to decode."""
    folder.mkdir()
    number = 0
    with httpx.Client(auth=(workload.account_sid, TOKEN), trust_env=False) as http:
        for service, conversation in workload.conversations:
            url = (
                f"{workload.url}/v1/Services/{service}/Conversations/{conversation}/Messages?PageSize={_PAGE}"
            )
            while url:
                page = http.get(url).raise_for_status()
                (folder / f"{number:08}").write_bytes(page.content)
                number += 1
                url = msgspec.json.decode(page.content)["meta"]["next_page_url"]


def _tell(one: Measured, start: int) -> None:
    say(
        f"{one.messages:9,} messages in {one.conversations:6,} conversations: "
        f"{one.plan.cpu / one.floor:5.2f} times the floor, {one.warm.cpu / one.floor:5.2f} times where the "
        f"manifests are known ({one.plan.cpu:.2f} and {one.warm.cpu:.2f} s of CPU, floor {one.floor:.2f} s), "
        f"{one.plan.wall:.2f} s in all, "
        f"{one.requests:,} requests, peak {one.plan.peak / 1e6:.0f} MB "
        f"({(one.plan.peak - start) / one.messages / 1000:.2f} KB a message above the start)"
    )


def _print_table(rows: list[Measured]) -> None:
    say("| messages | time | manifests unchanged | memory | requests | state |")
    say("|---:|---:|---:|---:|---:|---:|")
    for one in rows:
        say(
            f"| {one.messages:,} | {one.plan.wall:.1f} s | {one.warm.wall:.1f} s "
            f"| {one.plan.peak / 1e6:.0f} MB | {one.requests:,} | {one.state / 1e6:.1f} MB |"
        )


if __name__ == "__main__":
    main(sys.argv[1:])
