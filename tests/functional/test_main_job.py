"""The main job, as users meet it: apply, plan again, edit, plan, apply; what was done behind its back."""

from __future__ import annotations

import json
import shutil
import stat
from pathlib import Path

import pytest
from twilio.rest import Client

from reconciler.emulator import Emulator, EmulatorOptions
from reconciler.emulator.fault_text import parse_fault
from reconciler.emulator.server import running
from tests.support.golden import expect_golden
from tests.support.manifests import ONE_OF_EACH
from tests.support.project import ACCOUNT, ROOT, Project, environ_of
from tests.support.sdk import client_at, only_conversation

ONE_CONVERSATION = """\
version: 1
services:
  s:
    conversations:
      c:
        messages:
"""


@pytest.fixture
def sdk(served: Project) -> Client:
    """The official SDK, pointed at the emulator."""
    return client_at(served.environ["RECONCILER_ENDPOINT"])


def test_first_apply_creates_everything_and_says_so(project: Project) -> None:
    """The README's first command: a plan, one line for each thing done, and Terraform's summary."""
    shutil.copytree(ROOT / "examples" / "quickstart", project.folder / "quickstart")

    expect_golden(project.run("apply", "quickstart", "--auto-approve"), "first-apply")


def test_second_plan_is_empty(project: Project) -> None:
    """After an apply nothing is left to plan, and the detailed exit code is 0."""
    shutil.copytree(ROOT / "examples" / "support-desk", project.folder / "desk")
    project.run("apply", "desk", "--auto-approve", check=0)

    expect_golden(project.run("plan", "desk", "--detailed-exitcode"), "no-changes")


def test_plan_names_each_change_and_why(project: Project) -> None:
    """One body edited, one message added, one removed: one of each in the summary, exit 2."""
    project.write("manifests/a.yaml", ONE_OF_EACH)
    project.run("apply", "--auto-approve", check=0)
    project.edit("manifests/a.yaml", "How can I help?", "What can I do for you?")
    project.edit("manifests/a.yaml", "importance: low", "importance: high")
    project.edit(
        "manifests/a.yaml", "{key: bye, author: alice, body: 'Never mind, bye'}", "{key: new, body: New}"
    )

    expect_golden(project.run("plan", "--detailed-exitcode"), "one-of-each")


def test_what_was_edited_behind_its_back_is_drift(served: Project, sdk: Client) -> None:
    """An edit through the SDK is planned back with `drifted`; a deletion as `missing_remotely`."""
    served.write("manifests/a.yaml", ONE_OF_EACH)
    served.run("apply", "--auto-approve", check=0)
    hello, how, _ = only_conversation(sdk).messages.list()
    hello.update(body="Hello there!!")
    how.delete()

    planned = json.loads(served.run("plan", "--format", "json", check=0).out)

    assert [
        (change["address"], change["change"]["actions"], change["action_reason"])
        for change in planned["resource_changes"]
    ] == [
        ("support/order-1/hello", ["update"], "drifted"),
        ("support/order-1/how", ["create"], "missing_remotely"),
    ]


def test_drift_is_mended(served: Project, sdk: Client) -> None:
    """An apply puts back what was edited and what was deleted; then nothing is left to do."""
    served.write("manifests/a.yaml", ONE_OF_EACH)
    served.run("apply", "--auto-approve", check=0)
    hello, how, _ = only_conversation(sdk).messages.list()
    hello.update(body="Hello there!!", attributes='{"importance": "none"}')
    how.delete()

    served.run("apply", "--auto-approve", check=0)

    assert served.run("plan", "--detailed-exitcode").code == 0
    assert sorted(m.body for m in only_conversation(sdk).messages.list()) == [
        "Hello there",
        "How can I help?",
        "Never mind, bye",
    ]


def test_live_order_is_the_manifests(served: Project, sdk: Client) -> None:
    """Fifty messages in each of three conversations arrive in the order in which they are written."""
    bodies = [f"message {number}" for number in range(50)]
    messages = "".join(f"          - {{key: m{at}, body: {body}}}\n" for at, body in enumerate(bodies))
    conversations = "".join(f"      c{number}:\n        messages:\n{messages}" for number in range(3))
    served.write("manifests/a.yaml", f"version: 1\nservices:\n  s:\n    conversations:\n{conversations}")

    served.run("apply", "--auto-approve", check=0)

    (service,) = sdk.conversations.v1.services.list()
    for conversation in sdk.conversations.v1.services(service.sid).conversations.list():
        assert [message.body for message in conversation.messages.list()] == bodies


