"""Everything that must hold before a change lands: `python -m tests`.

Format, lint, types, the direction of imports, and the tests with branch coverage over its bar.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
BAR = 95
"""Per cent of branches that the tests must reach."""

CHECKS = (
    ("ruff", "format", "--check", "--quiet"),
    ("ruff", "check", "--quiet"),
    ("mypy",),
    ("lint-imports", "--no-cache"),
    ("coverage", "erase"),
    ("coverage", "run", "-m", "pytest", "-q", "-n", "auto", "--dist", "worksteal"),
    ("coverage", "combine", "--quiet"),
    ("coverage", "report", f"--fail-under={BAR}"),
)


def main() -> int:
    """Run every check in turn; the first that fails decides."""
    folder = Path(sys.executable).parent
    environ = {**os.environ, "PATH": f"{folder}{os.pathsep}{os.environ.get('PATH', '')}"}
    for check in CHECKS:
        sys.stderr.write(f"$ {' '.join(check)}\n")
        ended = subprocess.run([str(folder / check[0]), *check[1:]], cwd=ROOT, env=environ, check=False)
        if ended.returncode:
            return ended.returncode
    return 0


if __name__ == "__main__":
    sys.exit(main())
