"""Run programs of others against an emulator: `python -m tests.clients sdks`, or another of `RUNS`.

They are installed into `build/clients` from their public registries.
"""

from __future__ import annotations

import argparse
import sys
from typing import Final

from tests.clients import prettier, prism, readers, schemathesis, sdks, terraform
from tests.clients.workshop import emulator

RUNS: Final = {
    "sdks": sdks.run_sdks,
    "prettier": prettier.run_prettier,
    "prism": prism.run_prism,
    "readers": readers.run_readers,
    "schemathesis": schemathesis.run_schemathesis,
    "terraform": terraform.run_terraform,
}


def main() -> int:
    """Run one of them; return 1 if it found something."""
    parser = argparse.ArgumentParser(prog="python -m tests.clients", description=__doc__)
    parser.add_argument("run", choices=RUNS)
    name = parser.parse_args().run
    with emulator() as url:
        findings = RUNS[name](url)
    for finding in findings:
        sys.stdout.write(f"  {finding}\n")
    sys.stdout.write(f"{name}: {len(findings)} findings\n")
    return int(bool(findings))


if __name__ == "__main__":
    sys.exit(main())
