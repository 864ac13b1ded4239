"""Attributes whose quotes are hardly meant: the text of a JSON object or array."""

from __future__ import annotations

import json

import pytest

from tests.support.project import Project

HEAD = """\
version: 1
variables: {meta: {default: '[1, 2]'}}
services:
  support:
    conversations:
      order:
"""

MESSAGE = "        messages:\n        - key: hi\n          body: Hi"


def warned(project: Project, order: str) -> list[tuple[str, str]]:
    """Return address and text of each such warning of a plan of the conversation *order*."""
    project.write("manifests/support.yaml", HEAD + order)
    plan = json.loads(project.run("plan", "--format", "json", check=0).out)
    return [(one["address"], one["text"]) for one in plan["warnings"] if one["code"] == "json_in_quotes"]


def test_an_object_in_quotes_is_a_warning(project: Project) -> None:
    """It says what to do, and where."""
    order = "        messages:\n          - {key: hi, body: Hi, attributes: '{\"a\": 1}'}\n"

    ((address, text),) = warned(project, order)

    assert address == "support/order/hi"
    assert text == (
        "`attributes` of `support/order/hi` is a text that holds a JSON object, and readers get the text: "
        "leave the quotes off if the object is meant (manifests/support.yaml:8)"
    )


@pytest.mark.parametrize(
    ("order", "address"),
    [
        ("        attributes: '{\"a\": 1}'\n", "support/order"),
        (
            "        participants: [{key: ada, identity: ada, attributes: '[]'}]\n",
            "support/order/participants/ada",
        ),
        ("        messages: [{key: hi, body: Hi, attributes: '${var.meta}'}]\n", "support/order/hi"),
        ("        messages:\n          - {key: hi, body: Hi, attributes: &a '{}'}\n", "support/order/hi"),
        (f"{MESSAGE}\n          attributes: |\n            [true]\n", "support/order/hi"),
        ("        messages: [{for_each: [b], key: a, body: Hi, attributes: '[1]'}]\n", "support/order/a[b]"),
    ],
)
def test_it_is_found_wherever_it_comes_from(project: Project, order: str, address: str) -> None:
    """In conversations, participants and messages, by variables, anchors, blocks and items."""
    assert [place for place, _ in warned(project, order)] == [address]


@pytest.mark.parametrize("attributes", ["{a: 1}", "'a {b}'", "'1'", "'{not json}'", "'\"{}\"'", "[1]"])
def test_other_values_are_meant(project: Project, attributes: str) -> None:
    """Objects, and texts that are no JSON object or array."""
    order = f"        messages:\n          - {{key: hi, body: Hi, attributes: {attributes}}}\n"

    assert warned(project, order) == []
