"""Give every reader damaged input for a while: `python -m tests.fuzz --seconds 900 state replies`.

Each input is made from its number, so `--start N --count 1 KIND` makes it again. The exit code is 1 if
one of them ended in anything but a value or a `ReconcilerError`.
"""

from __future__ import annotations

import argparse
import logging
import sys
import tempfile
import time
import traceback
from pathlib import Path
from random import Random

from reconciler.errors import ReconcilerError
from tests.fuzz.targets import Target


def main() -> int:
    """Run the kinds in turn until the time is over."""
    logging.disable()
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--start", type=int, default=0)
    parser.add_argument("--count", type=int, default=sys.maxsize, help="inputs of each kind at most")
    parser.add_argument("kind", nargs="*")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        kinds = Target(Path(folder)).kinds
        if unknown := set(given.kind) - set(kinds):
            parser.error(f"kinds are {', '.join(kinds)}, not {', '.join(sorted(unknown))}")
        names = given.kind or list(kinds)
        tried, failed, read = dict.fromkeys(names, 0), dict.fromkeys(names, 0), dict.fromkeys(names, 0)
        for name in names:
            end = time.monotonic() + given.seconds / len(names)
            while time.monotonic() < end and tried[name] < given.count:
                number = given.start + tried[name]
                tried[name] += 1
                try:
                    kinds[name](Random(f"{name} {number}"))
                    read[name] += 1
                except ReconcilerError:
                    pass
                except Exception:  # noqa: BLE001 - this is what is looked for
                    failed[name] += 1
                    print(f"--- {name} {number}\n{traceback.format_exc()}", flush=True)  # noqa: T201
            print(  # noqa: T201
                f"{name}: {tried[name]:,} inputs, {read[name]:,} readable, {failed[name]:,} tracebacks",
                flush=True,
            )
    return 1 if any(failed.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
