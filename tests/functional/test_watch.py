"""`watch` as its users run it: a process that tells events, and ends when it is asked to."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.support.project import Project
from tests.support.sdk import client_at, only_conversation

MANIFEST = """\
version: 1
services:
  desk:
    conversations:
      c:
        messages:
          - {key: a, body: BODY}
"""


class Watching:
    """A running watch."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process

    def event(self) -> dict[str, Any]:
        """Wait for the next event."""
        assert self.process.stdout is not None
        event: dict[str, Any] = json.loads(self.process.stdout.readline())
        return event

    def until(self, ending: str) -> dict[str, Any]:
        """Wait for a round that ends so."""
        while (event := self.event()).get("ending") != ending:
            pass
        return event


@contextmanager
def watching(project: Project, *arguments: str) -> Iterator[Watching]:
    """Run `reconciler watch ARGUMENTS`; what is left of it at the end is killed."""
    with subprocess.Popen(
        [sys.executable, "-m", "reconciler", "watch", *arguments, "--listen", "127.0.0.1:0"],
        cwd=project.folder,
        env=project.environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield Watching(process)
        finally:
            process.kill()


@pytest.fixture
def mounted(served: Project) -> Project:
    """A folder of manifests as Kubernetes mounts it: links into a folder that is swapped as a whole."""
    manifests = served.folder / "manifests"
    served.write("manifests/..first/desk.yaml", MANIFEST.replace("BODY", "Hello"))
    served.write("manifests/..second/desk.yaml", MANIFEST.replace("BODY", "Hello again"))
    (manifests / "..data").symlink_to("..first")
    (manifests / "desk.yaml").symlink_to("..data/desk.yaml")
    return served


def test_a_watch_applies_mends_and_follows_the_manifests(mounted: Project) -> None:
    """A swapped mount is seen in the next round, a foreign edit too; SIGTERM ends it with 0."""
    manifests = mounted.folder / "manifests"
    with watching(mounted, "--apply", "--interval", "0.2s") as watch:
        assert watch.event()["event"] == "started"
        first = watch.event()
        assert (first["ending"], first["done"], first["pending"]) == ("applied", 3, {"not_in_state": 3})

        draft = manifests / "..draft"
        draft.symlink_to("..second")
        draft.replace(manifests / "..data")
        assert watch.until("applied")["pending"] == {"changed_in_manifest": 1}

        live = only_conversation(client_at(mounted.environ["RECONCILER_ENDPOINT"]))
        (message,) = live.messages.list()
        message.update(body="Goodbye")
        assert watch.until("applied")["drift"] == {"drifted": 1}
        (message,) = live.messages.list()
        assert message.body == "Hello again"

        watch.process.send_signal(signal.SIGTERM)
        while (last := watch.event())["event"] != "stopped":
            pass
        assert last["signal"] == signal.SIGTERM
        assert watch.process.wait(30) == 0


def test_a_mistake_in_the_manifests_is_an_event(mounted: Project) -> None:
    """With its place; the watch goes on, and the next round after the mistake is mended succeeds."""
    path = mounted.folder / "manifests/..first/desk.yaml"
    right = path.read_text()
    path.write_text(right.replace("body", "boddy"))
    with watching(mounted, "--interval", "0.2s") as watch:
        watch.event()
        failed = watch.event()
        assert failed["ending"] == "failed"
        assert failed["error"].startswith("manifests/desk.yaml:7:")

        path.write_text(right)
        assert watch.until("changes_pending")["pending"] == {"not_in_state": 3}


def test_a_command_of_the_environment_is_told(mounted: Project) -> None:
    """It refuses, so nothing is applied; the command line has the option too."""
    mounted.environ["RECONCILER_ON_CHANGE"] = "sh -c 'cat > plan.json; exit 1'"
    with watching(mounted, "--apply", "--interval", "0.2s") as watch:
        assert watch.until("held_back")["error"] == "the command of `--on-change` refuses it"

    document = json.loads((mounted.folder / "plan.json").read_text())
    assert document["summary"]["add"] == 3
    assert document["unchanged_listed"] is True  # policies see what stays, too


def test_a_signal_ends_the_command_and_what_it_started(mounted: Project) -> None:
    """At once: nothing waits for it, and nothing of it goes on."""
    script = mounted.write(
        "slow.sh", "cat > plan.json\n(echo began >&2; sleep 30; echo survived >&2) &\nwait\n"
    )
    with watching(mounted, "--apply", "--interval", "1h", "--on-change", f"sh {script}") as watch:
        assert watch.process.stderr is not None
        while "began" not in watch.process.stderr.readline():
            pass

        watch.process.send_signal(signal.SIGTERM)

        assert watch.until("stopped")["pending"] == {"not_in_state": 3}
        said = watch.process.stderr.read()  # to its end, when the last that holds it ends
        assert "survived" not in said
        assert "full round: stopped\n" in said, "no next round comes"
        assert watch.process.wait(30) == 0


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (("--webhooks", "127.0.0.1:0"), "belong together"),
        (("--webhooks-url", "https://a.example"), "belong together"),
        (("--webhooks", "127.0.0.1:0", "--webhooks-url", "ftp://a"), "no http(s) address"),
        (("--on-change", ""), "is empty"),
        (("--on-change", "'"), "cannot be read"),
        (("--interval", "0"), "no duration"),
        (("--interval", "soon"), "no duration"),
        (("--interval", "nan"), "no duration"),
        (("--listen", "8080"), "HOST:PORT"),
    ],
)
def test_what_cannot_be_done_is_said_at_the_start(
    mounted: Project, arguments: tuple[str, ...], error: str
) -> None:
    """Nothing is watched then."""
    ran = mounted.run("watch", *arguments, check=1)

    assert error in ran.err
    assert ran.out == ""


def test_signatures_need_the_auth_token(mounted: Project) -> None:
    """With an API key alone they cannot be checked, so nothing listens."""
    mounted.environ.pop("TWILIO_AUTH_TOKEN")
    mounted.environ |= {"TWILIO_API_KEY": f"SK{'0' * 32}", "TWILIO_API_SECRET": "secret"}

    ran = mounted.run("watch", "--webhooks", "127.0.0.1:0", "--webhooks-url", "https://a.example", check=1)

    assert "auth token" in ran.err


def test_webhooks_of_the_emulator_are_hints(mounted: Project) -> None:
    """The emulator signs them as Twilio does; the round of the hint mends what they tell of."""
    mounted.run("apply", "--auto-approve", check=0)
    mounted.environ["TWILIO_AUTH_TOKEN"] = "emulator"
    with socket.create_server(("127.0.0.1", 0)) as free:
        at = f"127.0.0.1:{free.getsockname()[1]}"
    url = f"http://{at}/hooks"
    with watching(mounted, "--apply", "--interval", "1h", "--webhooks", at, "--webhooks-url", url) as watch:
        assert watch.until("in_sync")["kind"] == "full"
        sdk = client_at(mounted.environ["RECONCILER_ENDPOINT"])
        sdk.conversations.v1.configuration.webhooks().update(
            post_webhook_url=url, filters=["onMessageUpdated"], method="POST"
        )
        (message,) = only_conversation(sdk).messages.list()

        message.update(body="Goodbye", x_twilio_webhook_enabled="true")

        mended = watch.until("applied")
        assert (mended["kind"], mended["drift"]) == ("hinted", {"drifted": 1})
