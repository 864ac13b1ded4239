"""What is special about some examples; `test_readme` runs the commands of all of them."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from typing import Any

import pytest

from tests.support.project import ROOT, Project
from tests.support.readmes import Terminal
from tests.support.sdk import client_at


def shown(example: str, language: str) -> str:
    """Return the first block of code in the README of *example*."""
    readme = (ROOT / "examples" / example / "README.md").read_text(encoding="utf-8")
    block = re.search(rf"```{language}\n(.*?)```", readme, re.DOTALL)
    assert block is not None
    return block[1]


@pytest.fixture
def terminal(project: Project) -> Terminal:
    """A terminal whose commands use the emulator only where they say so."""
    project.environ.clear()
    terminal = Terminal(project)
    terminal.activate()
    return terminal


def test_values_from_outside(terminal: Terminal) -> None:
    """The later source of a value wins; sensitive ones, and those of the environment, are hidden."""
    lines = [*shown("variables", "sh").splitlines(), *shown("environment", "sh").splitlines()]
    _, first, second, _, environment = terminal.type(lines)

    assert 'friendly_name: "Front desk Berlin"' in first.shown
    assert 'friendly_name: "Front desk Porto"' in second.shown
    assert "body: (sensitive value)" in environment.shown
    assert "4711" not in first.shown
    assert "Mia" not in environment.shown


def test_a_state_of_another_environment_is_refused(terminal: Terminal) -> None:
    """For the reason that the comment gives, and not for the credentials."""
    lines = list(filter(None, shown("environments", "sh").splitlines()))
    *_, last, _ = terminal.type(lines)

    assert last.line.endswith("# refused: that is production's state")
    assert "production.state.json` belongs to environment `production`" in last.shown


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


def typed(line: str) -> list[str]:
    """Return the arguments of a command as a shell gives them, without what goes to a file."""
    return shlex.split(line.partition(" > ")[0], comments=True)[1:]


def test_a_demo_is_itself_again(served: Project) -> None:
    """After a day at a fair one line brings it back; sids can be sourced; in the end all is gone."""
    shutil.copytree(ROOT / "examples", served.folder / "examples")
    served.environ["RECONCILER_STATE"] = "demo.json"
    url = served.environ["RECONCILER_ENDPOINT"]
    services = client_at(url).conversations.v1.services
    _, seed, output, reset, anchor, destroy = map(typed, shown("demo", "sh").splitlines())
    served.run(*seed, check=0)
    before = served.run(*output, check=0).out
    (service,) = services.list()
    conversations = services(service.sid).conversations
    seeded = everything(conversations)
    play_a_day(conversations)
    assert everything(conversations) != seeded
    played = served.run("plan", "examples/demo", check=1)

    was_reset = served.run(*reset, check=0)

    assert "`demo-desk/wrong-size` (closed); `--reset` brings them back" in played.out
    assert "Apply complete! Resources: 9 added, 1 changed, 32 destroyed." in was_reset.out
    assert everything(conversations) == seeded
    served.run("plan", "examples/demo", "--detailed-exitcode", check=0)
    served.run(*anchor, check=0)

    (sid,) = re.findall("^SID_DEMO_DESK_LATE_PARCEL=(.*)$", before, re.MULTILINE)
    parcel = services(service.sid).conversations(sid)
    assert [message.body[:12] for message in parcel.messages.list()] == [
        "My parcel wa",
        "Sorry to hea",
        "Found it: it",
        "It is here, ",
    ]
    served.run("plan", "examples/demo", "--detailed-exitcode", check=0)
    served.run(*destroy, check=0)
    assert services.list() == []


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
    """What its README shows is a whole test, with the example's bot."""
    for test in bot.path.glob("test_*.py"):
        test.unlink()
    bot.makepyfile(test_readme=f"from bot import answer\n\n{shown('pytest', 'python')}")

    bot.runpytest_subprocess("-W", "error").assert_outcomes(passed=1)
