"""The committed JSON Schema is the one of the models, and editors agree with `load`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from reconciler.manifest.schema.json_schema import manifest_schema
from reconciler.manifest.yaml.reader import read

ROOT = Path(__file__).parents[3]
SHAPE_CASES = (
    *("unknown-field", "key-grammar", "key-missing", "names", "number-as-text", "service-sid", "choice"),
    *("body-empty", "subject-too-long", "variables-too-many", "version-newer", "media-without-file"),
)


def errors_of(value: Any) -> list[str]:
    """Return what an editor would underline."""
    return [error.message for error in jsonschema.Draft202012Validator(manifest_schema()).iter_errors(value)]


def test_the_committed_schema_is_the_one_of_the_models() -> None:
    """`reconciler schema manifest > schemas/manifest.schema.json` was run after the last change."""
    committed = (ROOT / "schemas" / "manifest.schema.json").read_text(encoding="utf-8")

    assert json.loads(committed) == manifest_schema()


def test_every_field_is_described() -> None:
    """An editor can say what a field is for."""
    shapes = [manifest_schema(), *manifest_schema()["$defs"].values()]

    assert [
        name
        for shape in shapes
        for name, field in shape["properties"].items()
        if "description" not in field and "$ref" not in field
    ] == []


def test_a_manifest_that_loads_satisfies_the_schema() -> None:
    """The editor is as lenient as `load`."""
    text = """\
version: 1
services:
  support:
    conversations:
      order:
        timers: {closed: P1D}
        participants: [{identity: ann}]
        messages:
          - {key: a, body: hi, attributes: null, lifecycle: {ignore_changes: [body]}}
          - {key: b, media: {file: x.png}}
          - {key: c, media: [{file: x.png}]}
"""
    assert errors_of(read(text).value) == []


@pytest.mark.parametrize("case", SHAPE_CASES)
def test_a_manifest_of_another_shape_does_not(case: str) -> None:
    """The editor is as strict as `load` about shape."""
    text = (ROOT / "tests" / "manifests" / "broken" / f"{case}.yaml").read_text(encoding="utf-8")

    assert errors_of(read(text).value)
