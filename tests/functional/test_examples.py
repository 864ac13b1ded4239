"""The examples run as the README shows them, line by line in a shell."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from typing import Any

import pytest

from tests.support.project import ROOT, Project
from tests.support.sdk import client_at

README = (ROOT / "README.md").read_text(encoding="utf-8")
PROGRAMS = {"reconciler": "-m reconciler", "pytest": "-m pytest -p no:cacheprovider", "python": ""}


def shown(heading: str, language: str) -> str:
    """Return the first block of code under a heading of the README."""
    block = re.search(rf"^#+ {heading}\n.*?```{language}\n(.*?)```", README, re.DOTALL | re.MULTILINE)
    assert block is not None
    return block[1]


class Shell:
    """A user's shell beside a copy of the examples; whoever is asked for approval says `yes`."""

    def __init__(self, project: Project) -> None:
        self.project = project
        shutil.copytree(ROOT / "examples", project.folder / "examples")
        programs = project.folder / "bin"
        programs.mkdir()
        for name, arguments in PROGRAMS.items():
            program = programs / name
            program.write_text(f'#!/bin/sh\nexec "{sys.executable}" {arguments} "$@"\n', encoding="utf-8")
            program.chmod(0o700)

    def run(self, line: str) -> str:
        """Run one line that must succeed, and return its output; a promise in its comment must hold."""
        environ = self.project.environment()
        environ["PATH"] = f"{self.project.folder / 'bin'}:{environ['PATH']}"
        ran = subprocess.run(
            ["sh", "-c", line],
            cwd=self.project.folder,
            env=environ,
            input="yes\n",
            capture_output=True,
            text=True,
            encoding="utf-8",
            check=False,
        )
        assert ran.returncode == 0, f"{line}\n{ran.stdout}\n{ran.stderr}"
        promised = line.partition("# ")[2]
        if promised[:1].isdigit() or promised.startswith(("Apply", "Plan", "Destroy", "Sweep")):
            assert promised in ran.stdout
        return ran.stdout


@pytest.fixture
def shell(project: Project) -> Shell:
    """A shell whose commands use the emulator only where they say so."""
    project.environ.clear()
    return Shell(project)


def lines(shell: Shell, heading: str) -> list[str]:
    """Return the lines under *heading*; what is exported holds for those that are run after."""
    found = shown(heading, "sh").splitlines()
    for line in found:
        if line.startswith("export "):
            name, _, value = line.partition("#")[0].split()[1].partition("=")
            shell.project.environ[name] = value
    return [line for line in found if not line.startswith("export ")]


def test_variables_and_fan_out(shell: Shell) -> None:
    """Values from the environment, from files and flags, names that are allowed, and items of a file."""
    outputs = [shell.run(line) for line in lines(shell, "Say more with less")]

    assert 'friendly_name: "Front desk Porto"' in outputs[1]
    assert "body: (sensitive value)" in outputs[2]
    assert "Mia" not in outputs[2]


def everything(conversations: Any) -> dict[str, Any]:
    """Return all that people see of conversations, sids aside."""
    return {
        one.unique_name: (
            one.state,
            one.friendly_name,
            [(each.author, each.body, each.attributes, each.date_created) for each in one.messages.list()],
            sorted(each.identity for each in one.participants.list()),
        )
        for one in conversations.list()
    }


def play_a_day(conversations: Any) -> None:
    """Do what visitors of a demo do: type, edit, delete, join, leave, and close."""
    for name, count in (("late-parcel", 12), ("new-boots", 8), ("wrong-size", 3)):
        for number in range(count):
            conversations(name).messages.create(author="guest", body=f"typed {number}")
        conversations(name).participants.create(identity="guest")
    late, *_ = conversations("late-parcel").messages.list()
    late.update(body="What is this?", attributes='{"order": 1}')
    conversations("new-boots").messages.list()[0].delete()
    for ticket in conversations.list():
        if ticket.unique_name == "wrong-size":
            next(one for one in ticket.participants.list() if one.identity == "bob").delete()
            ticket.messages.list()[1].delete()
            ticket.update(state="closed")


def test_a_demo_is_itself_again(served: Project) -> None:
    """After a day at a fair one line brings it back; sids can be sourced; in the end all is gone."""
    shell = Shell(served)
    url = served.environ["RECONCILER_ENDPOINT"]
    services = client_at(url).conversations.v1.services
    seed, output, reset, anchor, destroy = shown("A demo that is itself again", "sh").splitlines()
    shell.run(seed)
    shell.run(output)
    (service,) = services.list()
    conversations = services(service.sid).conversations
    seeded = everything(conversations)
    play_a_day(conversations)
    assert everything(conversations) != seeded
    played = served.run("plan", "examples/demo", "--state", "demo.json", check=1)

    was_reset = shell.run(reset.replace("reconciler", "</dev/null reconciler", 1))

    assert "`demo-desk/wrong-size` (closed); `--reset` brings them back" in played.out
    assert "Apply complete! Resources: 9 added, 1 changed, 32 destroyed." in was_reset
    assert everything(conversations) == seeded
    served.run("plan", "examples/demo", "--state", "demo.json", "--detailed-exitcode", check=0)
    shell.run(output)
    shell.run(anchor)

    (env,) = [
        line
        for line in (served.folder / "demo.env").read_text("utf-8").splitlines()
        if line.startswith("SID_DEMO_DESK_LATE_PARCEL=")
    ]
    parcel = services(service.sid).conversations(env.partition("=")[2])
    assert [message.body[:12] for message in parcel.messages.list()] == [
        "My parcel wa",
        "Sorry to hea",
        "Found it: it",
        "It is here, ",
    ]
    served.run("plan", "examples/demo", "--state", "demo.json", "--detailed-exitcode", check=0)
    shell.run(destroy)
    assert services.list() == []


def test_tests_sweeps_and_programs(shell: Shell) -> None:
    """The bot's tests, here and elsewhere, what they leave, and the functions for Python."""
    for line in lines(shell, "Examples"):
        shell.run(line)


@pytest.fixture
def bot(pytester: pytest.Pytester) -> pytest.Pytester:
    """A copy of the example of tests, to run in a process of its own."""
    shutil.copytree(ROOT / "examples" / "pytest", pytester.path, dirs_exist_ok=True)
    return pytester


def test_the_example_of_tests_runs_in_the_clone() -> None:
    """The options for the tests of this project hold there too."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "examples/pytest"]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    assert ran.returncode == 0, ran.stdout


def test_the_example_of_tests_warns_of_nothing(bot: pytest.Pytester) -> None:
    """Warnings are errors, as in the suites of many."""
    bot.runpytest_subprocess("-W", "error").assert_outcomes(passed=6)


def test_the_test_in_the_readme_passes(bot: pytest.Pytester) -> None:
    """What the README shows is a whole test, with the example's bot."""
    for test in bot.path.glob("test_*.py"):
        test.unlink()
    bot.makepyfile(test_readme=f"from bot import answer\n\n{shown('In tests', 'python')}")

    bot.runpytest_subprocess("-W", "error").assert_outcomes(passed=1)


def test_every_example_is_in_the_readme() -> None:
    """What is shown to nobody rots."""
    folders = [path for path in (ROOT / "examples").iterdir() if path.is_dir()]

    assert [path.name for path in folders if f"examples/{path.name}" not in README] == []