def test_apply_asks_and_only_yes_approves(project: Project) -> None:
    """Anything but `yes` leaves everything as it was."""
    project.write("manifests/a.yaml", ONE_OF_EACH)

    refused = project.run("apply", stdin="y\n", check=1)

    assert "only `yes` approves" in refused.err
    assert "reconciler.state.json" not in project.files()
    project.run("apply", stdin="yes\n", check=0)


def test_state_holds_no_text(project: Project) -> None:
    """After 1,000 messages neither state nor backup has a body, an author or an attribute value."""
    messages = "".join(
        f"          - {{key: k{n}, author: 'author {n}', body: 'secret body {n}', "
        f"attributes: {{a: value {n}}}}}\n"
        for n in range(1000)
    )
    project.write("manifests/a.yaml", ONE_CONVERSATION + messages)

    project.run("apply", "--auto-approve", check=0)

    for name in ("reconciler.state.json", "reconciler.state.json.backup"):
        path = project.folder / name
        if path.exists():
            assert stat.S_IMODE(path.stat().st_mode) == 0o600
            text = path.read_text()
            assert not any(word in text for word in ("secret", "body 1", "author ", "value "))


@pytest.mark.parametrize(("granted", "pages"), [(1000, 1), (100, 10)])
def test_a_no_op_plan_reads_pages_and_no_message(tmp_path: Path, granted: int, pages: int) -> None:
    """1,000 unchanged messages cost one list request of 1,000, or ten where the server grants 100."""
    messages = "".join(f"          - {{key: k{n}, body: b{n}}}\n" for n in range(1000))
    emulator = Emulator(options=EmulatorOptions(max_page_size=granted))
    with running(emulator) as url:
        project = Project(tmp_path, environ_of(url))
        project.write("manifests/a.yaml", ONE_CONVERSATION + messages)
        project.run("apply", "--auto-approve", check=0)
        emulator.requests.clear()
        planned = json.loads(project.run("plan", "--format", "json", check=0).out)
    kinds = [request.kind for request in emulator.requests]
    emulator.close()

    assert kinds.count("list_messages") == pages
    assert "fetch_message" not in kinds
    assert planned["requests"]["read"] == len(kinds)
    assert planned["summary"]["no_op"] == 1000


def test_a_state_is_refused_elsewhere_before_any_request(served: Project, remote: Emulator) -> None:
    """A state made on one endpoint names both sides on another, and nothing is asked."""
    served.write("manifests/a.yaml", ONE_OF_EACH)
    served.run("apply", "--auto-approve", check=0)
    remote.requests.clear()
    elsewhere = {**served.environ, "TWILIO_ACCOUNT_SID": "AC" + "1" * 32}

    ran = Project(served.folder, elsewhere).run("plan", check=1)

    assert ACCOUNT in ran.err
    assert "AC" + "1" * 32 in ran.err
    assert not remote.requests


def test_a_state_of_one_emulator_is_refused_by_another(project: Project) -> None:
    """Two stores are two worlds; both ids are named, and the state stays as it was."""
    project.write("manifests/a.yaml", ONE_OF_EACH)
    project.run("apply", "--auto-approve", check=0)
    before = (project.folder / "reconciler.state.json").read_bytes()

    ran = project.run("apply", "--endpoint", "emulator:other.db", "--auto-approve", check=1)

    assert ran.err.splitlines()[0].count("emulator:") == 2
    assert (project.folder / "reconciler.state.json").read_bytes() == before


def test_a_state_of_the_emulator_is_refused_on_twilio(project: Project) -> None:
    """The same manifests must never reach Twilio with a state that was made offline."""
    project.write("manifests/a.yaml", ONE_OF_EACH)
    project.run("apply", "--auto-approve", check=0)
    on_twilio = {"TWILIO_ACCOUNT_SID": ACCOUNT, "TWILIO_AUTH_TOKEN": "sesame-open"}

    ran = Project(project.folder, on_twilio).run("plan", check=1)

    assert "https://conversations.twilio.com" in ran.err
    assert "emulator:" in ran.err


def test_without_credentials_both_ways_on_are_named(project: Project) -> None:
    """The first thing a new user meets without credentials is how to go on."""
    project.write("manifests/a.yaml", ONE_OF_EACH)

    expect_golden(Project(project.folder).run("plan"), "no-credentials")


