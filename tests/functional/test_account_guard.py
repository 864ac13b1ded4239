"""Manifests that name their account are refused anywhere else, before anything is asked or written."""

from __future__ import annotations

from pathlib import Path

import pytest

from reconciler.emulator import Emulator
from tests.support.project import ACCOUNT, Project

MEANT = "AC" + "1" * 32
MANIFEST = f"""\
version: 1
account: {ACCOUNT}
services:
  desk:
    conversations:
      c:
        messages:
          - {{key: one, body: One}}
"""


@pytest.fixture
def applied(served: Project, remote: Emulator) -> Project:
    """A project whose manifest names the account of the emulator, and was applied."""
    served.write("manifests/desk.yaml", MANIFEST)
    served.run("apply", "--auto-approve", check=0)
    remote.requests.clear()
    return served


def foreign(project: Project) -> str:
    """Let the manifest name another account, and return the error that is expected."""
    project.edit("manifests/desk.yaml", ACCOUNT, MEANT)
    return (
        f"error: these manifests are meant for account {MEANT}, but this command uses account "
        f"{ACCOUNT} at {project.environ['RECONCILER_ENDPOINT']}\n"
        "  --> manifests/desk.yaml:2:10\n"
    )


def states(folder: Path) -> dict[str, bytes]:
    """Return the state and its journal and backup."""
    return {path.name: path.read_bytes() for path in folder.glob("*.state.json*") if path.suffix != ".lock"}


@pytest.mark.parametrize(
    "command",
    [
        ("plan",),
        ("plan", "--destroy"),
        ("plan", "--refresh-only"),
        ("apply", "--auto-approve"),
        ("destroy", "--auto-approve"),
        ("drift",),
        ("import", "desk/c/two", "IM" + "2" * 32),
    ],
    ids=" ".join,
)
def test_another_account_is_refused(applied: Project, remote: Emulator, command: tuple[str, ...]) -> None:
    """Both accounts and the line are named; no request was sent, and the state is as it was."""
    before = states(applied.folder)
    expected = foreign(applied)

    ran = applied.run(*command, check=1)

    assert ran.err.startswith(expected)
    assert ran.out == ""
    assert not remote.requests
    assert states(applied.folder) == before


def test_the_account_itself_is_let_through(applied: Project) -> None:
    """With its guard in place everything works, and costs nothing."""
    applied.run("plan", "--detailed-exitcode", check=0)
    applied.run("drift", "--detailed-exitcode", check=0)
    applied.run("destroy", "--auto-approve", check=0)


def test_a_first_apply_elsewhere_makes_no_state(project: Project) -> None:
    """Without a state it is the manifest alone that knows where it belongs."""
    project.write("manifests/desk.yaml", MANIFEST)

    ran = project.run("apply", "--auto-approve", check=1)

    assert f"meant for account {ACCOUNT}, but this command uses account AC" in ran.err
    assert "hint: `reconciler emulator` serves one that takes any account" in ran.err
    assert [name for name in project.files() if name.endswith("state.json")] == []


def test_a_saved_plan_is_refused_elsewhere(applied: Project) -> None:
    """Without its manifests too: the plan knows the account that it was made for."""
    applied.edit("manifests/desk.yaml", "One", "Two")
    applied.run("plan", "--out", "plan.bin", check=0)
    applied.environ["TWILIO_ACCOUNT_SID"] = MEANT

    ran = applied.run("apply", "plan.bin", check=1)

    assert ran.err.startswith(f"error: the plan was made for account {ACCOUNT} at ")


def test_an_account_beside_an_api_key_is_not_taken_on_trust(served: Project, remote: Emulator) -> None:
    """The key decides where requests go: the account that it belongs to is asked for."""
    served.write("manifests/desk.yaml", MANIFEST)
    served.environ |= {"TWILIO_API_KEY": "SK" + "3" * 32, "TWILIO_API_SECRET": "sesame-open"}

    ran = served.run("apply", "--auto-approve", check=1)

    assert f"but this command uses account {remote.store.account_sid} at" in ran.err
    assert [request.path for request in remote.requests] == ["/v1/Configuration"]


def test_github_shows_it_at_its_line(applied: Project) -> None:
    """The pull request is annotated where the account is named."""
    foreign(applied)

    out = applied.run("plan", "--format", "github", check=1).out

    assert out.startswith("::error file=manifests/desk.yaml,line=2,col=10::these manifests are meant for")


def test_a_service_of_another_account_is_never_created(served: Project, remote: Emulator) -> None:
    """A `sid:` guards its service: where there is none of that sid, the plan ends."""
    sid = "IS" + "4" * 32
    served.write("manifests/desk.yaml", MANIFEST.replace("  desk:\n", f"  desk:\n    sid: {sid}\n"))

    ran = served.run("apply", "--auto-approve", check=1)

    assert ran.err.startswith(f"error: the service {sid} of `desk` does not exist (404)\n")
    assert "at manifests/desk.yaml:4" in ran.err
    assert {request.method for request in remote.requests} == {"GET"}
