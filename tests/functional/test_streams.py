"""Standard streams that are closed, know few characters or are terminals; help where no command is named."""

from __future__ import annotations

import os
import pty
import subprocess
import sys

import pytest

from tests.support.project import Project

MANIFEST = "version: 1\nservices: {desk: {conversations: {order: {messages: [{key: a, body: Hello 🎉}]}}}}\n"


@pytest.fixture
def desk(project: Project) -> Project:
    """A project with one message to be created."""
    project.write("manifests/desk.yaml", MANIFEST)
    return project


def run_in_shell(project: Project, redirection: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run `reconciler ARGUMENTS` with that redirection."""
    return subprocess.run(
        ["sh", "-c", f'exec "$0" -m reconciler "$@" {redirection}', sys.executable, *arguments],
        cwd=project.folder,
        env=project.environment(),
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
        timeout=60,
    )


def stderr_of_terminal(project: Project, *arguments: str) -> str:
    """Return what `reconciler ARGUMENTS` prints on a terminal as its stderr."""
    ours, theirs = pty.openpty()
    try:
        subprocess.run(
            [sys.executable, "-m", "reconciler", *arguments],
            cwd=project.folder,
            env=project.environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=theirs,
            check=False,
            timeout=60,
        )
        return os.read(ours, 100_000).decode()
    finally:
        os.close(theirs)
        os.close(ours)


@pytest.mark.parametrize(("group", "first"), [((), "  validate    Check"), (("state",), "  list ")])
def test_a_group_without_a_command_shows_its_help(
    project: Project, group: tuple[str, ...], first: str
) -> None:
    """On stderr, line by line as `--help` prints it, and the exit code says that nothing was done."""
    ran = project.run(*group, check=1)

    assert ran.out == ""
    assert ran.err == project.run(*group, "--help", check=0).out
    assert any(line.startswith(first) for line in ran.err.splitlines())


def test_text_that_the_output_cannot_encode_is_escaped(desk: Project) -> None:
    """What can be shown is shown as it is."""
    desk.environ["PYTHONIOENCODING"] = "cp1252"

    assert '+ body: "Hello \\U0001f389"' in desk.run("plan", check=0).out


def test_an_answer_that_is_no_text_approves_nothing(desk: Project) -> None:
    """It is an answer other than `yes`."""
    desk.environ["PYTHONIOENCODING"] = "ascii"

    assert "apply cancelled: only `yes` approves" in desk.run("apply", stdin="já\n", check=1).err


def test_a_closed_input_approves_nothing(desk: Project) -> None:
    """Nobody is there who could say `yes`."""
    ran = run_in_shell(desk, "<&-", "apply")

    assert ran.returncode == 1
    assert "Only `yes` approves: \nerror: nobody can approve this: " in ran.stderr
    assert not (desk.folder / "reconciler.state.json").exists()


@pytest.mark.parametrize("redirection", [">&-", "2>&-", ">&- 2>&-", "<&- >&- 2>&-"])
def test_closed_outputs_are_as_if_nobody_read_them(desk: Project, redirection: str) -> None:
    """The work is done, and no file of ours gets the number of a stream and what would be printed there."""
    ran = run_in_shell(desk, redirection, "apply", "--auto-approve", "--format", "json=done.json")

    assert "Traceback" not in ran.stderr
    assert ran.returncode == 0
    assert (desk.folder / "done.json").read_text().startswith('{"format_version":')
    assert desk.run("plan", "--detailed-exitcode", check=0).err == ""


@pytest.mark.parametrize("mistake", [("--max-delete", "many"), ("--bogus",)])
@pytest.mark.parametrize(
    ("flags", "environ", "is_colored"),
    [
        ((), {}, True),
        ((), {"RECONCILER_NO_COLOR": "no"}, True),
        (("--no-color",), {}, False),
        ((), {"RECONCILER_NO_COLOR": "1"}, False),
        ((), {"NO_COLOR": "1"}, False),
    ],
    ids=["nothing said", "no", "flag", "variable", "NO_COLOR"],
)
def test_errors_on_a_terminal_have_colour_unless_it_is_refused(
    desk: Project,
    mistake: tuple[str, ...],
    flags: tuple[str, ...],
    environ: dict[str, str],
    *,
    is_colored: bool,
) -> None:
    """Also those about the options themselves, which nobody has understood yet then."""
    desk.environ |= {"TERM": "xterm", **environ}
    shown = stderr_of_terminal(desk, "plan", *flags, *mistake)

    assert "error:" in shown
    assert ("\x1b[" in shown) is is_colored
