"""How many fixtures of fifty messages pytest could set up and tear down in a second.

Run it by hand: `python -m tests.benchmarks.fixtures`.
"""

from __future__ import annotations

import sys
import time
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

from reconciler.testing import Backend

_MESSAGES = 50
_ROUNDS = 40


def main() -> None:
    """Make and throw away the same world on the embedded emulator, as the `reconciled` fixture does."""
    with TemporaryDirectory() as scratch, closing(Backend(folder=Path(scratch))) as backend:
        manifest = Path(scratch) / "support.yaml"
        messages = "".join(
            f"          - {{key: m{at}, author: alice, body: 'message {at}', attributes: {{n: {at}}}}}\n"
            for at in range(_MESSAGES)
        )
        manifest.write_text(
            f"version: 1\nservices:\n  s:\n    conversations:\n      c:\n        messages:\n{messages}",
            encoding="utf-8",
        )
        with backend.world(manifest):  # imports and first use are not counted
            pass
        began, cpu = time.perf_counter(), time.process_time()
        for _ in range(_ROUNDS):
            with backend.world(manifest):
                pass
        seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
    sys.stdout.write(
        f"fixtures of {_MESSAGES} messages: {_ROUNDS / seconds:.0f} per second, "
        f"{seconds / _ROUNDS * 1e3:.0f} ms each ({cpu / _ROUNDS * 1e3:.0f} ms of CPU)\n"
    )


if __name__ == "__main__":
    main()
