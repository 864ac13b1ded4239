"""Run benchmarks, each in a process of its own: `python -m tests.benchmarks [NAME…]`.

Without names it runs all of them, which takes some minutes. They print ratios measured in one run, as times
differ by machine, and promise nothing: what must hold is in the tests. One alone takes arguments too:
`python -m tests.benchmarks.no_op 1000000`.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

_NAMES = sorted(path.stem for path in Path(__file__).parent.glob("[a-z]*.py"))


def main() -> int:
    """Run those that are named, or all; the first that fails decides."""
    names = sys.argv[1:] or _NAMES
    unknown = [name for name in names if name not in _NAMES]
    if unknown:
        sys.stderr.write(f"no benchmark is called {unknown[0]}; there are {', '.join(_NAMES)}\n")
        return 1
    for name in names:
        sys.stdout.write(f"\n# {name}\n")
        sys.stdout.flush()
        ended = subprocess.run([sys.executable, "-m", f"tests.benchmarks.{name}"], check=False)
        if ended.returncode:
            return ended.returncode
    return 0


if __name__ == "__main__":
    sys.exit(main())
