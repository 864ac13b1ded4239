"""How processes end whose requests went over pyreqwest: its thread calls Python, also while that ends."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.support.project import Project

pytest.importorskip("pyreqwest")

COMMAND = """
import atexit, os, sys, threading
from reconciler.cli.main import main

threading._shutdown = lambda: os.write(1, b"Python ends\\n")  # its first step
atexit.register(print, "at exit")
sys.argv = ["reconciler", *sys.argv[1:]]
main()
"""
"""The command line, in a process that tells how it ends."""

LIBRARY = """
import asyncio, os, sys
from reconciler.twilio.endpoint import Endpoint
from reconciler.twilio.network import Request, Url
from reconciler.twilio.transport import open_http

async def ask(http, url):
    reply = await http.send(Request("GET", Url.parse(url), {}))
    while await reply.chunk() is not None:
        pass
    await reply.aclose()

async def main(url):
    async with open_http(Endpoint.parse(url, os.environ)) as http:
        await asyncio.gather(*(ask(http, url + "/v1/Services") for _ in range(10)))

asyncio.run(main(sys.argv[1]))
"""
"""A program that ends right after its last reply: one in six was aborted."""
AT_ONCE = 12


def start(project: Project, script: str, *arguments: str) -> subprocess.Popen[str]:
    """Start a Python program in *project*."""
    return subprocess.Popen(
        [sys.executable, "-c", script, *arguments],
        cwd=project.folder,
        env=project.environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize(
    ("command", "code", "printed"),
    [("plan", 2, ["at exit"]), ("validate", 0, ["Python ends", "at exit"])],
)
def test_a_command_that_sent_requests_ends_without_the_end_of_python(
    served: Project, command: str, code: int, printed: list[str]
) -> None:
    """What was registered for the exit is done, all is printed, and the exit code stays."""
    served.write("manifests/desk.yaml", "version: 1\nservices: {desk: {conversations: {order: {}}}}\n")
    arguments = ["plan", "--detailed-exitcode"] if command == "plan" else [command]

    with start(served, COMMAND, *arguments) as process:
        out, _ = process.communicate(timeout=60)

    assert process.returncode == code
    assert [line for line in out.splitlines() if line in {"at exit", "Python ends"}] == printed
    assert len(out.splitlines()) > len(printed)


def test_no_program_is_aborted_at_its_end(served: Project) -> None:
    """Many at once, as a busy machine shows it."""
    url = served.environment()["RECONCILER_ENDPOINT"]

    processes = [start(served, LIBRARY, url) for _ in range(AT_ONCE)]
    errors = [process.communicate(timeout=60)[1] for process in processes]

    assert [process.returncode for process in processes] == [0] * AT_ONCE, errors
