"""Output that cannot be written: one line says so, and no work is left half done because of it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from tests.support.project import Project

MANIFEST = """\
version: 1
services:
  desk:
    conversations:
      order:
        messages:
          - {key: a, body: Hello}
          - {key: b, body: How are you?}
          - {key: c, body: Bye}
"""


def run(project: Project, *arguments: str, out: int, err: int) -> tuple[int, str]:
    """Run `reconciler ARGUMENTS` with these descriptors, and return its exit code and what else it said."""
    ran = subprocess.run(
        [sys.executable, "-m", "reconciler", *arguments],
        cwd=project.folder,
        env=project.environment(),
        stdin=subprocess.DEVNULL,
        stdout=out,
        stderr=err,
        check=False,
        timeout=60,
    )
    said = b"" if ran.stderr is None else ran.stderr
    return ran.returncode, said.decode()


@contextmanager
def unwritable() -> Iterator[int]:
    """Yield a descriptor that nothing can be written to."""
    descriptor = os.open(os.devnull, os.O_RDONLY)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


@contextmanager
def unread() -> Iterator[int]:
    """Yield the writing end of a pipe that nobody reads any more."""
    reader, writer = os.pipe()
    os.close(reader)
    try:
        yield writer
    finally:
        os.close(writer)


@pytest.mark.parametrize("command", ["schema", "version", "plan"])
def test_output_that_cannot_be_written_is_an_error_of_one_line(project: Project, command: str) -> None:
    """No traceback, and no second complaint at the end of the process; a report repeats it for programs."""
    project.write("manifests/order.yaml", MANIFEST)
    with unwritable() as nowhere:
        code, said = run(project, command, out=nowhere, err=subprocess.PIPE)

    told = "cannot write the output: bad file descriptor\n"
    assert (code, said) == (1, f"error: {told}Error: {told}" if command == "plan" else f"error: {told}")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a disk that is always full")
@pytest.mark.parametrize(
    "command",
    [
        "plan --format json",
        "plan nope --format json",
        "plan --format jsonl",
        "validate --format json",
        "drift --format json",
        "apply --auto-approve --format json",
        "show --format json",
        "output --format json",
        "transcript * --format json",
    ],
)
def test_an_error_that_programs_cannot_be_told_stays_one_line(project: Project, command: str) -> None:
    """The disk is full for the document that tells of it too."""
    project.write("manifests/order.yaml", MANIFEST)
    project.run("apply", "--auto-approve", check=0)
    with Path("/dev/full").open("wb") as full:
        code, said = run(project, *command.split(), out=full.fileno(), err=subprocess.PIPE)

    told, *hint = said.splitlines()
    assert code == 1
    if "nope" in command:
        assert told == "error: cannot read `nope`: no such file or directory"
        assert len(hint) == 1
    else:
        assert told == "error: cannot write the output: no space left on device"
        assert hint == []


@pytest.mark.parametrize("lost", [unwritable, unread])
def test_an_apply_that_cannot_tell_of_its_progress_goes_on(
    served: Project, tmp_path: Path, lost: Callable[[], AbstractContextManager[int]]
) -> None:
    """Whoever closes the log does not leave a conversation half filled."""
    served.write("manifests/order.yaml", MANIFEST)
    with lost() as nowhere, (tmp_path / "out").open("wb") as out:
        code, _ = run(served, "apply", "--auto-approve", out=out.fileno(), err=nowhere)

    assert (code, (tmp_path / "out").read_text().splitlines()[-1]) == (
        0,
        "Apply complete! Resources: 5 added, 0 changed, 0 destroyed.",
    )
    assert served.run("plan", "--detailed-exitcode").code == 0
