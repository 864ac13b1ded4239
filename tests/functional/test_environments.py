"""Environments: one settings file, several accounts and states, none of them mistaken for another."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from reconciler.cli.root import cli
from reconciler.errors import ManifestError
from tests.support.project import ACCOUNT, Project

MANIFEST = """\
version: 1
variables:
  city: {default: Berlin}
  hours: {type: map, default: {open: 8, close: 17}}
services:
  desk:
    conversations:
      order:
        messages:
          - {key: hello, body: "${var.city}", attributes: "${var.hours}"}
"""
SETTINGS = f"""\
account: {ACCOUNT}
variables: {{city: Lisbon, hours: {{open: 9}}}}
environments:
  staging:
    state: staging.json
    variables: {{hours: {{close: 18}}}}
  production:
    state: production.json
    protected: true
    var_files: [production.yaml]
    variables: {{hours: {{late: 22}}}}
"""


@pytest.fixture
def desk(served: Project) -> Project:
    """A project with two environments."""
    served.write("manifests/desk.yaml", MANIFEST)
    served.write("reconciler.yaml", SETTINGS)
    served.write("production.yaml", "city: Porto\nhours: {open: 7, close: 20}\n")
    return served


def planned(project: Project, *arguments: str) -> dict[str, object]:
    """Return the body and the attributes that a plan would send."""
    document = json.loads(project.run("plan", "--format", "json", *arguments, check=0).out)
    (message,) = (one for one in document["resource_changes"] if one["type"] == "message")
    after = message["change"]["after"]
    return {"body": after["body"], **after["attributes"]}


def at_terminal(project: Project, *arguments: str, typed: str) -> tuple[int, str]:
    """Run `reconciler ARGUMENTS` where a person sits, who types; return the exit code and stderr."""
    ours, theirs = pty.openpty()
    try:
        os.write(ours, f"{typed}\n".encode())
        ran = subprocess.run(
            [sys.executable, "-m", "reconciler", *arguments],
            cwd=project.folder,
            env=project.environment(),
            stdin=theirs,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
    finally:
        os.close(theirs)
        os.close(ours)
    return ran.returncode, ran.stderr


def test_later_values_win_and_mappings_merge(desk: Project) -> None:
    """Default, the file's values, the environment's file, its values, the environment, the command line."""
    assert planned(desk) == {"body": "Lisbon", "open": 9, "close": 17}
    assert planned(desk, "--env", "staging") == {"body": "Lisbon", "open": 9, "close": 18}
    assert planned(desk, "--env", "production") == {"body": "Porto", "open": 7, "close": 20, "late": 22}
    desk.environ["RECONCILER_VAR_city"] = "Paris"
    desk.write("given.yaml", "city: Rome\n")
    assert planned(desk, "--env", "staging")["body"] == "Paris"
    assert planned(desk, "--env", "staging", "--var-file", "given.yaml")["body"] == "Rome"
    given = ("--var-file", "given.yaml", "--var", "city=Oslo", "--var", "hours={close: 23}")
    assert planned(desk, "--env", "staging", *given) == {"body": "Oslo", "open": 9, "close": 23}


def test_a_wrong_value_has_its_place(desk: Project) -> None:
    """A variable that no manifest declares, and a value of the wrong type, in the settings file itself."""
    desk.edit("reconciler.yaml", "{city: Lisbon, hours", "{citi: Lisbon, hours")
    ran = desk.run("plan", check=1)

    assert "--> reconciler.yaml:2:13" in ran.err
    assert "no manifest declares a variable `citi`" in ran.err
    assert "did you mean `city`?" in ran.err


def test_the_state_remembers_its_environment(desk: Project) -> None:
    """It is refused under another one and under none, whichever command reads it; nothing changes."""
    desk.run("apply", "--auto-approve", "--env", "staging", check=0)
    before = (desk.folder / "staging.json").read_bytes()
    for command in (("plan",), ("drift",), ("state", "list"), ("show",), ("output",), ("destroy",)):
        more = ("--auto-approve",) if command == ("destroy",) else ()
        ran = desk.run(*command, *more, "--state", "staging.json", check=1)
        assert "belongs to environment `staging`, but this command has no `--env`" in ran.err, command
        assert "pass `--env staging`" in ran.err
    ran = desk.run("plan", "--env", "production", "--state", "staging.json", check=1)
    assert "belongs to environment `staging`, but this command has `--env production`" in ran.err
    ran = desk.run("state", "push", "staging.json", "--state", "other.json", check=1)
    assert "belongs to environment `staging`" in ran.err

    assert (desk.folder / "staging.json").read_bytes() == before
    desk.environ["RECONCILER_ENV"] = "staging"
    assert "No changes." in desk.run("plan", check=0).out


@pytest.mark.parametrize("command", ["plan", "state list", "output"])
def test_who_forgets_the_environment_is_told_of_those_there_are(desk: Project, command: str) -> None:
    """Obeying a hint without them would begin another state."""
    desk.environ.clear()
    chosen = "; or choose an environment of `reconciler.yaml`: `--env staging` or `--env production`\n"

    assert chosen in desk.run(*command.split(), check=1).err
    assert "choose an environment" not in desk.run(*command.split(), "--env", "staging", check=1).err


def test_a_state_of_before_gets_the_name_with_its_next_write(desk: Project) -> None:
    """Who begins to use environments keeps the state."""
    desk.run("apply", "--auto-approve", "--state", "staging.json", "--var", "city=Lisbon", check=0)
    desk.run("apply", "--auto-approve", "--env", "staging", check=0)

    assert json.loads((desk.folder / "staging.json").read_text(encoding="utf-8"))["environment"] == "staging"


def test_a_plan_belongs_to_its_environment(desk: Project) -> None:
    """Also where neither environment has a state yet."""
    desk.run("plan", "--env", "staging", "--out", "plan.bin", check=0)
    ran = desk.run("apply", "plan.bin", "--env", "production", check=1)
    assert "the plan was made with `--env staging`, but this command has `--env production`" in ran.err
    ran = desk.run("apply", "plan.bin", "--state", "x.json", check=1)
    assert "but this command has no `--env`" in ran.err
    desk.run("apply", "plan.bin", "--env", "staging", check=0)


def test_an_unknown_environment(desk: Project) -> None:
    """The known ones are listed; without a settings file there is none."""
    ran = desk.run("plan", "--env", "prodution", check=1)
    assert "has no environment `prodution`: those that it has are `staging`, `production`" in ran.err
    assert "did you mean `production`?" in ran.err
    assert "`--env` is empty" in desk.run("plan", "--env", "", check=1).err
    (desk.folder / "reconciler.yaml").rename(desk.folder / "other.yaml")
    assert "needs a settings file" in desk.run("plan", "--env", "staging", check=1).err
    assert planned(desk, "--config", "other.yaml", "--env", "staging")["close"] == 18


@pytest.mark.parametrize(
    ("variable", "value", "name", "place"),
    [
        ("RECONCILER_STATE", "elsewhere.json", "state", "4:31"),
        ("RECONCILER_ENDPOINT", "emulator", "endpoint", "4:13"),
        ("TWILIO_ACCOUNT_SID", "AC" + "9" * 32, "account", "1:1"),
    ],
)
def test_a_variable_must_not_lead_elsewhere(
    desk: Project, variable: str, value: str, name: str, place: str
) -> None:
    """Who names an environment gets it, or an error with both; who does not, gets the variable."""
    desk.edit(
        "reconciler.yaml", "  staging:\n", "  staging: {endpoint: twilio, state: staging.json}\n  old:\n"
    )
    desk.environ.pop("RECONCILER_ENDPOINT")
    desk.environ[variable] = value
    ran = desk.run("plan", "--env", "staging", check=1)

    assert f"{variable} is set to something else than `{name}` of `--env staging`" in ran.err
    assert f"(reconciler.yaml:{place})" in ran.err
    assert value not in ran.err
    desk.environ["RECONCILER_ENV"] = "staging"
    assert "is set to something else" not in desk.run("state", "list", check=1).err


def test_the_command_line_wins_over_all(desk: Project) -> None:
    """An option that is given says what is meant, whatever a variable says."""
    desk.environ["RECONCILER_STATE"] = "elsewhere.json"
    desk.run("apply", "--auto-approve", "--env", "staging", "--state", "mine.json", check=0)

    assert {"mine.json"} <= desk.files()
    assert desk.files().isdisjoint({"elsewhere.json", "staging.json"})


def test_credentials_of_another_account(desk: Project) -> None:
    """The account of the settings file is a guard of every command that sends requests."""
    desk.environ["TWILIO_ACCOUNT_SID"] = "AC" + "9" * 32
    sweep = ("sweep", "--older-than", "1h")
    for command in (("plan",), ("drift",), ("apply", "--auto-approve"), ("export",), sweep):
        ran = desk.run(*command, check=1)
        if command != ("drift",):  # which has nothing to compare
            assert f"`account` at reconciler.yaml:1:1 is {ACCOUNT}" in ran.err, command
            assert f"uses account {'AC' + '9' * 32}" in ran.err


def test_paths_are_relative_to_the_settings_file(served: Project) -> None:
    """Manifests, values and state, where the file is named from another folder."""
    served.write("team/ours/desk.yaml", MANIFEST)
    served.write("team/values.yaml", "city: Faro\n")
    served.write("team/settings.yaml", "manifests: ours\nvar_files: values.yaml\nstate: st.json\n")
    served.run("apply", "--auto-approve", "--config", "team/settings.yaml", check=0)

    assert "team/st.json" in served.files()
    assert "Faro" in served.run("plan", "--config", "team/settings.yaml", "--state", "n.json").out


@pytest.mark.parametrize(
    ("settings", "name", "place"),
    [
        ("manifests: nofolder\n", "nofolder", "1:12"),
        ("manifests:\n  - manifests\n  - nofile.yaml\n", "nofile.yaml", "3:5"),
        ("var_files: [novalues.yaml]\n", "novalues.yaml", "1:13"),
    ],
)
def test_what_it_names_and_is_not_there_has_its_place(
    served: Project, settings: str, name: str, place: str
) -> None:
    """As any other mistake in it has; commands that do not need it work."""
    served.write("manifests/desk.yaml", MANIFEST)
    served.write("reconciler.yaml", settings)

    error = f"error: there is no `{name}`, which the settings file names (reconciler.yaml:{place})\n"
    assert error in served.run("validate", check=1).err
    served.run("transcript", "nobody", check=1)


def test_it_is_never_a_manifest(served: Project) -> None:
    """A folder that holds settings files is read without them; a manifest of that name is named."""
    served.write("desk.yaml", MANIFEST)
    served.write("reconciler.yaml", "manifests: .\n")
    served.write("sub/reconciler.yaml", "state: other.json\n")
    served.run("validate", check=0)
    served.run("fmt", "--check", ".", check=0)
    served.write("sub/reconciler.yaml", MANIFEST)
    assert "`sub/reconciler.yaml` has the name of a settings file" in served.run("validate", check=1).err
    (served.folder / "sub/reconciler.yaml").unlink()
    assert "has the name of a settings file" in served.run("validate", "reconciler.yaml", check=1).err
    served.write("mine.yaml", "manifests: .\n")
    (served.folder / "reconciler.yaml").unlink()
    served.run("validate", "--config", "mine.yaml", check=0)
    assert (
        "which is the settings file" in served.run("plan", "--config", "mine.yaml", "--out", "mine.yaml").err
    )


def test_a_saved_plan_is_given_by_hand_alone(desk: Project) -> None:
    """What the settings file calls a manifest is none that `apply` would carry out without asking."""
    desk.run("plan", "--out", "plan.bin", check=0)
    desk.write("reconciler.yaml", "manifests: plan.bin\n")

    assert "Apply complete!" not in desk.run("apply", check=1).out


WRITING = (
    ("apply",),
    ("apply", "--auto-approve"),
    ("destroy",),
    ("destroy", "--auto-approve"),
    ("state", "mv", "desk/order/hello", "desk/order/hi"),
    ("state", "rm", "desk/order/hello"),
    ("state", "push", "pushed.json"),
    ("import", "desk/order/other", "IM" + "0" * 32),
    ("export", "--bind", "--out", "out"),
)
"""Commands that change something, with arguments that let each get that far."""


@pytest.fixture
def guarded(desk: Project) -> Project:
    """A project whose production is applied."""
    desk.run("plan", "--env", "production", "--out", "plan.bin", check=0)
    desk.run("apply", "plan.bin", "--env", "production", check=0)
    desk.write("pushed.json", desk.run("state", "pull", "--env", "production", check=0).out)
    desk.edit("manifests/desk.yaml", "key: hello", "key: hello, author: ann")
    return desk


def test_without_a_person_nothing_changes_a_protected_environment(guarded: Project) -> None:
    """Every command that writes is refused, also with `--auto-approve` and a `yes` in a pipe."""
    before = guarded.files(), (guarded.folder / "production.json").read_bytes()
    for command in WRITING:
        ran = guarded.run(*command, "--env", "production", stdin="production\nyes\n", check=1)
        assert "environment `production` is protected (reconciler.yaml:9:5)" in ran.err, command
        assert (guarded.files(), (guarded.folder / "production.json").read_bytes()) == before, command


@pytest.mark.parametrize("command", [WRITING[1], WRITING[4]], ids=" ".join)
def test_only_the_name_of_the_environment_approves(guarded: Project, command: tuple[str, ...]) -> None:
    """A person is asked, also with `--auto-approve`; `yes` is not the name."""
    before = (guarded.folder / "production.json").read_bytes()
    code, said = at_terminal(guarded, *command, "--env", "production", typed="yes")
    assert code == 1
    assert "Only its name, `production`, approves: " in said
    assert "is cancelled: only `production` approves" in said
    assert (guarded.folder / "production.json").read_bytes() == before

    code, said = at_terminal(guarded, *command, "--env", "production", typed="production")
    assert "is cancelled" not in said
    assert code == 0, said


def test_who_sweeps_a_protected_account_is_asked(guarded: Project) -> None:
    """The services that tests left are deleted for nobody else."""
    manifest = (
        "version: 1\nservices: {a: {friendly_name: 'a [reconciler tests 2026-01-01T00:00:00Z gw0-1.1]'}}\n"
    )
    guarded.write("manifests/desk.yaml", manifest)
    guarded.run("apply", "--auto-approve", "--config", guarded.write("plain.yaml", "{}\n").name, check=0)
    sweep = ("sweep", "--older-than", "0s", "--workspace", "tests", "--auto-approve", "--env", "production")

    assert "is protected" in guarded.run(*sweep, check=1).err


def test_a_saved_plan_is_applied_without_a_person(guarded: Project) -> None:
    """It was reviewed; where somebody sits, that person is asked all the same."""
    guarded.run("plan", "--env", "production", "--out", "next.bin", check=0)
    code, said = at_terminal(guarded, "apply", "next.bin", "--env", "production", typed="no")
    assert code == 1
    assert "only `production` approves" in said

    assert "Apply complete!" in guarded.run("apply", "next.bin", "--env", "production", check=0).out


def test_protection_needs_an_environment(desk: Project) -> None:
    """A file that protects everything says which name approves only with an environment."""
    desk.write("reconciler.yaml", "protected: true\n")

    assert "no environment is chosen" in desk.run("apply", "--auto-approve", check=1).err
    desk.run("plan", check=0)


def commands(
    group: click.Group, path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Yield every command with its words."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))
        else:
            yield (*path, name), command


def test_every_command_that_the_file_decides_reads_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those that take a state, an endpoint or manifests have `--env`, no others. Help needs no sound file."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "reconciler.yaml").write_text("stat: 1\n", encoding="utf-8")
    for words, command in commands(cli):
        names = {one.name for one in command.params}
        assert ("env" in names) == bool(names & {"state", "source", "endpoint", "paths"}), words
        assert CliRunner().invoke(cli, [*words, "--help"]).exit_code == 0, words
        if "env" in names:
            needed = ["x" for one in command.params if isinstance(one, click.Argument) and one.required]
            ran = CliRunner().invoke(cli, [*words, *needed])
            assert isinstance(ran.exception, ManifestError), words
            assert ran.exception.problems[0].text == "`stat` is no setting", words


def test_shells_are_offered_the_environments(desk: Project) -> None:
    """Those of the file that begin with what is typed."""
    desk.environ |= {
        "_RECONCILER_COMPLETE": "bash_complete",
        "COMP_WORDS": "reconciler plan --env st",
        "COMP_CWORD": "3",
    }
    ran = subprocess.run(
        [Path(sys.executable).with_name("reconciler")],
        cwd=desk.folder,
        env=desk.environment(),
        capture_output=True,
        text=True,
        check=False,
    )

    assert ran.stdout.split() == ["plain,staging"]


def test_no_first_files_where_the_folder_is_none(project: Project) -> None:
    """It says so, and writes nothing."""
    project.write("manifests", "mine")

    ran = project.run("init", check=1)

    assert ran.err == ("error: `manifests` is no folder\nhint: move it away, or start in another folder\n")
    assert project.files() == {"manifests"}


def test_the_first_files_of_a_project(project: Project) -> None:
    """They are written once, work together at once, and nothing that is there is changed."""
    project.environ.clear()
    ran = project.run("init", check=0)
    assert ran.out.splitlines() == [
        "Wrote manifests/support.yaml",
        "Wrote reconciler.yaml",
        "Wrote .gitignore",
        "Next: reconciler plan --env staging",
    ]
    assert "Plan: 3 to add" in project.run("plan", "--env", "staging", check=0).out
    assert "Left reconciler.yaml as it is" in project.run("init", check=0).out
    for name in ("manifests/support.yaml", "reconciler.yaml"):
        (project.folder / name).unlink()
    mine = project.write("manifests/mine.yaml", "version: 1\n")
    (project.folder / "reconciler.yaml").symlink_to("nowhere")
    before = project.files()
    assert project.run("init", check=0).out.splitlines()[:3] == [
        "Left manifests as it is",
        "Left reconciler.yaml as it is",
        "Left .gitignore as it is",
    ]
    assert project.files() == before
    assert mine.read_text(encoding="utf-8") == "version: 1\n"
