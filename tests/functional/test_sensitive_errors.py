"""A server that repeats what it was sent: sensitive values stay unseen in all that is shown or kept."""

from __future__ import annotations

import logging
import traceback
from base64 import b64encode
from pathlib import Path

import pytest

from reconciler import api
from reconciler.emulator import Emulator, Fault
from reconciler.emulator.faults import Answer
from tests.support.project import ACCOUNT, Project

SECRET = "4711-s3cret"
ECHO = f"Invalid value: 'The code is {SECRET}.'"
WITHHELD = "(what it says is withheld, as it may repeat a sensitive value)"
MANIFEST = """\
version: 1
variables: {code: {sensitive: true}}
services:
  door:
    conversations:
      front:
        friendly_name: Front ${var.code}
        messages:
          - {key: open, author: bot, body: Hello}
          - {key: code, author: bot, body: 'The code is ${var.code}.'}
"""
FORMATS = ("text", "json", "jsonl", "markdown=done.md")


def echo(kind: str, nth: int | None = None, status: int = 400) -> Fault:
    """Return a rule that refuses a request with words that hold the secret."""
    return Fault(kind, Answer(status, message=ECHO), nth=nth)


@pytest.fixture
def door(served: Project) -> Project:
    """A project with a sensitive variable that has a value."""
    served.environ["RECONCILER_VAR_code"] = SECRET
    served.write("manifests/door.yaml", MANIFEST)
    return served


def everything(project: Project, *outputs: str) -> str:
    """Return what was printed and every file of the project, as one text."""
    files = [path for path in project.folder.rglob("*") if path.is_file()]
    return "".join([*outputs, *(path.read_bytes().decode("utf-8", "replace") for path in files)])


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize(
    ("kind", "nth", "status", "address"),
    [
        ("create_conversation", None, 400, "door/front"),
        ("create_message", 2, 400, "door/front/code"),
        ("create_message", 2, 503, "door/front/code"),
    ],
)
def test_what_a_refusal_repeats_is_shown_nowhere(
    door: Project, remote: Emulator, form: str, kind: str, nth: int | None, status: int, address: str
) -> None:
    """The screen, every format, state, journal and cache: the code of the error stays, its words do not."""
    remote.faults.add(echo(kind, nth, status))
    if status == 503:
        remote.faults.add(echo("list_messages", None, 400))  # so that it cannot be settled

    ran = door.run("apply", "--auto-approve", "--settle", "0", "--format", form, check=1)

    shown = everything(door, ran.out, ran.err)
    assert SECRET not in shown
    assert WITHHELD in shown
    assert f"Twilio answered {status}" in ran.err
    assert address in ran.err


def test_an_update_and_a_saved_plan_keep_it_too(door: Project, remote: Emulator) -> None:
    """What is changed later, and what a plan from yesterday sends, is no different."""
    door.run("apply", "--auto-approve", check=0)
    door.environ["RECONCILER_VAR_code"] = f"{SECRET}-new"
    saved = door.run("plan", "--out", "plan.bin", check=0)
    remote.faults.add(echo("update_message"), echo("update_conversation"))

    ran = door.run("apply", "plan.bin", "manifests", check=1)

    shown = everything(door, saved.out, saved.err, ran.out, ran.err)
    assert SECRET not in shown
    assert shown.count(WITHHELD) > 1


@pytest.mark.parametrize("form", FORMATS)
def test_a_server_that_repeats_the_credentials_gets_them_into_nothing(
    door: Project, remote: Emulator, form: str
) -> None:
    """Error, report, state and exported message: the header is masked where the reply comes in."""
    pair = b64encode(f"{ACCOUNT}:{door.environ['TWILIO_AUTH_TOKEN']}".encode()).decode()
    door.run("apply", "--auto-approve", check=0)
    remote.faults.add(Fault("update_message", Answer(400, message=f"bad header Authorization: Basic {pair}")))
    door.edit("manifests/door.yaml", "body: Hello", "body: Hello there")
    refused = door.run("apply", "--auto-approve", "--format", form, check=1)
    door.edit("manifests/door.yaml", "body: Hello there", "body: Hello")

    planned = door.run("plan", "--format", form, "--out", "plan.bin", check=0)

    assert "bad header Authorization: Basic ***" in refused.err
    assert pair.rstrip("=") not in everything(door, refused.err, planned.out, planned.err)


def test_words_about_other_messages_are_shown(door: Project, remote: Emulator) -> None:
    """Only where a sensitive value was sent is anything withheld."""
    remote.faults.add(Fault("create_message", Answer(400, message="No such author"), nth=1))

    ran = door.run("apply", "--auto-approve", check=1)

    assert "Twilio answered 400: No such author" in ran.err
    assert WITHHELD not in ran.err


def test_logs_and_exceptions_of_a_program_do_not_have_it(
    remote: Emulator, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """What libraries log at any level while a request is tried again, with all that a formatter may print."""
    caplog.set_level(logging.DEBUG)
    manifest = tmp_path / "door.yaml"
    manifest.write_text(MANIFEST, encoding="utf-8")
    settings = api.settings(remote, state=tmp_path / "state.json", settle=0)
    api.apply(api.load(manifest, variables={"code": "0000"}), settings)
    remote.faults.add(echo("update_message", status=503))

    with pytest.raises(api.Incomplete) as raised:
        api.apply(api.load(manifest, variables={"code": SECRET}), settings)

    assert any(record.name == "stamina" for record in caplog.records)
    assert SECRET not in "".join(repr(vars(record)) for record in caplog.records)
    assert SECRET not in f"{raised.value}{raised.value.outcome}"
    assert SECRET not in "".join(traceback.format_exception(raised.value))
    assert raised.value.__context__ is None
