"""States that cannot be read as files are: pipes, devices, and file systems that never answer."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.project import Project

MANIFEST = "version: 1\nservices: {desk: {conversations: {order: {messages: [{key: a, body: Hello}]}}}}\n"
HANGING = """
import os
import sys

from reconciler.cli.main import main

opened, answered = os.open, int(sys.argv.pop(1))


def hang(path, *rest, **more):
    global answered
    answered -= str(path).endswith("reconciler.state.json")
    if answered < 0:
        os.write(2, b"hangs\\n")
        reader, writer = os.pipe()
        os.read(reader, 1)
    return opened(path, *rest, **more)


os.open = hang
main()
"""
"""The command line on a disk that answers who opens a state so many times, and then never again."""


@pytest.fixture
def desk(project: Project) -> Project:
    """A project with one message to be created."""
    project.write("manifests/desk.yaml", MANIFEST)
    return project


@pytest.mark.parametrize("suffix", ["", ".journal"])
@pytest.mark.parametrize("command", ["plan", "apply --auto-approve", "drift", "state list", "show", "output"])
def test_a_state_that_is_a_pipe_is_refused(desk: Project, command: str, suffix: str) -> None:
    """Nobody waits for who might write into it."""
    if suffix:
        desk.run("apply", "--auto-approve", check=0)
    name = f"reconciler.state.json{suffix}"
    os.mkfifo(desk.folder / name)

    ran = desk.run(*command.split(), check=1)

    assert f"error: cannot read `{name}`: it is no regular file\n" in ran.err
    assert (desk.folder / name).is_fifo()


@pytest.mark.parametrize("device", ["/dev/zero", "/dev/null", "/dev/tty"])
@pytest.mark.parametrize("is_link", [False, True])
def test_a_state_that_is_a_device_is_refused(desk: Project, device: str, *, is_link: bool) -> None:
    """Named itself, or by way of a link; it is not read without end."""
    state = device
    if is_link:
        state = "linked.json"
        (desk.folder / state).symlink_to(device)

    ran = desk.run("plan", "--state", state, check=1)

    assert f"`{state}`: it is no regular file\n" in ran.err
    assert not Path(f"{device}.lock").exists()


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("command", ["plan", "drift"])
@pytest.mark.parametrize("answered", ["0", "1"])
def test_a_signal_ends_who_waits_for_a_disk(
    desk: Project, answered: str, command: str, signum: signal.Signals
) -> None:
    """As the system does before the work begins, and then although the event loop never comes by."""
    desk.run("apply", "--auto-approve", check=0)
    with subprocess.Popen(
        [sys.executable, "-c", HANGING, answered, command],
        cwd=desk.folder,
        env=desk.environment(),
        stderr=subprocess.PIPE,
    ) as process:
        try:
            assert process.stderr is not None
            assert process.stderr.readline() == b"hangs\n"
            process.send_signal(signum)

            ended = process.wait(60)
            assert (128 - ended if ended < 0 else ended) == 128 + signum  # as a shell says it
        finally:
            process.kill()
