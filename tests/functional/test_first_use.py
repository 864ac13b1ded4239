"""The first mistakes of somebody new: each is named, with the command that goes on."""

from __future__ import annotations

import re
import shlex
import socket
import subprocess
import sys

import pytest

from reconciler.emulator import Emulator, EmulatorOptions
from reconciler.emulator.server import running
from tests.support.project import ACCOUNT, Project, environ_of

MANIFEST = "version: 1\nservices: {desk: {conversations: {order: {messages: [{key: a, body: Hello}]}}}}\n"
STATE = "reconciler.state.json"


@pytest.fixture
def desk(project: Project) -> Project:
    """A project with one message that is applied, and a saved plan to destroy it."""
    project.write("manifests/desk.yaml", MANIFEST)
    project.run("apply", "--auto-approve", check=0)
    project.run("plan", "--destroy", "--out", "plan.bin", check=0)
    return project


@pytest.mark.parametrize(
    ("typed", "error"),
    [
        ("aply", "no such command 'aply'. Did you mean 'apply'?"),
        ("statee list", "no such command 'statee'. Did you mean 'state'?"),
        ("state lst", "no such command 'lst'. Did you mean 'list'?"),
        ("plan --enpoint emulator", "no such option '--enpoint'. Did you mean '--endpoint'?"),
    ],
)
def test_a_misspelt_word_is_recognised(project: Project, typed: str, error: str) -> None:
    """Commands, their commands, and options."""
    assert project.run(*typed.split(), check=1).err.splitlines()[0] == f"error: {error}"


@pytest.mark.parametrize("command", ["plan", "apply", "fmt", "destroy"])
@pytest.mark.parametrize(("file", "what"), [("plan.bin", "a saved plan"), (STATE, "a state")])
def test_a_file_of_ours_is_no_manifest(desk: Project, command: str, file: str, what: str) -> None:
    """A saved plan and a state are JSON, which is YAML; `apply` takes a plan, but only as the first path."""
    paths = ["manifests", file] if command == "apply" else [file]
    before = (desk.folder / file).read_bytes()

    ran = desk.run(*command.split(), *paths, check=1)

    assert ran.err.splitlines()[0] == f"error: `{file}` is {what}, not a manifest"
    assert (desk.folder / file).read_bytes() == before


def test_a_state_is_no_saved_plan(desk: Project) -> None:
    """The other way round, `show` names its option."""
    assert desk.run("show", STATE, check=1).err == (
        f"error: `{STATE}` is a state, not a saved plan\nhint: run `reconciler show --state {STATE}`\n"
    )


@pytest.mark.parametrize("command", ["apply", "destroy"])
def test_who_cannot_be_asked_is_told_of_auto_approve(project: Project, command: str) -> None:
    """A pipeline has no terminal, and nothing to read."""
    project.write("manifests/desk.yaml", MANIFEST)
    if command == "destroy":
        project.run("apply", "--auto-approve", check=0)

    ran = project.run(command, check=1)

    assert (
        "\nerror: nobody can approve this: standard input is no terminal, and has ended\n"
        "hint: pass `--auto-approve` where nobody is to be asked\n"
    ) in ran.err


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_port_of_this_machine_where_nothing_listens(project: Project, host: str) -> None:
    """What is missing there is most likely the emulator."""
    project.write("manifests/desk.yaml", MANIFEST)
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]

    ran = project.run("plan", "--endpoint", f"http://{host}:{port}", check=1)

    assert (
        f"\nhint: nothing listens there; `reconciler emulator --port {port}` starts an emulator\n" in ran.err
    )


def test_an_emulator_that_is_asked_without_credentials(project: Project) -> None:
    """Any would do, and the hint says which; they are those that the emulator prints when it starts."""
    project.write("manifests/desk.yaml", MANIFEST)
    emulator = Emulator(options=EmulatorOptions())
    with running(emulator) as url:
        refused = project.run("plan", "--endpoint", url, check=1).err
        given = re.search(rf"`export (TWILIO_ACCOUNT_SID)=({ACCOUNT}) (TWILIO_AUTH_TOKEN)=(any)`", refused)
        assert given is not None, refused
        project.environ |= {given[1]: given[2], given[3]: given[4]}

        project.run("plan", "--endpoint", url, check=0)
    emulator.close()


def test_an_emulator_that_wants_another_token(project: Project) -> None:
    """The option that decides it is named, and no token."""
    project.write("manifests/desk.yaml", MANIFEST)
    emulator = Emulator(options=EmulatorOptions(auth_token="only-this-one"))
    with running(emulator) as url:
        project.environ |= environ_of(url)

        ran = project.run("plan", check=1)

    emulator.close()
    assert "`--require-token` takes that token only" in ran.err
    assert "only-this-one" not in ran.err


