"""`.ci/constraints.txt` pins all that the README's two commands install, and that is what is installed.

Not run against other releases (`.ci/against`), where the versions are others on purpose.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from importlib.metadata import distribution
from pathlib import Path
from typing import Any, Final

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT: Final = Path(__file__).parents[2]
PROJECT: Final[dict[str, Any]] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
LINES: Final = [
    line
    for line in (ROOT / ".ci" / "constraints.txt").read_text(encoding="utf-8").splitlines()
    if not line.lstrip().startswith("#")
]
OURS: Final = canonicalize_name(PROJECT["project"]["name"])
EXTRAS: Final[dict[str, list[str]]] = PROJECT["project"]["optional-dependencies"]
AGAIN: Final = "run `.ci/pin`, then install with `-c .ci/constraints.txt`"


def meant(texts: Iterable[str], python: str | None = None, extra: str = "") -> list[Requirement]:
    """Return those of *texts* that are for this system, and for *python* or the one that runs."""
    environment = {"python_version": python, "python_full_version": f"{python}.0"} if python else {}
    return [
        one
        for one in map(Requirement, texts)
        if not one.marker or one.marker.evaluate(environment | {"extra": extra})
    ]


def pins(python: str | None = None) -> dict[str, str]:
    """Return the version of each package that is pinned for *python*, or for this one."""
    return {
        canonicalize_name(pin.name): str(pin.specifier).removeprefix("==") for pin in meant(LINES, python)
    }


def installed(requirements: Iterable[str]) -> dict[str, str]:
    """Return the installed version of what *requirements* name, and of all that it requires in turn."""
    found: dict[str, str] = {}
    seen: set[tuple[str, str]] = set()
    waiting = meant(requirements)
    while waiting:
        wanted = waiting.pop()
        name = canonicalize_name(wanted.name)
        if name == OURS:
            waiting += meant(text for extra in wanted.extras for text in EXTRAS[extra])
            continue
        package = distribution(name)
        found[name] = package.version
        for extra in {"", *wanted.extras} - {extra for known, extra in seen if known == name}:
            seen.add((name, extra))
            waiting += meant(package.requires or (), extra=extra)
    return found


def test_what_is_installed_is_what_is_pinned() -> None:
    """Direct or not: a version that nobody pinned could be another one tomorrow."""
    known = pins()
    versions = installed([*PROJECT["project"]["dependencies"], *EXTRAS["dev"]])

    assert {name: (version, known.get(name)) for name, version in versions.items()} == {
        name: (version, version) for name, version in versions.items()
    }, AGAIN


@pytest.mark.parametrize("python", ["3.11", "3.12", "3.13"])
def test_every_extra_is_pinned_for_every_python(python: str) -> None:
    """Also what this machine did not install."""
    listed = [*PROJECT["project"]["dependencies"], *(text for extra in EXTRAS.values() for text in extra)]
    names = {canonicalize_name(one.name) for one in meant(listed, python)} - {OURS}

    assert names - pins(python).keys() == set(), AGAIN


def test_versions_alone_are_pinned() -> None:
    """No address: where packages come from is for the machine's own settings to say."""
    assert [
        line for line in LINES if Requirement(line).url or str(Requirement(line).specifier)[:2] != "=="
    ] == []


def test_the_build_is_pinned_too() -> None:
    """Constraints do not reach the build, so it lists all it needs, with the versions that are pinned."""
    plugins = [text for text in EXTRAS["dev"] if text.startswith("hatch")]
    needs = installed([*plugins, "editables"])

    assert sorted(PROJECT["build-system"]["requires"]) == [f"{name}=={needs[name]}" for name in sorted(needs)]


def test_the_commands_of_the_readme_are_pinned() -> None:
    """Both of them, and with them CI's."""
    for file in ("README.md", ".ci/run"):
        lines = (ROOT / file).read_text(encoding="utf-8").splitlines()
        installs = [line for line in lines if "venv/bin/pip install" in line]
        assert installs
        assert all("pip install -q -c .ci/constraints.txt " in line for line in installs)
