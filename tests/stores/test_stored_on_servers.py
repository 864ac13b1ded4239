"""What is found by `strings` in the objects of a real server."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from reconciler.emulator import Emulator, Fault
from reconciler.emulator.faults import Invoke
from reconciler.emulator.server import running
from tests.support.object_servers import SECRET, Server
from tests.support.project import Project, environ_of

TOKEN = "zebra-auth-token"
WANTED = """\
version: 1
variables: {word: {default: zebra-variable, sensitive: true}}
services:
  desk:
    conversations:
      c:
        attributes: {a: zebra-attribute}
        messages:
          - {key: one, author: zebra-author, body: zebra-body 1, attributes: {a: [zebra-attribute]}}
          - {key: two, author: zebra-author, body: zebra-body 2, subject: zebra-subject}
          - {key: three, author: zebra-author, media: {file: note.txt}}
          - {key: four, author: zebra-author, body: "${var.word}"}
"""


@pytest.fixture
def stored() -> list[bytes]:
    """What was stored, whenever somebody looked."""
    return []


@pytest.fixture
def desk(tmp_path: Path, server: Server, prefix: str, stored: list[bytes]) -> Iterator[Project]:
    """A project whose state is on a server; what is stored is looked at whenever a message is created."""
    emulator = Emulator()
    look = Invoke(lambda: stored.extend(server.content(prefix).values()))
    emulator.faults.add(Fault("create_message", look))
    with running(emulator) as url:
        environ = {**environ_of(url), **server.environ, "NO_PROXY": "127.0.0.1", "TWILIO_AUTH_TOKEN": TOKEN}
        project = Project(tmp_path, {**environ, "RECONCILER_STATE": server.address(prefix)})
        project.write("manifests/a.yaml", WANTED)
        project.write("manifests/note.txt", "zebra-file")
        yield project
    emulator.close()


def strings(data: bytes) -> list[str]:
    """Return what the program `strings` finds in *data*: four printable characters or more."""
    return [one.decode() for one in re.findall(rb"[ -~]{4,}", data)]


def test_no_text_and_no_credential_is_stored(
    desk: Project, server: Server, prefix: str, stored: list[bytes]
) -> None:
    """Neither while creates are open, nor after a command."""
    desk.run("plan", "--out", "next.plan", check=0)
    desk.run("apply", "next.plan", "manifests", check=0)
    stored += server.content(prefix).values()
    desk.edit("manifests/a.yaml", "zebra-body 2", "zebra-body 3")
    desk.edit("manifests/a.yaml", ", subject: zebra-subject", "")
    for command in ("apply", "destroy"):
        desk.run(command, "--auto-approve", check=0)
        stored += server.content(prefix).values()
    shown = [text for data in stored for text in strings(data)]

    assert any("desk/c/four" in text for text in shown)
    assert any('"opened"' in text for text in shown)
    assert [text for text in shown if "zebra" in text.lower() or SECRET in text] == []