@pytest.mark.parametrize("token", ["", "s3cret"])
def test_the_emulator_prints_the_lines_to_export(project: Project, token: str) -> None:
    """Pasted into another terminal they are enough; a token that is required is not shown."""
    project.write("manifests/desk.yaml", MANIFEST)
    options = ["--require-token", token] if token else []
    with subprocess.Popen(
        [sys.executable, "-m", "reconciler", "emulator", "--port", "0", *options],
        env=project.environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as emulator:
        try:
            assert emulator.stdout is not None
            assert emulator.stderr is not None
            assert emulator.stdout.readline().startswith("Twilio Conversations emulator on http://127.0.0.1:")
            assert emulator.stderr.readline().startswith("To look into it: http://127.0.0.1:")
            assert emulator.stderr.readline() == "To use it from another terminal:\n"
            lines = [emulator.stderr.readline() for _ in range(2)]
            script = "".join(lines) + (f"export TWILIO_AUTH_TOKEN={token}\n" if token else "")
            script += f"{sys.executable} -m reconciler plan\n"

            ran = subprocess.run(
                ["bash", "-c", script],
                cwd=project.folder,
                env=project.environment(),
                capture_output=True,
                text=True,
                check=False,
            )
        finally:
            emulator.terminate()

    assert "Plan: 3 to add" in ran.stdout, ran.stderr
    assert not token or token not in "".join(lines)


# The next step


def conversations(*names: str) -> str:
    """Return a manifest of these conversations, each `service/name`, with one message in each."""
    lines = ["version: 1", "services:"]
    for service in dict.fromkeys(name.partition("/")[0] for name in names):
        inside = [name.partition("/")[2] for name in names if name.startswith(f"{service}/")]
        chats = ", ".join(f"{name}: {{messages: [{{key: a, body: I am {name}}}]}}" for name in inside)
        lines.append(f"  {service}: {{conversations: {{{chats}}}}}")
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize(
    ("names", "glob"),
    [
        (["desk/one"], "desk/one"),
        (["desk/one", "desk/two"], "'desk/*'"),
        (["desk/one", "shop/two"], "'*'"),
    ],
)
@pytest.mark.parametrize("options", ["", "--endpoint 'emulator:my data.db' --state other.json"])
def test_an_apply_ends_with_the_command_that_shows_it(
    project: Project, names: list[str], glob: str, options: str
) -> None:
    """It works as it stands: options that say where things are come along."""
    project.write("manifests/desk.yaml", conversations(*names))
    ran = project.run("apply", "--auto-approve", *shlex.split(options), check=0)
    line = ran.err.splitlines()[-1]

    assert line == f"To see the conversations: reconciler transcript {glob} {options}".rstrip()
    shown = project.run(*shlex.split(line.partition("reconciler ")[2]), check=0).out
    assert all(f"I am {name.partition('/')[2]}" in shown for name in names)


@pytest.mark.parametrize("options", ["", "--endpoint 'emulator:my data.db' --state other.json"])
def test_a_saved_plan_comes_with_the_command_that_applies_it(project: Project, options: str) -> None:
    """It works as it stands, too."""
    project.write("manifests/desk.yaml", MANIFEST)
    ran = project.run("plan", "--out", "my plan", *shlex.split(options), check=0)
    line = ran.err.splitlines()[-1]

    assert line == f"Saved the plan; to apply exactly this: reconciler apply 'my plan' {options}".rstrip()
    applied = project.run(*shlex.split(line.partition("reconciler ")[2]), check=0)
    assert "Apply complete!" in applied.out


def test_a_saved_plan_of_an_environment_names_it(project: Project) -> None:
    """Without it, the plan would be refused."""
    del project.environ["RECONCILER_ENDPOINT"]
    project.write("manifests/desk.yaml", MANIFEST)
    project.write("reconciler.yaml", "environments: {test: {endpoint: emulator, state: test.json}}\n")
    saved = project.run("plan", "--env", "test", "--out", "p", check=0).err.splitlines()[-1]

    assert saved.endswith(": reconciler apply p --env test")
    project.run(*shlex.split(saved.partition("reconciler ")[2]), check=0)


def test_what_comes_from_a_settings_file_is_named_again(project: Project) -> None:
    """An environment that was chosen is chosen again."""
    del project.environ["RECONCILER_ENDPOINT"]
    project.write("manifests/desk.yaml", MANIFEST)
    project.write("my.yaml", "environments: {test: {endpoint: emulator, state: test.json}}\n")

    ran = project.run("apply", "--auto-approve", "--config", "my.yaml", "--env", "test", check=0)

    assert ran.err.endswith("reconciler transcript desk/order --config my.yaml --env test\n")


def test_where_nothing_was_done_there_is_nothing_to_see(desk: Project) -> None:
    """Nor after a destroy, nor for a program that reads the outcome."""
    assert "To see" not in desk.run("apply", "--auto-approve", check=0).err
    assert "To see" not in desk.run("destroy", "--auto-approve", check=0).err
    assert "To see" not in desk.run("apply", "--auto-approve", "--format", "json", check=0).err


def test_an_empty_folder_leads_to_init(project: Project) -> None:
    """And `init` to a plan."""
    refused = project.run("plan", check=1).err
    assert "; `reconciler init` writes a first one\n" in refused

    project.run("init", check=0)
    project.run("plan", check=0)
