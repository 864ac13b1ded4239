"""`transcript`: live conversations as chats, in the terminal and in files."""

from __future__ import annotations

import json

import pytest

from tests.support import pages
from tests.support.project import Project

MANIFEST = """\
version: 1
variables: {code: {sensitive: true, default: s3cret-code}}
services:
  support:
    conversations:
      order-1:
        participants: [{key: ada, identity: ada}]
        messages:
          - {key: hi, author: ada, body: Where is my order?, date_created: "2026-01-05T09:00:00Z"}
          - key: late
            author: bot
            body: It is late. We are sorry, and we will tell you as soon as it is on its way.
            attributes: {level: high}
            date_created: "2026-01-06T10:30:00Z"
          - {key: code, author: bot, body: "${var.code}", date_created: "2026-01-06T10:31:00Z"}
      order-2:
        messages: [{key: cjk, author: bo, body: 你好世界, date_created: "2026-01-05T09:00:00Z"}]
"""
TEXT = """\
support/order-1: active, 3 messages
with ada

                             Monday, 5 January 2026

╭────────────────────╮
│ ada 09:00 UTC      │
│ Where is my order? │
╰────────────────────╯
                            Tuesday, 6 January 2026

                ╭──────────────────────────────────────────────────────────────╮
                │ bot 10:30 UTC                                                │
                │ It is late. We are sorry, and we will tell you as soon as it │
                │ is on its way.                                               │
                ╰──────────────────────────────────────────────────────────────╯
                                                           ╭───────────────────╮
                                                           │ bot 10:31 UTC     │
                                                           │ (sensitive value) │
                                                           ╰───────────────────╯
"""
WIDE = """\
support/order-2: active, 1 message

                             Monday, 5 January 2026

╭──────────────╮
│ bo 09:00 UTC │
│ 你好世界     │
╰──────────────╯
"""


@pytest.fixture
def live(project: Project) -> Project:
    """A project whose conversations are live."""
    project.write("manifests/support.yaml", MANIFEST)
    project.run("apply", "--auto-approve", check=0)
    return project


def test_conversations_are_bubbles_in_the_terminal(live: Project) -> None:
    """The first person stands on the left; letters of two cells keep the border straight."""
    assert live.run("transcript", "support/order-1", check=0).out == TEXT
    assert live.run("transcript", "support/*", check=0).out == TEXT + "\n" + WIDE


@pytest.mark.parametrize("glob", ["order-2", "support/order-2", "*-2", "support/*2"])
def test_a_conversation_is_found_by_each_of_its_names(live: Project, glob: str) -> None:
    """By unique name and by service and name, also without a state."""
    assert live.run("transcript", glob, check=0).out == WIDE
    assert live.run("transcript", glob, "--state", "none.json", check=0).out == WIDE


def test_a_conversation_is_found_by_its_sid(live: Project) -> None:
    """In capitals too."""
    document = json.loads(live.run("transcript", "order-2", "--format", "json", check=0).out)
    sid = document["conversations"][0]["sid"]

    assert live.run("transcript", f"CH{sid[2:].upper()}", check=0).out == WIDE


def test_verbose_shows_attributes(live: Project) -> None:
    """They are not asked for otherwise."""
    assert '│ attributes: {"level": "high"}' in live.run("transcript", "order-1", "-v", check=0).out
    assert "level" not in live.run("transcript", "order-1", check=0).out


def test_files_are_written_beside_the_screen(live: Project) -> None:
    """Each in its format, without what the state calls sensitive."""
    formats = [word for name in ("html", "json", "markdown") for word in ("--format", f"{name}=t.{name}")]
    ran = live.run("transcript", "order-1", *formats, check=0)
    made = {name: (live.folder / f"t.{name}").read_text("utf-8") for name in ("html", "json", "markdown")}
    messages = json.loads(made["json"])["conversations"][0]["messages"]
    root = pages.read(made["html"])

    assert ran.out == TEXT
    assert "s3cret-code" not in ran.out + "".join(made.values())
    assert [one["address"] for one in messages] == [
        "support/order-1/hi",
        "support/order-1/late",
        "support/order-1/code",
    ]
    assert messages[1]["attributes"] == {"level": "high"}
    assert [one.text for one in root.all("p", "body")] == [
        "Where is my order?",
        "It is late. We are sorry, and we will tell you as soon as it is on its way.",
        "(sensitive value)",
    ]
    assert pages.policy(root) == "default-src 'none'; img-src data:; style-src 'sha256-…'"
    assert (
        "`bot`, Tuesday, 6 January 2026, 10:31 UTC\n\n```text\n| (sensitive value)\n```\n" in made["markdown"]
    )


def test_a_glob_that_matches_nothing_is_an_error(live: Project) -> None:
    """It is hardly meant."""
    assert (
        "error: no conversation matches `order-9`\n"
        "hint: give a sid (CH…), a unique name, an address, or a glob over them: 'support/*'\n"
    ) in live.run("transcript", "order-1", "order-9", check=1).err


def test_nothing_is_written_to_twilio_or_the_state(live: Project) -> None:
    """A look changes nothing."""
    before = (live.folder / "reconciler.state.json").read_bytes()
    live.run("transcript", "*", check=0)

    assert (live.folder / "reconciler.state.json").read_bytes() == before
    assert live.run("plan", check=0).out.endswith("No changes. Your conversations match the manifests.\n")
