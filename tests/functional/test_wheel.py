"""The wheel, which is what users get: what is in it, and what it does outside the clone, on each Python."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import zipfile
from email.parser import BytesParser
from pathlib import Path

import pytest

from tests.support.project import ROOT
from tests.support.wheel import environment, pythons

SCHEMAS = ("manifest", "plan", "settings", "state")


class Installed:
    """The wheel with its extra `testing` in an environment of its own, and a folder to work in."""

    def __init__(self, folder: Path, wheel: Path, python: Path) -> None:
        self.folder = folder / "project"
        self.folder.mkdir()
        self._environ = {"PIP_NO_COMPILE": "1", **_user()}
        self._programs = environment(folder / "python", python)
        source = f"conversations-reconciler[testing] @ {wheel.as_uri()}"
        self.run("pip", "install", "--quiet", "-c", str(ROOT / ".ci" / "constraints.txt"), source)

    def run(self, program: str, *arguments: str) -> str:
        """Run a program of the environment, which must succeed, and return its output."""
        ran = subprocess.run(
            [str(self._programs / program), *arguments],
            cwd=self.folder,
            env=self._environ,
            capture_output=True,
            text=True,
            encoding="utf-8",
            check=False,
        )
        assert ran.returncode == 0, f"{program} {arguments}\n{ran.stdout}\n{ran.stderr}"
        return ran.stdout


def _user() -> dict[str, str]:
    """Return what pip knows of its user: the home, and the way to the registry."""
    ways = ("HOME", "PIP_", "SSL_CERT_", "HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy")
    return {name: value for name, value in os.environ.items() if name.startswith(ways)}


@pytest.fixture(params=["oldest", "newest"])
def installed(request: pytest.FixtureRequest, tmp_path: Path, wheel: Path) -> Installed:
    """The wheel on the oldest and on the newest Python of this machine that the metadata names."""
    versions, wanted = list(pythons()), str(request.param)
    if wanted == "newest" and len(versions) == 1:
        pytest.skip(f"the oldest Python, {versions[0]}, is the only one here that the metadata names")
    return Installed(tmp_path, wheel, pythons()[versions[-1 if wanted == "newest" else 0]])


def test_it_does_what_the_readme_says_outside_the_clone(installed: Installed) -> None:
    """The quickstart, a check, the schemas, and the pytest plugin in a project of its own."""
    shutil.copytree(ROOT / "examples" / "quickstart", installed.folder / "manifests")
    shutil.copytree(ROOT / "examples" / "pytest", installed.folder / "suite")
    asks = "from importlib.metadata import version; print(version('conversations-reconciler'))"

    applied = installed.run("reconciler", "apply", "--endpoint", "emulator", "--auto-approve")
    installed.run("reconciler", "validate")

    assert applied.endswith("Apply complete! Resources: 5 added, 0 changed, 0 destroyed.\n")
    assert installed.run("reconciler", "version") == f"reconciler {installed.run('python', '-c', asks)}"
    for name in SCHEMAS:
        committed = (ROOT / "schemas" / f"{name}.schema.json").read_text(encoding="utf-8")
        assert installed.run("reconciler", "schema", name) == committed
    assert re.search(r"\b3 passed\b", installed.run("pytest", "-W", "error", "suite/test_bot.py"))


def test_it_holds_the_schemas(wheel: Path) -> None:
    """Those of the tree, each with an identifier that names it and its version."""
    with zipfile.ZipFile(wheel) as archive:
        held = {name: archive.read(f"reconciler/schemas/{name}.schema.json") for name in SCHEMAS}

    for name, text in held.items():
        assert text == (ROOT / "schemas" / f"{name}.schema.json").read_bytes()
        assert re.fullmatch(rf"urn:conversations-reconciler:schema:{name}:\d+", json.loads(text)["$id"])


def test_what_is_for_those_who_have_the_sources_is_left_out(wheel: Path) -> None:
    """All that it holds is code, schemas, pages and metadata: the way through the code is in the sources."""
    with zipfile.ZipFile(wheel) as archive:
        others = {
            name
            for name in archive.namelist()
            if not name.endswith((".py", ".schema.json", ".html", ".css", ".js"))
            and ".dist-info/" not in name
        }

    assert others == {"reconciler/py.typed"}


def test_its_readme_leads_nowhere_in_the_clone(wheel: Path) -> None:
    """Away from the repository a relative link is broken: the path stands there as text."""
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        readme = BytesParser().parsebytes(archive.read(name)).get_payload()

    assert isinstance(readme, str)
    assert "`examples/quickstart`" in readme
    assert [link for link in re.findall(r"\]\(([^)]*)\)", readme) if not re.match("https:|#", link)] == []


INSTRUCTIONS = [
    ROOT / "README.md",
    *(path for folder in ("examples", ".ci", "reconciler") for path in (ROOT / folder).rglob("*")),
]


def test_no_instruction_installs_what_has_a_name_alone() -> None:
    """What is installed is the tree, our distribution from an address, or one version of a tool.

    An image copies the tree to `/src`.
    """
    named = [
        (path.relative_to(ROOT), argument)
        for path in INSTRUCTIONS
        if path.suffix in {".md", ".py", ".sh", ".toml", ".yaml", ".yml", ""} and path.is_file()
        for command in re.findall(r"pip install ([^&|;`\n]*)", path.read_text(encoding="utf-8"))
        for argument in _packages(shlex.split(command, comments=True))
    ]

    assert len(named) > 5
    assert [
        (path, argument)
        for path, argument in named
        if not re.match(r"(\.|/src)(\[|$)|conversations-reconciler(\[\w+\])? @ |[\w-]+==[\d.]+$", argument)
    ] == []


def _packages(arguments: list[str]) -> list[str]:
    """Leave out options and what follows them."""
    valued = {"-c", "--constraint", "--python", "--resolution"}
    return [
        argument
        for before, argument in zip(["", *arguments], arguments, strict=False)
        if not argument.startswith("-") and before not in valued
    ]
