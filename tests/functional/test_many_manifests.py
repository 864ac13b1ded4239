"""Manifests so large that several processes read them: nobody sees it but by the time it takes."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator

import pytest

from tests.support.project import Project, Ran

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere manifests are read one by one")

FILES, MESSAGES = 4, 1_500
MANIFEST = """\
version: 1
services:
  s:
    conversations:
      c{number}:
        messages:
"""
MESSAGE = """\
          - key: m{number}
            author: ann
            body: {body}
            attributes: {{seen: true, number: {number}}}
"""
RAW = """\
      raw:
        defaults: {author: bob}
        messages: [{key: m, body: Hi, attributes: {number: 123456789012345678901234567890}}]
"""


@pytest.fixture
def large(project: Project) -> Project:
    """A project with more than a megabyte of manifests."""
    for number in range(FILES):
        messages = (MESSAGE.format(number=one, body="thank you " * 20) for one in range(MESSAGES))
        project.write(f"manifests/{number}.yaml", MANIFEST.format(number=number) + "".join(messages))
    return project


@pytest.fixture
def one_core() -> Iterator[None]:
    """Processes started in the test may use a single core, for which one process is enough."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(before)})
    yield
    os.sched_setaffinity(0, before)


def shown(project: Project) -> Ran:
    """Return what a plan for everything prints."""
    return project.run("plan", "--no-color")


def test_they_say_the_same(large: Project, request: pytest.FixtureRequest) -> None:
    """Every message of every file is planned, in order."""
    by_many = shown(large)
    request.getfixturevalue("one_core")

    assert f"Plan: {FILES * MESSAGES + FILES + 1} to add, 0 to change, 0 to destroy." in by_many.out
    assert shown(large) == by_many


def test_mistakes_are_told_as_ever(large: Project, request: pytest.FixtureRequest) -> None:
    """In the order of files and lines, with the line itself."""
    large.edit("manifests/1.yaml", "key: m700\n", "kee: m700\n")
    large.edit("manifests/3.yaml", "key: m1499\n", "key: m1498\n")

    by_many = shown(large)
    request.getfixturevalue("one_core")

    assert by_many.code == 1
    assert by_many.err.index("manifests/1.yaml:2807:13") < by_many.err.index("manifests/3.yaml:6003:18")
    assert shown(large) == by_many


def test_what_a_process_cannot_hand_back_is_read_here(large: Project) -> None:
    """A number too large for the way back ends the process, and nothing is lost by that."""
    path = large.folder / "manifests/2.yaml"
    path.write_text(path.read_text() + RAW)

    assert f"{FILES * MESSAGES + 1:,} messages" in large.run("validate", check=0).out
