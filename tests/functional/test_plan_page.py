"""`plan --format html`: a conversation as it is and as it will be, in a file that loads nothing."""

from __future__ import annotations

import base64

import pytest

from tests.support import pages
from tests.support.project import Project

PICTURE = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
MANIFEST = """\
version: 1
variables: {code: {sensitive: true, default: s3cret-code}}
services:
  support:
    conversations:
      order:
        participants:
          - {key: ada, identity: ada}
        messages:
          - {key: m0, author: ada, body: Zero}
          - {key: m1, author: bot, body: One}
          - {key: m2, author: ada, body: Two}
          - {key: code, author: bot, body: "${var.code}"}
          - {key: m4, author: ada, body: Four}
          - {key: m5, author: bot, body: Five}
          - {key: m6, author: ada, body: It is late, attributes: {level: low}}
          - {key: m7, author: bot, body: Seven}
          - {key: photo, author: ada, body: A photo, media: {file: photo.png}}
      quiet:
        messages:
          - {key: hi, author: <b>bo</b>, body: <script>alert(1)</script>}
"""


@pytest.fixture
def applied(project: Project) -> Project:
    """A project whose manifest is applied and then changed: one message of each kind of change."""
    (project.folder / "manifests").mkdir()
    (project.folder / "manifests" / "photo.png").write_bytes(PICTURE)
    path = "manifests/support.yaml"
    project.write(path, MANIFEST)
    project.run("apply", "--endpoint", "emulator", "--auto-approve", check=0)
    project.edit(path, "It is late, attributes: {level: low}", "It was late, attributes: {level: high}")
    project.edit(path, "          - {key: m7, author: bot, body: Seven}\n", "")
    project.edit(path, "media: {file: photo.png}}", "media: {file: other.png}}")
    (project.folder / "manifests" / "other.png").write_bytes(PICTURE + b"\0")
    project.edit(path, "      quiet:", "          - {key: new, author: cleo, body: New here}\n      quiet:")
    return project


def page_of(project: Project, *arguments: str) -> pages.Element:
    """Return the page of a plan, once it is judged harmless."""
    project.run("plan", "--endpoint", "emulator", "--format", "html=plan.html", *arguments, check=0)
    return pages.read((project.folder / "plan.html").read_text("utf-8"))


def told(one: pages.Element) -> str:
    """Return the text of an element with single blanks."""
    return " ".join(one.text.split())


def test_a_plan_is_shown_as_chats(applied: Project) -> None:
    """What is there stands in its place, with its change; what comes stands last."""
    root = page_of(applied)
    (chat,) = root.all("article", "chat")
    kinds = ("same", "changed", "deleted", "added", "reposted")
    rows = {
        kind: [told(one) for one in chat.all("li", kind) if "row" in str(one.attributes)] for kind in kinds
    }

    assert pages.policy(root) == "default-src 'none'; img-src data:; style-src 'sha256-…'"
    assert told(root.all("p", "summary")[0]) == "Plan: 2 to add, 1 to change, 2 to destroy."
    assert told(root.all("li", "price")[0]).startswith("price: to apply this takes 6 requests that change")
    (changed,), (added,), (reposted,) = rows["changed"], rows["added"], rows["reposted"]
    assert "~ will be updated in-place (changed_in_manifest" in changed
    assert "Before: It is late After: It was late attributes.level low → high" in changed
    assert [told(one) for one in chat.all("li", "changed")[0].all("del")] == ["is", "low"]
    assert "cleo + will be created" in added
    assert "New here" in added
    assert [one.split(" - ")[0].split()[0] for one in rows["deleted"]] == ["bot", "ada"]
    assert "-/+ must be replaced (immutable_field: Twilio cannot update what changes)" in reposted
    assert [told(one) for one in chat.all("ul", "people")] == ["ada"]


