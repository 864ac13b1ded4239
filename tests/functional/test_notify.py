"""The example that tells Slack or a mailbox of a plan: numbers and addresses, and no text of a message."""

from __future__ import annotations

import http.server
import json
import os
import socketserver
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.support.manifests import ONE_OF_EACH
from tests.support.project import ROOT, Project

NOTIFY = ROOT / "examples" / "policy" / "notify.py"


class Slack(http.server.BaseHTTPRequestHandler):
    """Keeps what is posted."""

    def do_POST(self) -> None:
        """Take a message."""
        length = int(self.headers["Content-Length"])
        self.server.posted = json.loads(self.rfile.read(length))  # type: ignore[attr-defined]
        self.send_response(200)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Print nothing."""


class Mail(socketserver.StreamRequestHandler):
    """A mail server that keeps what it is given."""

    def handle(self) -> None:
        """Take one message."""
        self.wfile.write(b"220 here\r\n")
        while line := self.rfile.readline():
            if line.upper().startswith(b"DATA"):
                self.wfile.write(b"354 go on\r\n")
                lines = iter(self.rfile.readline, b".\r\n")
                self.server.posted = b"".join(lines).decode()  # type: ignore[attr-defined]
            self.wfile.write(b"221 bye\r\n" if line.upper().startswith(b"QUIT") else b"250 well\r\n")


@contextmanager
def serving(server: socketserver.TCPServer) -> Iterator[socketserver.TCPServer]:
    """Serve beside the test."""
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def plan(project: Project) -> str:
    """A plan as JSON."""
    project.write("manifests/a.yaml", ONE_OF_EACH)
    return project.run("plan", "--format", "json", check=0).out


def notify(channel: str, plan: str, **environ: str) -> str:
    """Run the example, which refuses nothing; return what it says on stderr."""
    ran = subprocess.run(
        [sys.executable, NOTIFY, channel],
        input=plan,
        env={**os.environ, **environ},
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=True,
        timeout=60,
    )
    return ran.stderr


def test_slack_is_told(plan: str) -> None:
    """With what its markup knows escaped."""
    with serving(http.server.HTTPServer(("127.0.0.1", 0), Slack)) as slack:
        url = f"http://127.0.0.1:{slack.server_address[1]}/services/T/B/x"
        said = notify(
            "slack", plan.replace("support/order-1/how", "support/order-1/<!here>"), SLACK_WEBHOOK_URL=url
        )

    assert said == ""
    assert slack.posted == {  # type: ignore[attr-defined]
        "text": "*reconciler: 5 to add, 0 to change, 0 to destroy*\ncreate support\ncreate support/order-1\n"
        "create support/order-1/hello\ncreate support/order-1/&lt;!here&gt;\ncreate support/order-1/bye"
    }


def test_a_mailbox_is_told(plan: str) -> None:
    """The same, as a message with a subject."""
    with serving(socketserver.TCPServer(("127.0.0.1", 0), Mail)) as mail:
        server = f"127.0.0.1:{mail.server_address[1]}"
        said = notify("email", plan, MAIL_SERVER=server, MAIL_FROM="a@example.com", MAIL_TO="b@example.com")

    assert said == ""
    posted: str = mail.posted  # type: ignore[attr-defined]
    assert "Subject: reconciler: 5 to add, 0 to change, 0 to destroy\r\n" in posted
    assert "create support/order-1/bye\r\n" in posted
    assert "Hello there" not in posted


@pytest.mark.parametrize("channel", ["slack", "email", "pigeon"])
def test_what_cannot_be_sent_refuses_nothing(plan: str, channel: str) -> None:
    """It is told on stderr, which `watch` shows."""
    here = {"MAIL_SERVER": "127.0.0.1:1", "MAIL_FROM": "a@example.com", "MAIL_TO": "b@example.com"}

    said = notify(channel, plan, SLACK_WEBHOOK_URL="http://127.0.0.1:1/", **here)

    assert said.startswith("notify.py could not send it: ")
