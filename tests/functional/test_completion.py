"""Shell completion, as the README sets it up: a shell asks, and `reconciler` answers."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.project import ROOT, Project

README = (ROOT / "examples" / "quickstart" / "README.md").read_text(encoding="utf-8")


DESK = """\
version: 1
services: {desk: {conversations: {order: {messages: [{key: hello, body: Hello!}]}}}}
"""
LATER = """\
version: 1
services:
  desk:
    conversations:
      order:
        participants: [{key: mia, identity: mia}]
        messages: [{key: hello, body: Hello!}, {key: bye, body: Bye!}]
"""
MIA = "desk/order/participants/mia"


@pytest.fixture
def shell(project: Project) -> Project:
    """A project whose commands find `reconciler` by its name, as shells do."""
    project.environ["PATH"] = f"{Path(sys.executable).parent}:{project.environment()['PATH']}"
    return project


@pytest.fixture
def desk(shell: Project) -> Project:
    """A project with one message that is bound, and one message and one person that are not."""
    shell.write("manifests/desk.yaml", DESK)
    shell.run("apply", "--auto-approve", check=0)
    shell.write("manifests/desk.yaml", LATER)
    shell.write("demo.db", "")
    shell.write("reconciler.yaml", "environments: {staging: {}, production: {}}\n")
    return shell


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
        ("reconciler plan --endpoint e", ["emulator", "emulator:demo.db"]),
        ("reconciler state show desk/o", ["desk/order", "desk/order/hello"]),
        ("reconciler output desk/order/", ["desk/order/hello"]),
        ("reconciler transcript desk/order/", ["desk/order/hello"]),
        ("reconciler plan --env s", ["staging"]),
        ("reconciler plan --target desk/order/", ["desk/order/bye", "desk/order/hello", MIA]),
        ("reconciler plan --adopt desk/order/b", ["desk/order/bye"]),
        ("reconciler import desk/order/", ["desk/order/bye", MIA]),
        ("reconciler import --state none.json desk/order/h", ["desk/order/hello"]),
        ("reconciler state mv desk/order/hello desk/order/b", ["desk/order/bye"]),
    ],
)
def test_bash_is_offered_what_fits(desk: Project, typed: str, offered: list[str]) -> None:
    """Commands, their commands, options, choices and addresses: the line of the README, and the Tab key."""
    setup = re.search(r"(eval .*bash_source reconciler\)\")", README, re.MULTILINE)
    assert setup is not None
    words = typed.split()
    script = (
        f"{setup[1]}; COMP_WORDS=({typed}); COMP_CWORD={len(words) - 1}; "
        '_reconciler_completion reconciler; printf "%s\\n" "${COMPREPLY[@]}"'
    )

    assert asked(desk, "bash", "-c", script).split() == offered


@pytest.mark.parametrize("typed", ["state show d", "plan --target d"])
def test_what_cannot_be_read_offers_nothing(shell: Project, typed: str) -> None:
    """A damaged state, a faulty manifest: the line that is being typed is left alone."""
    shell.write("reconciler.state.json", "{")
    shell.write("manifests/desk.yaml", "services: [")
    shell.environ |= {
        "COMP_WORDS": f"reconciler {typed}",
        "COMP_CWORD": str(len(typed.split())),
        "_RECONCILER_COMPLETE": "bash_complete",
    }

    ran = subprocess.run(
        ["reconciler"],
        cwd=shell.folder,
        env=shell.environment(),
        capture_output=True,
        text=True,
        check=False,
    )

    assert (ran.stdout.strip(), ran.stderr) == ("", "")


def test_of_many_addresses_the_nearest_are_offered(shell: Project) -> None:
    """A page of keys helps nobody who has not chosen a conversation."""
    keys = ", ".join(f"{{key: k{number}, body: Hi}}" for number in range(200))
    shell.write("manifests/desk.yaml", DESK.replace("{key: hello, body: Hello!}", keys))
    ask = (
        "COMP_WORDS='reconciler plan --target {}' COMP_CWORD=3 _RECONCILER_COMPLETE=bash_complete reconciler"
    )

    assert asked(shell, "bash", "-c", ask.format("d")).split() == ["plain,desk", "plain,desk/order"]
    assert len(asked(shell, "bash", "-c", ask.format("desk/order/k")).split()) == 200


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


def test_a_zsh_without_a_configuration_takes_its_line(shell: Project) -> None:
    """Nothing has loaded its completion yet, so the script does; this needs a zsh on the machine."""
    setup = re.search(r"(eval .*zsh_source reconciler\)\")", README, re.MULTILINE)
    assert setup is not None
    if (zsh := shutil.which("zsh")) is not None:
        printed = asked(shell, zsh, "-f", "-c", f'{setup[1]}; print -- "$_comps[reconciler]"')

        assert printed.split() == ["_reconciler_completion"]