def test_unchanged_messages_far_away_are_folded(applied: Project) -> None:
    """Three before the first change are shown, the rest can be opened; so can a chat without a change."""
    root = page_of(applied)
    (fold,) = root.all("details", "fold")
    (quiet,) = root.all("details", "chat")

    assert told(fold.all("summary")[0]) == "3 unchanged messages"
    assert [told(one).split()[-2] for one in fold.all("div", "bubble")] == ["Zero", "One", "Two"]
    assert told(quiet.all("h3")[0]) == "support/quiet active, 1 message"
    assert "<b>bo</b>" in quiet.text
    assert "<script>alert(1)</script>" in quiet.text


def test_pictures_of_the_manifests_are_in_the_page(applied: Project) -> None:
    """A live one is named: its bytes are not ours to fetch."""
    (reposted,) = page_of(applied).all("li", "reposted")
    (image,) = reposted.all("img")

    assert base64.b64decode((image.attributes["src"] or "").partition(",")[2]) == PICTURE + b"\0"
    assert image.attributes["alt"] == "other.png"
    assert "photo.png" in [told(one).split()[1] for one in page_of(applied).all("figcaption")]


@pytest.mark.parametrize("bodies", ["hash", "none"])
def test_texts_stay_hidden_where_they_are_to(applied: Project, bodies: str) -> None:
    """Bodies, authors, names of people and of live files, and pictures."""
    page_of(applied, "--bodies", bodies)
    text = (applied.folder / "plan.html").read_text("utf-8")

    for word in ("Zero", "late", "ada", "cleo", "low", "photo.png", "<img"):
        assert word not in text.replace("</style>", "").partition("<body>")[2], word


def test_what_is_sensitive_is_hidden_although_nothing_happens_to_it(applied: Project) -> None:
    """An unchanged message is no action of the plan; its sensitive fields are known all the same."""
    root = page_of(applied)

    assert "s3cret-code" not in root.text
    assert [told(one) for one in root.all("p", "body")].count("(sensitive value)") == 1


def test_a_plan_without_changes_shows_what_is_there(applied: Project) -> None:
    """Every chat can be opened."""
    applied.run("apply", "--endpoint", "emulator", "--auto-approve", check=0)
    root = page_of(applied)

    assert told(root.all("p", "summary")[0]) == "No changes. Your conversations match the manifests."
    assert [told(one) for one in root.all("h3")] == [
        "support/order active, 9 messages",
        "support/quiet active, 1 message",
    ]


def test_an_apply_shows_what_became_of_its_plan(applied: Project) -> None:
    """Also a saved one, of which only the changes are known."""
    applied.run("plan", "--endpoint", "emulator", "--out", "saved.bin", check=0)
    ran = applied.run("apply", "saved.bin", "--endpoint", "emulator", "--format", "html=apply.html", check=0)
    root = pages.read((applied.folder / "apply.html").read_text("utf-8"))
    marks = [told(one) for one in root.all("span", "mark") if "why" not in str(one.attributes)]

    assert told(root.all("p", "summary")[0]) in ran.out
    assert sorted(dict.fromkeys(marks)) == [
        "+ was created",
        "- was destroyed",
        "-/+ was replaced",
        "~ was updated in-place",
    ]


def test_drift_shows_what_others_did(applied: Project) -> None:
    """In the words of the report."""
    applied.run("drift", "--endpoint", "emulator", "--format", "html=drift.html", check=0)
    root = pages.read((applied.folder / "drift.html").read_text("utf-8"))

    assert root.all("h1")[0].text == "Drift"
    assert told(root.all("p", "summary")[0]).startswith("No drift.")


def test_a_refusal_comes_first(applied: Project) -> None:
    """A page of a plan that must not be applied says so before all else."""
    applied.edit("manifests/support.yaml", "{key: hi,", "{key: other,")
    applied.run("plan", "--endpoint", "emulator", "--max-delete", "0", "--format", "html=plan.html", check=1)
    root = pages.read((applied.folder / "plan.html").read_text("utf-8"))
    (notices,) = root.all("ul", "notices")

    assert root.all("h1")[0].text == "Plan refused"
    assert told(notices.all("li")[0]).startswith("refusal: ")
