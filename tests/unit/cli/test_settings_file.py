"""The settings file: what it may hold, and the place of everything else."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

from reconciler.cli.settings.file import read_settings
from reconciler.cli.settings.schema import SETTINGS
from reconciler.errors import ManifestError, UsageError
from reconciler.manifest.schema.json_schema import schema_for_editors
from tests.support.project import ROOT

ALL = """\
manifests: [manifests]
state: states/base.json
account: AC0123456789abcdef0123456789ABCDEF
variables: {city: Lisbon, hours: {open: 9}}
var_files: values.yaml
endpoint: twilio
protected: false
parallelism: 4
rate: 12.5
lock_timeout: 0
comment_key: base
encryption: required
environments:
  staging: {endpoint: emulator}
  production: {protected: true, manifests: manifests/production}
"""
OUTSIDE = (
    "4:12: `../x.json` in `state` is outside the folder of the settings file "
    "(keep it below that folder, or name it on the command line)"
)
NO_NAME = (
    "1:16: `-x` cannot be the name of an environment "
    "(use letters, digits, `_` and `-`, starting with a letter)"
)


def problems(text: str, folder: Path) -> list[str]:
    """Return what is wrong with a settings file that holds *text*, each with its place and hint."""
    path = folder / "reconciler.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ManifestError) as raised:
        read_settings(path, is_named=True)
    assert raised.value.text.endswith("in the settings")
    return [f"{one.line}:{one.column}: {one.text} ({one.hint})" for one in raised.value.problems]


def test_every_name_that_is_allowed(tmp_path: Path) -> None:
    """The names of the contract are all there are; an environment may hold the same."""
    (tmp_path / "reconciler.yaml").write_text(ALL, encoding="utf-8")
    settings = read_settings(tmp_path / "reconciler.yaml", is_named=False)

    assert settings is not None
    assert set(SETTINGS.fields) == set(settings.value)
    assert list(settings.environments) == ["staging", "production"]
    assert settings.place(("environments", "production", "protected")).endswith("reconciler.yaml:15:16")


def test_without_a_file(tmp_path: Path) -> None:
    """None need be there, unless it is named; one with nothing but comments says nothing."""
    path = tmp_path / "reconciler.yaml"

    assert read_settings(path, is_named=False) is None
    with pytest.raises(UsageError, match="cannot read the settings file"):
        read_settings(path, is_named=True)
    path.write_text("# nothing yet\n", encoding="utf-8")
    settings = read_settings(path, is_named=False)
    assert settings is not None
    assert settings.value == {}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("stat: a\n", ["1:1: `stat` is no setting (did you mean `state`?)"]),
        (
            "environments:\n  prod:\n    paralelism: 3\n    state: ../x.json\n",
            [
                "3:5: `paralelism` of environment `prod` is no setting (did you mean `parallelism`?)",
                OUTSIDE,
            ],
        ),
        (
            "endpoint: https://example.com\n",
            ["1:11: `endpoint` must be `twilio` or `emulator`, not the text `https://example.com` (None)"],
        ),
        ("parallelism: 0\n", ["1:14: `parallelism` must be at least 1, not the number `0` (None)"]),
        ("parallelism: many\n", ["1:14: `parallelism` must be a whole number, not the text `many` (None)"]),
        ("rate: 0\n", ["1:7: `rate` must be more than 0, not the number `0` (None)"]),
        ("rate: true\n", ["1:7: `rate` must be a number, not `true` (None)"]),
        ("encryption: no\n", ["1:13: `encryption` must be `required`, not the text `no` (None)"]),
        ("state:\n", ["1:1: `state` has no value (give it a value, or remove it)"]),
        ("manifests: []\n", ["1:12: `manifests` is an empty list (remove it, or name something)"]),
        (
            "environments: {-x: {}}\n",
            [NO_NAME],
        ),
        ("[a]\n", ["1:1: a settings file is a mapping (write `name: value` pairs)"]),
        ("a: b: c\n", None),
        ("state: a\nstate: b\n", None),
        ("state: !!python/object:os.system a\n", None),
        ("state: a\n---\nstate: b\n", None),
        ("x: &x {<<: *x}\n", None),
    ],
)
def test_every_mistake_has_its_place(tmp_path: Path, text: str, told: list[str] | None) -> None:
    """Names and values that are not allowed; mistakes of YAML itself are those of manifests."""
    found = problems(text, tmp_path)

    assert found
    if told is not None:
        assert found == told


@pytest.mark.parametrize("name", ["version", "services"])
def test_a_manifest_in_its_place(tmp_path: Path, name: str) -> None:
    """It is recognised, and nothing else is said."""
    (found,) = problems(f"{name}: 1\nstat: 3\n", tmp_path)

    assert found.startswith("1:1: ")
    assert f"is a manifest (it has `{name}:`), and this is the place of the settings file" in found


@pytest.mark.parametrize(
    "address",
    [
        "postgresql://me:geheim@db.example.com/states",
        "postgresql://me@db.example.com/states?password=geheim",
        "https://me:geheim@git.example.com/state",
        "git:https://me:geheim@git.example.com/a.git?ref=refs/reconciler/x",
    ],
)
def test_a_password_in_an_address_is_never_shown(tmp_path: Path, address: str) -> None:
    """It is refused, and its line is not printed either."""
    path = tmp_path / "reconciler.yaml"
    path.write_text(f"state: {address}\n", encoding="utf-8")
    with pytest.raises(ManifestError) as raised:
        read_settings(path, is_named=True)

    (problem,) = raised.value.problems
    assert "holds a password" in problem.text
    assert "geheim" not in f"{problem}{raised.value.__notes__}"


def test_the_schema_for_editors_is_up_to_date() -> None:
    """`reconciler schema settings > schemas/settings.schema.json` was run after the last change."""
    committed = json.loads((ROOT / "schemas" / "settings.schema.json").read_text(encoding="utf-8"))

    assert committed == schema_for_editors(SETTINGS, "settings:1")
    jsonschema.validate({"state": "a", "environments": {"b": {"manifests": ["c"]}}}, committed)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"environments": {"b": {"environments": {}}}}, committed)