def test_wrong_credentials_are_one_clear_error(tmp_path: Path) -> None:
    """A 401 names what to check, and no credential appears anywhere."""
    emulator = Emulator(options=EmulatorOptions(auth_token="right"))
    with running(emulator) as url:
        project = Project(tmp_path, environ_of(url))
        project.write("manifests/a.yaml", ONE_OF_EACH)
        ran = project.run("plan")
    emulator.close()

    assert "sesame-open" not in ran.out + ran.err
    expect_golden(ran, "wrong-credentials")


def test_a_refused_connection_names_the_address(served: Project) -> None:
    """Nobody listens: the error says where."""
    served.write("manifests/a.yaml", ONE_OF_EACH)

    ran = served.run("plan", "--endpoint", "http://127.0.0.1:9", "--max-wait", "0", check=1)

    assert "127.0.0.1:9" in ran.err
    assert "hint:" in ran.err


def test_a_service_that_does_not_exist_is_never_created(served: Project) -> None:
    """A `sid:` that answers 404 is an error at its line, not a reason to create."""
    served.write(
        "manifests/a.yaml", ONE_OF_EACH.replace("  support:\n", "  support:\n    sid: IS" + "a" * 32 + "\n")
    )

    ran = served.run("plan", check=1)

    assert "does not exist (404)" in ran.err
    assert "manifests/a.yaml:3" in ran.err


def test_an_html_503_is_one_clear_error(served: Project, remote: Emulator) -> None:
    """An error page of a proxy is not printed; its status is."""
    served.write("manifests/a.yaml", ONE_OF_EACH)
    remote.faults.add(parse_fault("*:503_html"))

    ran = served.run("plan", "--max-wait", "0", check=1)

    assert "503" in ran.err
    assert "<html" not in ran.err.lower()


def test_usage_errors_exit_1(project: Project) -> None:
    """2 is kept for `--detailed-exitcode`."""
    assert project.run("plan", "--no-such-flag").code == 1
    assert project.run("nonsense").code == 1


def test_destroy_leaves_nothing_of_its_own(served: Project, sdk: Client) -> None:
    """What was created goes, parents included; then the state is empty."""
    served.write("manifests/a.yaml", ONE_OF_EACH)
    served.run("apply", "--auto-approve", check=0)

    served.run("destroy", "--auto-approve", check=0)

    assert sdk.conversations.v1.services.list() == []
    assert served.run("state", "list").out == ""


def test_destroy_keeps_a_conversation_in_which_others_wrote(served: Project, sdk: Client) -> None:
    """A stranger's message is never deleted along; the conversation is kept and forgotten, with a warning."""
    served.write("manifests/a.yaml", ONE_OF_EACH)
    served.run("apply", "--auto-approve", check=0)
    only_conversation(sdk).messages.create(author="zoe", body="I was here")

    ran = served.run("destroy", "--auto-approve", check=0)

    assert "is kept and forgotten" in ran.out
    assert [message.body for message in only_conversation(sdk).messages.list()] == ["I was here"]


def test_destroy_keeps_a_service_in_which_others_opened_a_conversation(served: Project, sdk: Client) -> None:
    """The plan says so before anything is asked, and nothing fails: what it made itself is gone."""
    served.write("manifests/a.yaml", ONE_OF_EACH)
    served.run("apply", "--auto-approve", check=0)
    (service,) = sdk.conversations.v1.services.list()
    theirs = sdk.conversations.v1.services(service.sid).conversations.create(unique_name="theirs")

    ran = served.run("destroy", "--auto-approve", check=0)

    left = sdk.conversations.v1.services(service.sid).conversations.list()
    assert [conversation.sid for conversation in left] == [theirs.sid]
    assert f"{service.sid} is kept and forgotten" in ran.out


@pytest.mark.parametrize(
    ("flags", "request_kind"), [([], "update_message"), (["--destroy"], "delete_conversation")]
)
def test_a_saved_plan_that_failed_is_finished_by_itself(
    served: Project, remote: Emulator, flags: list[str], request_kind: str
) -> None:
    """To apply the manifests would post again what is gone."""
    served.write("manifests/desk.yaml", ONE_OF_EACH)
    served.run("apply", "--auto-approve", check=0)
    served.edit("manifests/desk.yaml", "How can I help?", "What can I do for you?")
    served.run("plan", *flags, "--out", "p 1.bin", check=0)
    remote.faults.add(parse_fault(f"{request_kind}:1:400/50107"))

    failed = served.run("apply", "p 1.bin", check=1)

    assert "run `reconciler apply 'p 1.bin'` again to continue from there" in failed.err
    served.run("apply", "p 1.bin", check=0)
