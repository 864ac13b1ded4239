"""Shell completion, as the README sets it up: a shell asks, and `reconciler` answers."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.project import ROOT, Project

README = (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.fixture
def shell(project: Project) -> Project:
    """A project whose commands find `reconciler` by its name, as shells do."""
    project.environ["PATH"] = f"{Path(sys.executable).parent}:{project.environment()['PATH']}"
    return project


def asked(project: Project, *command: str) -> str:
    """Return what a command prints."""
    return subprocess.run(
        command, cwd=project.folder, env=project.environment(), capture_output=True, text=True, check=True
    ).stdout


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("reconciler pl", ["plan"]),
        ("reconciler state p", ["pull", "push"]),
        ("reconciler plan --max-d", ["--max-delete"]),
        ("reconciler schema pl", ["plan"]),
    ],
)
def test_bash_is_offered_what_fits(shell: Project, typed: str, offered: list[str]) -> None:
    """Commands, their commands, options and choices: the line of the README, and the Tab key."""
    setup = re.search(r"^(eval .*bash_source reconciler\)\")", README, re.MULTILINE)
    assert setup is not None
    words = typed.split()
    script = (
        f"{setup[1]}; COMP_WORDS=({typed}); COMP_CWORD={len(words) - 1}; "
        '_reconciler_completion reconciler; printf "%s\\n" "${COMPREPLY[@]}"'
    )

    assert asked(shell, "bash", "-c", script).split() == offered


@pytest.mark.parametrize("name", ["zsh", "fish"])
def test_the_other_shells_get_their_script(shell: Project, name: str) -> None:
    """The README names the variable for each; where the shell itself is there, it takes the script."""
    line = re.search(rf"^.*_RECONCILER_COMPLETE={name}_source reconciler.*$", README, re.MULTILINE)
    assert line is not None
    shell.environ["_RECONCILER_COMPLETE"] = f"{name}_source"
    script = asked(shell, "reconciler")

    assert "reconciler" in script
    if (program := shutil.which(name)) is not None:
        shell.write("completion", script)
        asked(shell, program, "-n", "completion")
