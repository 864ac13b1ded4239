"""Every way in which a state is refused: what to do next is said, and nothing is touched or asked."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from reconciler.emulator import Emulator
from reconciler.emulator.server import running
from tests.support.project import Project, environ_of

STATE = "reconciler.state.json"
MANIFEST = """\
version: 1
services:
  desk:
    conversations:
      c:
        messages:
          - {key: one, body: One}
"""


def _edit(**members: object) -> Callable[[Path], None]:
    def edit(folder: Path) -> None:
        path = folder / STATE
        path.write_text(json.dumps({**json.loads(path.read_text()), **members}))

    return edit


def _write(name: str, data: bytes) -> Callable[[Path], None]:
    def write(folder: Path) -> None:
        (folder / name).write_bytes(data)

    return write


def _cut(folder: Path) -> None:
    path = folder / STATE
    path.write_bytes(path.read_bytes()[:-40])


def _remove_state(folder: Path) -> None:
    (folder / STATE).rename(folder / "elsewhere")
    (folder / f"{STATE}.journal").write_bytes(b"anything\n")


REFUSALS = [
    pytest.param(_edit(format_version=99), "made by a newer release", "upgrade reconciler", id="newer"),
    pytest.param(_cut, "is damaged", "put back a good copy", id="cut-off"),
    pytest.param(_write(STATE, b""), "is empty", "put back a good copy", id="empty"),
    pytest.param(_write(STATE, b"\0" * 4096), "is empty", "put back a good copy", id="zeros"),
    pytest.param(
        _write(STATE, b"- a list\n"), "is no state of reconciler", "correct `--state`", id="no-state"
    ),
    pytest.param(_edit(bindings={"desk": {}}), "is damaged: `desk`", "put back a good copy", id="misfit"),
    pytest.param(
        _edit(origin="https://conversations.twilio.com"),
        "belongs to account",
        "use the credentials",
        id="foreign-origin",
    ),
    pytest.param(
        _edit(account_sid="AC" + "f" * 32), "belongs to account", "use the credentials", id="foreign-account"
    ),
    pytest.param(
        _write(f"{STATE}.journal", b"rubbish\nmore\n"),
        "is damaged in line 1",
        "put back a good copy",
        id="journal-damaged",
    ),
    pytest.param(_remove_state, "is there, but the state", "put back the state", id="journal-alone"),
]


@pytest.mark.parametrize(("spoil", "text", "hint"), REFUSALS)
def test_state_that_cannot_be_used_is_refused(
    served: Project, remote: Emulator, spoil: Callable[[Path], None], text: str, hint: str
) -> None:
    """Exit 1, the reason, the next step; no request, and every file as it was."""
    served.write("desk.yaml", MANIFEST)
    served.run("apply", "desk.yaml", "--auto-approve", check=0)
    spoil(served.folder)
    before = states(served.folder)
    remote.requests.clear()

    ran = served.run("apply", "desk.yaml", "--auto-approve", check=1)

    assert text in ran.err
    assert f"hint: {hint}" in ran.err
    assert ran.out == ""
    assert not remote.requests
    assert states(served.folder) == before


@pytest.mark.parametrize("command", [("plan",), ("destroy", "--auto-approve")])
def test_every_command_refuses_a_damaged_state(
    served: Project, remote: Emulator, command: tuple[str, ...]
) -> None:
    """A plan from half a state would be wrong, too."""
    served.write("desk.yaml", MANIFEST)
    served.run("apply", "desk.yaml", "--auto-approve", check=0)
    _cut(served.folder)
    remote.requests.clear()

    ran = served.run(command[0], "desk.yaml", *command[1:], check=1)

    assert "is damaged" in ran.err
    assert not remote.requests


def test_state_of_another_emulator_is_refused(served: Project) -> None:
    """Both sides are named, before the first request."""
    served.write("desk.yaml", MANIFEST)
    served.run("apply", "desk.yaml", "--auto-approve", check=0)
    before = states(served.folder)
    first = served.environ["RECONCILER_ENDPOINT"]
    other = Emulator()
    with running(other) as url:
        served.environ |= environ_of(url)

        ran = served.run("apply", "desk.yaml", "--auto-approve", check=1)

    assert f"at {first}" in ran.err
    assert f"at {url}" in ran.err
    assert not other.requests
    assert states(served.folder) == before
    other.close()


def test_folder_that_cannot_be_written_to(served: Project, remote: Emulator) -> None:
    """A mistyped `--state` makes no folder."""
    served.write("desk.yaml", MANIFEST)

    ran = served.run("apply", "desk.yaml", "--auto-approve", "--state", "typo/state.json", check=1)

    assert "hint: create that folder, or correct `--state`" in ran.err
    assert not remote.requests
    assert not (served.folder / "typo").exists()


def states(folder: Path) -> dict[str, bytes]:
    """Return the state and what lies beside it; the lock tells of each command, so it is left out."""
    return {path.name: path.read_bytes() for path in folder.glob(f"{STATE}*") if path.suffix != ".lock"}
