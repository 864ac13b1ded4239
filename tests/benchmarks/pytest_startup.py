"""What installed plugins add to the start of pytest: `python -m tests.benchmarks pytest_startup`.

The tests of the folder use none of them. anyio, which httpx and Starlette need, has a plugin too.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.benchmarks._process import run, say

_ROUNDS = 9
_BAR = 0.02
"""Seconds of CPU that our plugin may add where no test uses it."""
_TEST = "def test_nothing():\n    pass\n"
_OPTIONS = {
    "neither": ("-p", "no:reconciler", "-p", "no:anyio"),
    "reconciler": ("-p", "no:anyio"),
    "anyio": ("-p", "no:reconciler"),
    "both": (),
}


def main() -> None:
    """Start pytest in turn with neither plugin, either one, and both; print what each adds."""
    environ = {name: text for name, text in os.environ.items() if not name.startswith(("PYTEST", "COVERAGE"))}
    seconds: dict[str, list[float]] = {name: [] for name in _OPTIONS}
    with TemporaryDirectory() as folder:
        (Path(folder) / "test_nothing.py").write_text(_TEST, encoding="utf-8")
        for number in range(_ROUNDS + 1):  # the first round compiles what it imports
            for name, options in _OPTIONS.items():
                cost = run([sys.executable, "-m", "pytest", "-q", *options], environ, Path(folder))
                if number:
                    seconds[name].append(cost.cpu)
    used = {name: min(measured) for name, measured in seconds.items()}  # more is the machine
    floor, whole = used["neither"], used["both"]
    say(f"pytest with neither plugin (-p no:reconciler -p no:anyio): {floor:.3f} s of CPU")
    say(f"our plugin adds {used['reconciler'] - floor:.3f} s where anyio's is left out (at most {_BAR})")
    say(
        f"our plugin adds {whole - used['anyio']:.3f} s to pytest with anyio's, which -p no:reconciler avoids"
    )
    say(f"anyio's plugin adds {used['anyio'] - floor:.3f} s; -p no:anyio avoids that")


if __name__ == "__main__":
    main()
