"""What a run stores away from this machine, at any moment: no text of a message."""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from pathlib import Path

from reconciler.emulator import Fault
from reconciler.emulator.faults import Invoke
from tests.support.blobs import MemoryBlobs, Objects
from tests.support.desk import Desk
from tests.support.mortal import Death, MortalBlobs, PowerOff

WANTED = """\
version: 1
variables: {word: {default: zebra-variable, sensitive: true}}
services:
  desk:
    conversations:
      c:
        friendly_name: zebra-friendly
        attributes: {a: zebra-attribute}
        unmanaged: delete
        participants: [{key: ann, identity: zebra-identity, attributes: {a: zebra-attribute}}]
        messages:
          - {key: one, author: zebra-author, body: zebra-body 1, attributes: {a: [zebra-attribute]}}
          - {key: two, author: zebra-author, body: zebra-body 2, subject: zebra-subject}
          - {key: three, author: zebra-author, media: {file: note.txt}}
          - {key: four, author: zebra-author, body: "${var.word}"}
"""


class Remembering(Objects):
    """Keeps every object that was ever stored."""

    def __init__(self) -> None:
        super().__init__()
        self.ever: list[tuple[str, bytes]] = []

    def put(self, name: str, data: bytes, now: float) -> str:
        """Store an object, and keep it."""
        self.ever.append((name, data))
        return super().put(name, data, now)


def test_no_text_is_in_any_object_that_was_ever_stored(tmp_path: Path) -> None:
    """Neither while creates are open, nor after a crash, changes and deletions; every text has one word."""
    stored = Remembering()
    (tmp_path / "note.txt").write_text("zebra-file", encoding="utf-8")
    with Desk(tmp_path, there=stored) as desk:
        death = Death("create_message", 2, torn=False)
        desk.way = partial(MortalBlobs, death=death)
        desk.fault(Fault("create_message", Invoke(death.request, after=True)))
        with suppress(PowerOff):
            desk.apply(WANTED)
        desk.fault()
        desk.way = MemoryBlobs
        desk.apply(WANTED)
        desk.post("c", "zebra-stranger", Author="zebra-stranger")
        desk.edit("c", 0, "zebra-stranger")
        desk.apply(WANTED.replace("zebra-body 1", "zebra-body 3"))
        desk.apply(WANTED.replace("key: two, author: zebra-author", "key: two, author: zebra-other"))
        assert sorted(map(str, desk.bodies("c"))) == [
            "None",
            "zebra-body 1",
            "zebra-body 2",
            "zebra-variable",
        ]

    assert {name.partition("/")[0] for name, _ in stored.ever} == {"lease", "head", "journal", "snapshots"}
    everything = b"".join(data for _, data in stored.ever)
    assert b"desk/c/four" in everything
    assert b'"opened"' in everything
    assert [name for name, data in stored.ever if b"zebra" in data.lower()] == []
