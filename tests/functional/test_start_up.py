"""Start-up: what each command may import. One careless import costs every run of it a tenth of a second."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from tests.support.project import Project

MANIFEST = """\
version: 1
services:
  support:
    conversations:
      order:
        messages:
          - {key: welcome, body: Welcome!}
"""
HEAVY = {
    *(
        "anyio",
        "asyncio",
        "deepdiff",
        "httpcore",
        "httpx",
        "jinja2",
        "pydantic",
        "pygments",
        "rich",
        "ruamel.yaml",
    ),
    *("sqlite3", "ssl", "stamina", "starlette", "tenacity", "uvicorn"),
}
"""Each takes longer to import than an interpreter to start, or brings along one that does."""


def heavy(project: Project, *arguments: str) -> set[str]:
    """Return which of the heavy modules `reconciler ARGUMENTS` imports."""
    ran = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "reconciler", *arguments],
        cwd=project.folder,
        env={name: text for name, text in project.environment().items() if not name.startswith("COVERAGE")},
        capture_output=True,
        text=True,
        check=True,
    )
    return HEAVY.intersection(re.findall(r"\|\s+([\w.]+)$", ran.stderr, flags=re.MULTILINE))


@pytest.mark.parametrize("arguments", [("version",), ("--version",), ("--help",), ("plan", "--help")])
def test_what_only_prints_imports_nothing_heavy(project: Project, arguments: tuple[str, ...]) -> None:
    """Version and help need the command line alone."""
    assert heavy(project, *arguments) == set()


def test_validate_imports_what_reads_manifests(project: Project) -> None:
    """Checking manifests needs no network, and of pydantic only its core."""
    project.write("manifests/order.yaml", MANIFEST)

    assert heavy(project, "validate") == {"ruamel.yaml"}


def test_known_manifests_need_no_parser(project: Project) -> None:
    """What was read before and has not changed is neither parsed nor validated again."""
    project.write("manifests/order.yaml", MANIFEST)
    project.run("validate", check=0)

    assert heavy(project, "validate") == set()


def test_a_plan_without_changes_looks_for_none_inside(served: Project) -> None:
    """A plan needs the way to the network, but neither DeepDiff, nor stamina, nor httpx."""
    served.write("manifests/order.yaml", MANIFEST)
    served.run("apply", "--auto-approve", check=0)

    assert heavy(served, "plan") == {"anyio", "asyncio", "ssl"}
