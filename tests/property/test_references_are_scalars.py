"""References are resolved after the YAML is parsed: no value becomes structure, wherever it comes from."""

from __future__ import annotations

import csv
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.manifest.inputs import Inputs
from reconciler.manifest.load import load
from reconciler.model import Desired
from reconciler.model.canonical import canonical_json

SYNTAX = (
    *(": ", "- ", "\n", "\n  - key: b\n", "\t", "#", " #", "&a ", "*a", "!!int ", "!x ", "|", ">", "---\n"),
    *("'", '"', "\\", "{", "}", "[", "]", ",", "? ", "<<: *a", "%", "@", "`", "~", "null", "yes", "007"),
    *("${var.other}", "$${", "${", "2026-01-05", "1e3", "x", " ", "é", "\r\n", "\x85"),
)
VALUES = st.lists(st.sampled_from(SYNTAX) | st.text(st.characters(codec="utf-8"), max_size=3)).map(
    lambda parts: "".join(parts).replace("\0", "")[:200]
)
STYLES = ("plain", "single", "double", "literal", "folded", "inside")
MANIFEST = """\
version: 1
variables: {{value: {{}}, other: {{default: hidden}}}}
services:
  s:
    conversations:
      c:
        messages:
          - key: a
            author: bob
            body: {body}
            attributes: {{whole: "{reference}", inside: ["<{reference}>"], after: 1}}
          - key: z
            body: last
"""


def written(style: str, reference: str) -> str:
    """Return `x REFERENCE` as a scalar of YAML."""
    text = f"x {reference}"
    return {
        "plain": text,
        "single": f"'{text}'",
        "double": f'"{text}"',
        "literal": f"|-\n              {text}",
        "folded": f">-\n              {text}",
        "inside": f"{text} # not a part of it",
    }[style]


def loaded(text: str, inputs: Inputs, value: str) -> Desired:
    """Return what a manifest says with *inputs*; a CSV file beside it has *value* as a cell."""
    with tempfile.TemporaryDirectory() as folder:
        with (Path(folder) / "values.csv").open("w", encoding="utf-8", newline="") as file:
            csv.writer(file, quoting=csv.QUOTE_ALL).writerows([["id", "value"], ["1", value]])
        path = Path(folder) / "m.yaml"
        path.write_text(text, encoding="utf-8")
        return load([path], inputs)


@pytest.mark.parametrize("source", ["environment", "flag", "python", "allowed environment", "file"])
@given(value=VALUES, style=st.sampled_from(STYLES))
def test_a_value_stays_one_scalar(source: str, value: str, style: str) -> None:
    """Whatever YAML a value looks like, it is the text itself; nothing beside it is added or changed."""
    inputs, reference = {
        "environment": (Inputs(environ={"RECONCILER_VAR_value": value}), "${var.value}"),
        "flag": (Inputs(assignments=(f"value={value}",)), "${var.value}"),
        "python": (Inputs(values={"value": value}), "${var.value}"),
        "allowed environment": (
            Inputs(environ={"TOKEN": value}, allowed_env=("TOKEN",), values={"value": ""}),
            "${env.TOKEN}",
        ),
        "file": (Inputs(values={"value": ""}), "${each.value.value}"),
    }[source]
    text = MANIFEST.format(body=written(style, reference), reference=reference)
    if source == "file":
        text = text.replace("- key: a\n", "- key: a\n            for_each: {file: values.csv, key: id}\n")

    (service,) = loaded(text, inputs, value).services

    (conversation,) = service.conversations
    first, last = conversation.messages
    assert (first.key, first.author, first.body) == ("a[1]" if source == "file" else "a", "bob", f"x {value}")
    assert first.attributes == canonical_json({"whole": value, "inside": [f"<{value}>"], "after": 1})
    assert (last.key, last.body) == ("z", "last")
