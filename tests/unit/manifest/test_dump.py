"""How values look as a manifest; that it loads back equal is a property of its own."""

from __future__ import annotations

from pathlib import Path

from reconciler.export.representable import representable
from reconciler.manifest.dump import dump
from reconciler.manifest.load import load
from reconciler.model import Conversation, MediaFile, Message, Service

SID = "0123456789abcdef0123456789abcdef"


def world(*messages: Message) -> list[Service]:
    """Return one service with one conversation that holds *messages*."""
    conversation = Conversation("order-4711", "", 0, unique_name="order-4711", messages=messages)
    return [Service("support", "", 0, friendly_name="support", conversations=(conversation,))]


def test_a_dumped_manifest_is_pleasant_to_read() -> None:
    """Names that follow are left out, long texts are blocks, short data stands on one line."""
    text = dump(
        world(
            Message(
                key="welcome",
                line=0,
                author="system",
                body="Welcome!\n\nHow can we help, Ann?\n",
                attributes='{"importance":"high","tags":["a","yes"]}',
                date_created="2026-01-05T09:00:00Z",
            ),
            Message(key="note", line=0, body="Note: 5 # of 7", subject="", prevent_destroy=True),
        ),
        account=f"AC{SID}",
    )

    assert (
        text
        == f"""\
version: 1
account: AC{SID}
services:
  support:
    conversations:
      order-4711:
        messages:
          - key: welcome
            author: system
            body: |
              Welcome!

              How can we help, Ann?
            attributes: {{importance: high, tags: [a, "yes"]}}
            date_created: 2026-01-05T09:00:00Z
          - key: note
            body: "Note: 5 # of 7"
            subject: ""
            lifecycle: {{prevent_destroy: true}}
"""
    )


def test_a_dumped_media_file_is_loaded_back(tmp_path: Path) -> None:
    """The path is relative to the manifest, and a name of its own is kept."""
    (tmp_path / "car.jpg").write_bytes(b"a car")
    file = MediaFile(path="car.jpg", sha256="", size=0, content_type="image/jpeg", filename="my car.jpg")
    manifest = tmp_path / "m.yaml"
    manifest.write_text(dump(world(Message(key="photo", line=0, file=file))), encoding="utf-8")

    loaded = load([manifest]).services[0].conversations[0].messages[0].file

    assert loaded is not None
    assert (loaded.path, loaded.content_type, loaded.filename) == (
        str(tmp_path / "car.jpg"),
        "image/jpeg",
        "my car.jpg",
    )


def test_a_text_that_looks_like_a_reference_is_loaded_back_as_text(tmp_path: Path) -> None:
    """A live message that says `${var.x}` refers to nothing."""
    body, attributes = "a ${var.x} b $${ c ${", '{"${k}":["${env.HOME}"]}'
    manifest = tmp_path / "m.yaml"
    manifest.write_text(dump(world(Message("a", 0, body=body, attributes=attributes))), encoding="utf-8")

    loaded = load([manifest]).services[0].conversations[0].messages[0]

    assert (loaded.body, loaded.attributes) == (body, attributes)


def test_a_live_text_that_looks_like_a_reference_can_be_exported() -> None:
    """`export` leaves nothing out that a manifest can say."""
    conversation = world(Message("a", 0, body="${env.HOME}"))[0].conversations[0]

    assert representable(conversation) == (conversation, [])
