"""What loading manifests costs, beside a bare loop over libyaml's events of the same files.

    python -m tests.benchmarks.load [MESSAGES [FILES]]

Prints CPU time per message and ratios; all numbers are of one run, so compare the ratios.
"""

from __future__ import annotations

import gc
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from _ruamel_yaml import CParser
from ruamel.yaml.events import StreamEndEvent

from reconciler.manifest.load import load
from reconciler.manifest.yaml.reader import read

_REPEATS = 5


def write_manifests(folder: Path, messages: int, files: int) -> None:
    """Write *messages* messages of the usual size over *files* files of one conversation each."""
    for number in range(files):
        lines = ["version: 1", "services:", "  support:", "    conversations:", f"      order-{number}:"]
        lines.append("        messages:")
        for index in range(messages // files):
            lines += [
                f"          - key: m{index:06}",
                f"            author: alice{index % 7}",
                f"            body: {f'This is message {index}, and it is of about eighty characters':.<80}",
                f"            attributes: {{importance: high, seq: {index}}}",
                f"            date_created: 2026-01-05T09:{index // 60 % 60:02}:{index % 60:02}Z",
            ]
        (folder / f"c{number:05}.yaml").write_text("\n".join(lines) + "\n", encoding="utf-8")


def bare_events(texts: list[str]) -> None:
    """Take every event, and do nothing with it."""
    for text in texts:
        next_event = CParser(text).get_event
        while type(next_event()) is not StreamEndEvent:
            pass


def seconds(acts: dict[str, Callable[[], object]]) -> dict[str, float]:
    """Return the least CPU time of each of *acts*, which take turns, with the collector off."""
    best = dict.fromkeys(acts, float("inf"))
    for _ in range(_REPEATS):
        for name, act in acts.items():
            gc.collect()
            gc.disable()
            start = time.process_time()
            act()
            best[name] = min(best[name], time.process_time() - start)
            gc.enable()
    return best


def main() -> None:
    """Measure, and print a table."""
    messages = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    files = int(sys.argv[2]) if len(sys.argv) > 2 else 100
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_manifests(folder, messages, files)
        texts = [path.read_text(encoding="utf-8") for path in sorted(folder.iterdir())]
        spent = seconds(
            {
                "bare events": lambda: bare_events(texts),
                "reader": lambda: [read(text) for text in texts],
                "load": lambda: load([folder]),
            }
        )
    events = spent["bare events"]
    for what, best in spent.items():
        print(f"{what:12} {best / messages * 1e6:6.1f} µs per message  {best / events:5.2f} x bare events")  # noqa: T201


if __name__ == "__main__":
    main()
