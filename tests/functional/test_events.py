"""The event stream of an apply, as readers of Terraform's take it."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from tests.support.project import Project

MANIFEST = """\
version: 1
services:
  desk:
    conversations:
      order:
        participants:
          - {key: alice, identity: alice}
          - {key: bob, identity: bob, messaging_binding: {projected_address: '+15005550006'}}
        messages:
          - {key: a, author: bob, body: Hello}
          - {key: b, author: bob, body: Bye}
"""


@pytest.fixture
def applied(project: Project) -> Project:
    """A project with two participants and two messages."""
    project.write("manifests/desk.yaml", MANIFEST)
    project.run("apply", "--auto-approve", check=0)
    return project


def events(project: Project, *arguments: str) -> list[dict[str, Any]]:
    """Return the events of an apply."""
    ran = project.run("apply", "--auto-approve", "--format", "jsonl", *arguments, check=0)
    return [json.loads(line) for line in ran.out.splitlines()]


def steps(stream: list[dict[str, Any]]) -> list[tuple[str, str, str, str]]:
    """Return type, address, action and sid of each start and end."""
    hooks = [(one["type"], one["hook"]) for one in stream if "hook" in one]
    return [
        (kind, hook["resource"]["addr"], hook["action"], hook.get("id_value", "")) for kind, hook in hooks
    ]


def sid(project: Project, address: str) -> str:
    """Return what an address stands for."""
    sids: dict[str, str] = json.loads(project.run("output", "--format", "json", check=0).out)
    return sids[address]


def test_a_replaced_message_is_created_and_then_destroyed(applied: Project) -> None:
    """Two starts and two ends, each with its own sid."""
    old = sid(applied, "desk/order/b")

    stream = events(applied, "--replace", "desk/order/b")

    address = "desk/order/b"
    assert steps(stream) == [
        ("apply_start", address, "create", ""),
        ("apply_complete", address, "create", sid(applied, address)),
        ("apply_start", address, "delete", old),
        ("apply_complete", address, "delete", old),
    ]
    (planned,) = (one["change"] for one in stream if one["type"] == "planned_change")
    assert planned["action"] == "replace"


def test_a_participant_who_keeps_the_identity_is_destroyed_first(applied: Project) -> None:
    """Nobody can be in a conversation twice. The plan says the same."""
    address = "desk/order/participants/bob"
    old = sid(applied, address)
    applied.edit("manifests/desk.yaml", "+15005550006", "+15005550007")
    planned = applied.run("plan", "--format", "json", check=0)

    stream = events(applied)

    assert steps(stream) == [
        ("apply_start", address, "delete", old),
        ("apply_complete", address, "delete", old),
        ("apply_start", address, "create", ""),
        ("apply_complete", address, "create", sid(applied, address)),
    ]
    (change,) = json.loads(planned.out)["resource_changes"]
    assert change["change"]["actions"] == ["delete", "create"]


def test_another_participant_is_created_first(applied: Project) -> None:
    """Somebody is there all the time."""
    applied.edit("manifests/desk.yaml", "identity: alice", "identity: alicia")

    assert [(kind, action) for kind, _, action, _ in steps(events(applied))] == [
        ("apply_start", "create"),
        ("apply_complete", "create"),
        ("apply_start", "delete"),
        ("apply_complete", "delete"),
    ]


def test_what_is_in_a_replaced_conversation_went_with_it(applied: Project) -> None:
    """Every address is destroyed, and created again."""
    stream = events(applied, "--replace", "desk/order", "--max-delete", "100%")

    replaced = ("desk/order", "desk/order/participants/alice", "desk/order/participants/bob")
    for address in (*replaced, "desk/order/a", "desk/order/b"):
        assert [(kind, action) for kind, where, action, _ in steps(stream) if where == address] == [
            ("apply_start", "delete"),
            ("apply_complete", "delete"),
            ("apply_start", "create"),
            ("apply_complete", "create"),
        ]


def test_times_and_version_are_as_terraform_writes_them(applied: Project) -> None:
    """Microseconds of UTC, and a release of Terraform beside our own."""
    stream = events(applied)

    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", one["@timestamp"]) for one in stream)
    assert stream[0]["type"] == "version"
    assert re.fullmatch(r"1\.\d+\.\d+", stream[0]["terraform"])
    assert stream[0]["reconciler"] in stream[0]["@message"]
