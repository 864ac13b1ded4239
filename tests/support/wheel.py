"""The wheel of this tree, and environments to install it into."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import sysconfig
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
_CLASSIFIER = re.compile(r"Programming Language :: Python :: (3\.\d+)")


def build(folder: Path) -> Path:
    """Build the wheel into *folder*, which must be empty, with the tools of this environment."""
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(command, cwd=ROOT, capture_output=True, check=True)
    (wheel,) = folder.iterdir()
    return wheel


def environment(folder: Path, python: str | Path = sys.executable) -> Path:
    """Make a virtual environment that holds pip alone, and return the folder of its programs."""
    subprocess.run([str(python), "-m", "venv", str(folder)], capture_output=True, check=True)
    return folder / "bin"


def lend_dependencies(programs: Path) -> None:
    """Let an environment of this Python see what is installed here, behind what it gets itself.

    What is installed here in editable mode stays invisible: only site folders have such links followed.
    """
    (site,) = (programs.parent / "lib").glob("python*/site-packages")
    (site / "lent.pth").write_text(f"{sysconfig.get_path('purelib')}\n", encoding="utf-8")


def pythons() -> dict[str, Path]:
    """Return the Pythons of this machine that the metadata names, by version, oldest first.

    They are looked for where this one comes from, in PATH, and where pyenv and uv put theirs.
    """
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    versions = [named[1] for text in project["classifiers"] if (named := _CLASSIFIER.fullmatch(text))]
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv", "versions")
    uv = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share", "uv", "python")
    folders = [
        Path(sys.base_prefix, "bin"),
        *map(Path, os.get_exec_path()),
        *sorted(pyenv.glob("*/bin")),
        *sorted(uv.glob("*/bin")),
    ]
    found = {}
    for version in versions:
        programs = (folder / f"python{version}" for folder in folders)
        program = next((program for program in programs if _makes_environments(program)), None)
        if program is not None:
            found[version] = program
    return found


def _makes_environments(python: Path) -> bool:
    """Whether it is there, is more than a shim of a version that is not, and has what `venv` needs."""
    if not python.is_file():
        return False
    command = [str(python), "-c", "import ensurepip, venv"]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0
