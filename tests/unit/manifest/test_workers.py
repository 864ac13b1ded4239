"""Manifests read by other processes: what they hand back is what would have been read here."""

from __future__ import annotations

from multiprocessing import Pipe
from pathlib import Path

import _ruamel_yaml as libyaml
import pytest

from reconciler.manifest.content import Parsed
from reconciler.manifest.parse import parse_sound
from reconciler.manifest.unexpanded import containers
from reconciler.manifest.workers import decode, send_replies
from reconciler.manifest.yaml import light_events as events

TESTS = Path(__file__).parents[2]
MANIFESTS = sorted(
    [*(TESTS.parent / "examples").rglob("*.yaml"), *(TESTS / "manifests").rglob("*.yaml")],
    key=str,
)
SHARED = b"""\
version: 1
variables: {who: {type: string, default: Ann}}
services:
  s:
    conversations:
      one: &all
        attributes: {"\xc3\xa9": [1, 2.5, null, {}, "${var.who}"]}
        messages: &said
          - {key: a, body: 'It''s me', attributes: {b: {c: [[~]]}}}
          - key: b
            body: >-
              folded
              text
            attributes: &which {b: -3d 09:00}
          - {key: c, body: Hi, attributes: *which}
      two:
        messages: *said
"""


def handed_back(data: bytes, path: str) -> Parsed | None:
    """Return what a process hands back about one manifest."""
    ours, theirs = Pipe(duplex=False)
    with ours, pytest.MonkeyPatch.context() as patch:
        for event in events.EVENTS:
            patch.setattr(libyaml, event.__name__, getattr(libyaml, event.__name__))  # until this is over
        events.take_over()
        with theirs:
            send_replies({path: data}, theirs)
        try:
            return decode(ours.recv_bytes())
        except EOFError:
            return None


def expect_the_same(data: bytes, path: str) -> None:
    """Expect that what is handed back about a manifest is what reading it here gives, lines included."""
    here, there = parse_sound(data, path), handed_back(data, path)

    assert (there and there.content) == (here and here.content)
    assert lines_of(there) == lines_of(here)


def lines_of(parsed: Parsed | None) -> object:
    """Return the value of a manifest that needs expansion, with the lines of its containers."""
    if parsed is None or parsed.unexpanded is None:
        return None
    unexpanded = parsed.unexpanded
    return unexpanded.value, [unexpanded.line_of(container) for _, container in containers(unexpanded.value)]


@pytest.mark.parametrize("manifest", MANIFESTS, ids=lambda path: path.stem)
def test_every_manifest_says_there_what_it_says_here(manifest: Path) -> None:
    """Of one with a mistake nothing is handed back."""
    expect_the_same(manifest.read_bytes(), str(manifest))


def test_what_is_written_once_and_meant_twice_has_its_lines() -> None:
    """What an alias repeats is handed back each time, with the lines of its anchor."""
    expect_the_same(SHARED, "shared.yaml")
    shared = handed_back(SHARED, "shared.yaml")

    assert shared is not None
    assert shared.unexpanded is not None
    two = shared.unexpanded.value["services"]["s"]["conversations"]["two"]["messages"]
    assert [shared.unexpanded.line_of(message) for message in two] == [9, 10, 15]


def test_equal_texts_are_handed_back_as_one() -> None:
    """A hundred thousand messages have few authors, and bytes know nothing of that."""
    manifest = b"""\
version: 1
services: {s: {conversations: {c: {messages: [
    {key: a, author: ann.lee, body: x, attributes: {b: 1}},
    {key: d, author: ann.lee, body: y, attributes: {b: 1}}]}}}}
"""
    there = handed_back(manifest, "m.yaml")

    assert there is not None
    one, two = there.content.services[0].conversations[0].messages
    assert one.author is two.author
    assert one.attributes is two.attributes
