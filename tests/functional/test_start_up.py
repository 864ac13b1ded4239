"""Start-up: what each command may import. One careless import costs every run of it a tenth of a second."""

from __future__ import annotations

import json
import re
import subprocess
import sys

import pytest

from tests.support.project import ROOT, Project

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
        "difflib",
        "email.utils",
        "http.client",
        "httpcore",
        "httpx",
        "jinja2",
        "pydantic",
        "pygments",
        "rich",
        "ruamel.yaml",
    ),
    *("sqlite3", "ssl", "stamina", "starlette", "tempfile", "tenacity", "uvicorn"),
}
"""Each takes longer to import than an interpreter to start, or brings along one that does."""
OF_OTHERS = {
    *(
        "dataclasses",
        "reconciler.operations.plan_parts",
        "reconciler.planner.drift",
    ),
    *(
        "reconciler.report.diagnostics",
        "reconciler.report.documents",
        "reconciler.report.progress",
        "reconciler.state.journal",
    ),
}
"""What other commands and options need than a plan without changes that is printed as JSON."""


def heavy(project: Project, *arguments: str) -> set[str]:
    """Return which of the heavy modules `reconciler ARGUMENTS` imports."""
    return HEAVY & imported(project, *arguments)


def imported(project: Project, *arguments: str) -> set[str]:
    """Return which modules `reconciler ARGUMENTS` imports."""
    ran = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "reconciler", *arguments],
        cwd=project.folder,
        env={name: text for name, text in project.environment().items() if not name.startswith("COVERAGE")},
        capture_output=True,
        text=True,
        check=True,
    )
    return set(re.findall(r"\|\s+([\w.]+)$", ran.stderr, flags=re.MULTILINE))


@pytest.mark.parametrize("arguments", [("version",), ("--version",), ("--help",), ("plan", "--help")])
def test_what_only_prints_imports_nothing_heavy(project: Project, arguments: tuple[str, ...]) -> None:
    """Version and help need the command line alone."""
    assert heavy(project, *arguments) == set()


def test_validate_imports_what_reads_manifests(project: Project) -> None:
    """Checking manifests needs no network, and of pydantic only its core; platformdirs brings tempfile."""
    project.write("manifests/order.yaml", MANIFEST)

    assert heavy(project, "validate") == {"ruamel.yaml", "tempfile"}


def test_known_manifests_need_no_parser(project: Project) -> None:
    """What was read before and has not changed is neither parsed nor validated again."""
    project.write("manifests/order.yaml", MANIFEST)
    project.run("validate", check=0)

    assert heavy(project, "validate") == {"tempfile"}


def test_a_plan_without_changes_looks_for_none_inside(served: Project) -> None:
    """A plan needs the way to the network, but neither DeepDiff, nor stamina, nor httpx, nor anyio."""
    served.write("manifests/order.yaml", MANIFEST)
    served.run("apply", "--auto-approve", check=0)

    assert heavy(served, "plan") == {"asyncio", "ssl", "tempfile"}


def test_a_plan_without_changes_imports_no_module_of_others(served: Project) -> None:
    """Two hundred modules of its own are a third of what such a plan costs."""
    served.write("manifests/order.yaml", MANIFEST)
    served.run("apply", "--auto-approve", check=0)

    assert not OF_OTHERS & imported(served, "plan", "--format", "json")


WITHOUT_EXTRAS = """
import importlib, json, pkgutil, sys

missing = ("cryptography", "obstore", "psycopg")
for name in missing:
    sys.modules[name] = None  # as if it were not installed
import reconciler

broken = []
for module in pkgutil.walk_packages(reconciler.__path__, "reconciler."):
    if module.name.partition(".")[2] in ("__main__", "pytest_plugin"):
        continue
    try:
        importlib.import_module(module.name)
    except ImportError:
        broken.append(module.name)
print(json.dumps(broken))
"""
ADAPTERS = [f"reconciler.state.stores.adapters.{name}" for name in ("obstore", "postgres", "postgres_line")]
"""The only modules that need an extra to be imported; none of the others imports them."""


def test_without_extras_everything_is_imported_but_their_adapters() -> None:
    """A wheel without extras works on files: it imports none of obstore, psycopg and cryptography."""
    ran = subprocess.run([sys.executable, "-c", WITHOUT_EXTRAS], capture_output=True, text=True, check=True)

    assert json.loads(ran.stdout) == ADAPTERS


def test_an_address_without_its_extra(project: Project) -> None:
    """The error says what to install, and no command for a file imports the extra."""
    project.write("manifests/order.yaml", MANIFEST)
    blocked = project.write("blocked/obstore/__init__.py", "raise ImportError('not installed')\n")
    project.environ["PYTHONPATH"] = f"{blocked.parents[1]}:{ROOT}"

    refused = project.run("plan", "--endpoint", "emulator", "--state", "s3://bucket/prod", check=1).err
    assert "a state at `s3:` needs a package that is not installed" in refused
    assert "conversations-reconciler[cloud]" in refused
    project.run("apply", "--endpoint", "emulator", "--auto-approve", check=0)
