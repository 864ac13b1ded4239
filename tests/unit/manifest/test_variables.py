"""Variables, references and what is sensitive; the mistakes are in `test_manifest_broken`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from reconciler.errors import ManifestError, UsageError
from reconciler.manifest.inputs import Inputs
from reconciler.manifest.load import load
from reconciler.model import Conversation, Desired, Message


def world(folder: Path, text: str, inputs: Inputs | None = None) -> Desired:
    """Load one manifest."""
    path = folder / "m.yaml"
    path.write_text(text, encoding="utf-8")
    return load([path], inputs or Inputs())


def message(folder: Path, variables: str, fields: str, inputs: Inputs | None = None) -> Message:
    """Return the one message of a manifest that declares *variables*."""
    conversation = f"{{messages: [{{key: a, {fields}}}]}}"
    services = f"{{s: {{conversations: {{c: {conversation}}}}}}}"
    desired = world(folder, f"version: 1\nvariables: {variables}\nservices: {services}\n", inputs)
    return desired.services[0].conversations[0].messages[0]


def values_file(folder: Path, text: str, name: str = "values.yaml") -> Path:
    """Write a file for `--var-file`."""
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_a_reference_inside_a_text_becomes_part_of_it(tmp_path: Path) -> None:
    """Numbers and booleans are written as in JSON; `$${` stands for itself."""
    found = message(
        tmp_path,
        "{name: {default: Ann}, seats: {default: 3}, share: {default: 2.0}, paid: {default: true}}",
        'body: "${var.name}: ${ var.seats } at ${var.share}, ${var.paid}, $${var.name}, $$5"',
    )

    assert found.body == "Ann: 3 at 2, true, ${var.name}, $$5"


def test_a_whole_reference_in_attributes_keeps_its_type(tmp_path: Path) -> None:
    """Numbers, booleans, lists and mappings stay what they are where JSON can stand."""
    found = message(
        tmp_path,
        "{n: {default: 3}, b: {default: true}, l: {default: [1, {x: y}]}, m: {default: {k: v}}}",
        'body: x, attributes: {n: "${var.n}", b: "${var.b}", l: "${var.l}", m: "${var.m}", k: "${var.m.k}", '
        'first: "${var.l.1.x}", text: "n=${var.n}"}',
    )

    assert found.attributes == (
        '{"b":true,"first":"y","k":"v","l":[1,{"x":"y"}],"m":{"k":"v"},"n":3,"text":"n=3"}'
    )


def test_attributes_as_a_whole_can_be_a_reference(tmp_path: Path) -> None:
    """The field itself may be any JSON value."""
    found = message(tmp_path, "{m: {default: {k: [1]}}}", 'body: x, attributes: "${var.m}"')

    assert found.attributes == '{"k":[1]}'


def test_what_a_reference_stands_for_refers_to_nothing(tmp_path: Path) -> None:
    """Values are data: whoever sets a variable cannot read another one."""
    found = message(
        tmp_path, "{a: {}, b: {default: hidden}}", 'body: "${var.a}"', Inputs(assignments=("a=${var.b}",))
    )

    assert found.body == "${var.b}"


def test_a_reference_never_changes_the_yaml(tmp_path: Path) -> None:
    """The file is parsed before: a value full of YAML is a text."""
    found = message(tmp_path, "{a: {}}", 'body: "${var.a}"', Inputs(assignments=("a=x\n  - key: b",)))

    assert found.body == "x\n  - key: b"


def test_keys_of_mappings_are_left_alone(tmp_path: Path) -> None:
    """References are resolved in values only."""
    found = message(tmp_path, "{a: {default: x}}", 'body: x, attributes: {"${var.a}": "${var.a}"}')

    assert found.attributes == '{"${var.a}":"x"}'


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("string", "007", '"007"'),
        ("number", "-1.5e3", "-1500"),
        ("bool", "false", "false"),
        ("list", "[a, 1]", '["a",1]'),
        ("map", '{"a": [true]}', '{"a":[true]}'),
    ],
)
def test_a_value_of_the_command_line_is_read_by_its_type(
    tmp_path: Path, kind: str, text: str, value: str
) -> None:
    """`--var` takes lists and mappings as YAML or JSON."""
    found = message(
        tmp_path,
        f"{{a: {{type: {kind}}}}}",
        'body: x, attributes: "${var.a}"',
        Inputs(assignments=(f"a={text}",)),
    )

    assert found.attributes == value


@pytest.mark.parametrize(
    ("inputs", "value"),
    [
        ({}, "default"),
        ({"environ": {"RECONCILER_VAR_a": "env"}}, "env"),
        ({"environ": {"RECONCILER_VAR_a": "env"}, "files": ("one",)}, "one"),
        ({"files": ("one", "two")}, "two"),
        ({"files": ("one",), "assignments": ("a=flag",)}, "flag"),
        ({"assignments": ("a=flag", "a=last")}, "last"),
        ({"assignments": ("a=flag",), "values": {"a": "api"}}, "api"),
    ],
)
def test_the_nearest_value_wins(tmp_path: Path, inputs: dict[str, Any], value: str) -> None:
    """Default, environment, files in their order, flags in theirs: as in Terraform."""
    files = tuple(values_file(tmp_path, f"a: {name}", f"{name}.yml") for name in inputs.pop("files", ()))

    found = message(tmp_path, "{a: {default: default}}", 'body: "${var.a}"', Inputs(**inputs, files=files))

    assert found.body == value


def test_values_can_come_from_json(tmp_path: Path) -> None:
    """A JSON file of values is read like a YAML one, tabs included."""
    file = values_file(tmp_path, '{\n\t"a": [1,\n\t2]}', "values.json")

    found = message(tmp_path, "{a: {type: list}}", 'body: "${var.a.1}"', Inputs(files=(file,)))

    assert found.body == "2"


def test_variables_and_templates_belong_to_all_files(tmp_path: Path) -> None:
    """What one manifest declares, another can use."""
    values_file(tmp_path, "version: 1\nvariables: {city: {default: Berlin}}\n", "a.yaml")
    values_file(tmp_path, "version: 1\nservices: {s: {friendly_name: 'In ${var.city}'}}\n", "b.yaml")

    assert load([tmp_path]).services[0].friendly_name == "In Berlin"


@pytest.mark.parametrize(
    ("inputs", "text", "hint"),
    [
        (
            {"assignments": ("cty=x",)},
            "`--var cty=…`: no manifest declares a variable `cty`",
            "did you mean `city`?",
        ),
        ({"assignments": ("city",)}, "`--var` needs a name and a value", "write `--var NAME=VALUE`"),
        ({"assignments": ("seats=many",)}, "the value of `--var seats` must be a number", "such as `3`"),
        (
            {"environ": {"RECONCILER_VAR_seats": "[1]"}},
            "the value of `RECONCILER_VAR_seats` must be a number",
            "such as `3`",
        ),
        (
            {"assignments": ('rows={"a": {"b": 1, "b": 2}}',)},
            "the value of `--var rows` cannot be read: `b` is given twice in one mapping",
            "keep one of them",
        ),
        (
            {"assignments": ("rows={a: *b}",)},
            "the value of `--var rows` cannot be read: `*…` repeats an anchor that is not above it",
            "add `&…` before the value, or put the text in quotes",
        ),
        ({"assignments": ("rows=",)}, "the value of `--var rows` must be a mapping", "such as `{a: 1}`"),
        (
            {"environ": {"RECONCILER_VAR_secret": "{a: 1, a: 2}"}},
            "the value of `RECONCILER_VAR_secret` must be a mapping",
            "such as `{a: 1}`",
        ),
        (
            {"values": {"seats": "3"}},
            "the value of variable `seats` must be a number",
            None,
        ),
        (
            {"values": {"chairs": 3}},
            "no manifest declares a variable `chairs`",
            "declare it: `variables: {chairs: {type: string}}`",
        ),
        (
            {"files": (Path("nowhere.yaml"),)},
            "cannot read `--var-file nowhere.yaml`: no such file or directory",
            None,
        ),
    ],
)
def test_a_wrong_value_from_outside_is_refused_by_its_source(
    tmp_path: Path, inputs: dict[str, Any], text: str, hint: str | None
) -> None:
    """The error names the flag or the environment variable, and never the value."""
    declared = (
        "{city: {default: a}, seats: {default: 1}, rows: {type: map, default: {}},"
        " secret: {type: map, default: {}, sensitive: true}}"
    )
    with pytest.raises(UsageError) as caught:
        message(tmp_path, declared, "body: x", Inputs(**inputs))

    assert (caught.value.text, caught.value.hint) == (text, hint)


@pytest.mark.parametrize(
    ("text", "where", "sentence"),
    [
        ("- s3cret", (1, 1), "a file of values is a mapping"),
        ("token: *s3cret", (1, 8), "`*…` repeats an anchor that is not above it"),
        ("token: !s3cret x", (1, 8), "tags (`…`) are not allowed: the file is plain data"),
        ("token: &s3cret [*s3cret]", (1, 17), "`*…` stands inside what it repeats"),
        ("token: 1e4711", (1, 8), "`…` is no number that JSON can hold"),
        ("token: x\ntoken: y", (2, 1), "`token` is given twice in one mapping; first at FILE:1:1"),
        ("token: x\n---\ntoken: y", (2, 1), "a second YAML document starts here"),
        ("{<<: {token: x}}", (1, 2), "merge keys (`<<`) are not part of YAML 1.2"),
        ("# s3cret", (1, 1), "the file holds no value"),
        ("token:\n  s3cret it\n  is: x", (2, 9), "the YAML cannot be read: no colon stands behind `…`"),
        (
            "token:\n  s3cret：x\n  is: x",  # noqa: RUF001 - as people type it
            (2, 9),
            "the YAML cannot be read: behind `…` stands a fullwidth colon, U+FF1A",
        ),
        ("token: 3", (1, 8), "the value of variable `token` must be a text"),
        ("a: s3cret", (1, 1), "no manifest declares a variable `a`"),
    ],
)
def test_a_wrong_file_of_values_is_refused_at_its_line(
    tmp_path: Path, text: str, where: tuple[int, int], sentence: str
) -> None:
    """The line itself is not shown: such files are where secrets are."""
    file = values_file(tmp_path, text)

    with pytest.raises(ManifestError) as caught:
        message(tmp_path, "{token: {sensitive: true}}", 'body: "${var.token}"', Inputs(files=(file,)))

    (problem,) = caught.value.problems
    assert (problem.path, (problem.line, problem.column)) == (str(file), where)
    assert problem.text.replace(str(file), "FILE") == sentence
    assert problem.snippet == ""
    assert "s3cret" not in str(problem.hint)
    assert problem.hint


def test_an_allowed_environment_variable_is_sensitive(tmp_path: Path) -> None:
    """Its value arrives, and the message says that it must not be shown."""
    inputs = Inputs(environ={"TOKEN": "s3cret"}, allowed_env=("TOKEN",))

    found = message(tmp_path, "{}", 'body: "code ${env.TOKEN}", author: bob', inputs)

    assert (found.body, found.sensitive) == ("code s3cret", ("body",))


@pytest.mark.parametrize("name", ["TWILIO_AUTH_TOKEN", "RECONCILER_STATE", "twilio_auth_token"])
def test_credentials_cannot_be_allowed(name: str) -> None:
    """Whatever the command line says, a manifest cannot get at them."""
    with pytest.raises(UsageError, match="never given to manifests"):
        Inputs(allowed_env=(name,))


def test_an_allowed_variable_that_is_not_set_points_at_its_line(tmp_path: Path) -> None:
    """An empty text is never sent in its place."""
    with pytest.raises(ManifestError) as caught:
        message(tmp_path, "{}", 'body: "${env.TOKEN}"', Inputs(allowed_env=("TOKEN",)))

    (problem,) = caught.value.problems
    assert problem.text == "`body` of message `a` refers to `${env.TOKEN}`, which is not set"


def test_a_misspelt_environment_variable_is_recognised(tmp_path: Path) -> None:
    """The hint is the name that is allowed, at the line of the one that is not."""
    inputs = Inputs(environ={"TOKEN": "x", "TOKN": "y"}, allowed_env=("TOKEN",))
    with pytest.raises(ManifestError) as caught:
        message(tmp_path, "{}", 'body: "${env.TOKN}"', inputs)

    (problem,) = caught.value.problems
    assert (problem.line, problem.hint) == (3, "did you mean `TOKEN`?")


def test_sensitive_fields_are_named_wherever_the_reference_is(tmp_path: Path) -> None:
    """Inside attributes, from defaults and in the conversation itself."""
    text = """\
version: 1
variables: {token: {sensitive: true, default: s3cret}}
defaults: {author: "${var.token}"}
services:
  s:
    conversations:
      c:
        friendly_name: ${var.token}
        messages:
          - {key: a, body: x, attributes: {deep: ["${var.token}"]}}
          - {key: b, body: x, author: bob}
"""

    conversation: Conversation = world(tmp_path, text).services[0].conversations[0]

    assert conversation.sensitive == ("friendly_name",)
    assert [one.sensitive for one in conversation.messages] == [("attributes", "author"), ()]


def test_the_digest_does_not_tell_a_sensitive_value(tmp_path: Path) -> None:
    """Trying values against the digest of a plan finds nothing; any other change shows."""

    def digest(secret: str, other: str) -> str:
        text = """\
version: 1
variables: {token: {sensitive: true}, other: {}}
services:
  s: {conversations: {c: {messages: [{key: a, body: "${var.token}", author: "${var.other}"}]}}}
"""
        return world(tmp_path, text, Inputs(assignments=(f"token={secret}", f"other={other}"))).digest

    assert digest("1234", "x") == digest("9999", "x") != digest("9999", "y")
