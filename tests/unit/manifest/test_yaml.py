"""YAML as it is written by others: JSON with escaped pairs, UTF-16, and what libyaml reads differently."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from reconciler.errors import ManifestError
from reconciler.manifest.cache import ParsedFiles
from reconciler.manifest.load import load
from reconciler.manifest.yaml.positions import read_closely
from reconciler.manifest.yaml.reader import Irregular, read
from reconciler.model import Doubt
from reconciler.report.errors import render_error

BODY = "hi 😀 \u2028 é 🇩🇪"
MANIFEST = {
    "version": 1,
    "services": {"desk": {"conversations": {"chat": {"messages": [{"key": "a", "body": BODY}]}}}},
}


def body(file: Path) -> str | None:
    """Return the body of the one message that *file* asks for."""
    (service,) = load([file]).services
    return service.conversations[0].messages[0].body


@pytest.mark.parametrize("indent", [None, 2])
def test_json_with_escapes_is_a_manifest(tmp_path: Path, indent: int | None) -> None:
    """Every JSON writer with ASCII output writes an emoji as two halves."""
    file = tmp_path / "m.yaml"
    file.write_text(json.dumps(MANIFEST, indent=indent), encoding="utf-8")

    assert body(file) == BODY


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32", "utf-8-sig"])
def test_a_manifest_is_read_by_its_byte_order_mark(tmp_path: Path, encoding: str) -> None:
    """It is the same as in UTF-8, fast and closely read."""
    file = tmp_path / "m.yaml"
    file.write_text(json.dumps(MANIFEST, indent=2), encoding=encoding)

    assert body(file) == BODY


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (r'"\ud83d\ude00"', "😀"),
        (r'"\uD83D\uDE00 \ue83d"', "😀 \ue83d"),  # the first digit that is free is another one
        ('"\\ud83d\\ude00 \ue83d"', "😀 \ue83d"),
        (r'"\\ud83d\\ude00"', r"\ud83d\ude00"),
        (r"\ud83d\uDE00", r"\ud83d\uDE00"),
        (r"'\uD83d\ude00'", r"\uD83d\ude00"),
        (r'["\ud83d\ude00", \ud83d\ude00]', ["😀", r"\ud83d\ude00"]),
        (r'{"\ud83d\ude00": 1d 09:00}', {"😀": "1d 09:00"}),
    ],
)
def test_only_quoted_pairs_are_pairs(text: str, value: object) -> None:
    """Where a backslash means nothing, text stays text; both ways of reading agree."""
    both = f"a: {text}\nb: " + r'"\ud83d\ude00"'

    assert read(both).value == {"a": value, "b": "😀"}
    assert read_closely(both).value == {"a": value, "b": "😀"}


@pytest.mark.parametrize("separator", ["\x85", "\u2028", "\u2029"])
@pytest.mark.parametrize(
    "text", ["body: hello # see{}    author: mallory", "# {}", '"a": "{}"', "a: |\n  x{}y", "'{}': 1"]
)
def test_a_raw_line_separator_is_refused_anywhere(separator: str, text: str) -> None:
    """The C parser would end a line there, which no editor and no review page does."""
    text = f"version: 1\n{text.format(separator)}\nlast: 1\n"
    with pytest.raises(Irregular):
        read(text)

    positions = read_closely(text)

    offset = text.index(separator)
    line = text[:offset].count("\n") + 1
    assert [fault.position for fault in positions.faults] == [(line, offset - text.rfind("\n", 0, offset))]
    assert positions.of(("last",)).line == text.count("\n")


def test_lines_are_counted_as_editors_do(tmp_path: Path) -> None:
    """A carriage return alone ends a line, for YAML too; the line that is shown is the one at fault."""
    file = tmp_path / "m.yaml"
    file.write_bytes(b"version: 1\r# one\r\n# two\nservces: {}\n")

    with pytest.raises(ManifestError) as caught:
        load([file])

    assert "m.yaml:4:1\n   | servces: {}\n" in render_error(caught.value)


@pytest.mark.parametrize(
    ("number", "loses"),
    [
        ("+4915112345678", True),
        ("+1.5", True),
        ("01234", True),
        ("-007", True),
        ("00.5", True),
        ("1234567890123456", True),
        ("0.123456789012345678", True),
        ("0", False),
        ("-0.5", False),
        ("0.30000000000000004", False),
        ("123456789012345", False),
        ("-123456789012345", False),
        ("1e3", False),
        ("0x1F600", False),
        ("'007'", False),
        ("12:30", False),
        ("+x", False),
    ],
)
def test_a_number_in_attributes_that_loses_something_is_doubted(
    tmp_path: Path, number: str, *, loses: bool
) -> None:
    """It is allowed, and said once for each field, with the first place; the text may be a secret."""
    file = tmp_path / "m.yaml"
    file.write_text(
        "version: 1\nservices:\n  s:\n    conversations:\n      c:\n        messages:\n"
        f"          - {{key: a, body: x, attributes: {{to: [{number}, {number}]}}}}\n"
        f"          - {{key: b, body: x, attributes: {{to: {number}}}}}\n",
        encoding="utf-8",
    )

    doubts = load([file]).doubts

    text = (
        "`attributes.to` of message `a` is a number that may lose something by being one, such as a `+`, a "
        f"zero in front or digits beyond the 15th: put it in quotes if it is a text ({file}:7:49, and 2 more)"
    )
    assert doubts == ((Doubt("s/c/a", text),) if loses else ())


@pytest.mark.parametrize(
    ("item", "fields"),
    [
        ("[+49151, 007]", ["for_each"]),
        ("{a: {v: +49151, w: 7}, b: {v: 08}}", ["for_each.a.v", "for_each.b.v"]),
        ("{a: 1.5, b: 1}", []),
    ],
)
def test_a_number_in_for_each_that_loses_something_is_doubted(
    tmp_path: Path, item: str, fields: list[str]
) -> None:
    """Keys and texts are made of it, of messages and of conversations."""
    file = tmp_path / "m.yaml"
    file.write_text(
        "version: 1\nservices:\n  s:\n    conversations:\n      c:\n        messages:\n"
        f"          - {{key: k, for_each: {item}, body: 'call ${{each.key}}'}}\n"
        f"      d: {{for_each: {item}}}\n",
        encoding="utf-8",
    )

    doubts = load([file]).doubts

    assert [doubt.address for doubt in doubts] == ["s/c/k"] * len(fields)
    assert [doubt.text.split("`")[1] for doubt in doubts] == fields


@pytest.mark.parametrize(
    ("declaration", "doubted"), [("default: 0606", True), ("type: number, default: 0606", False)]
)
def test_a_default_without_a_type_that_loses_something_is_doubted(
    tmp_path: Path, declaration: str, *, doubted: bool
) -> None:
    """A variable that is declared as a number is meant as one."""
    file = tmp_path / "m.yaml"
    file.write_text(f"version: 1\nvariables: {{door: {{{declaration}}}}}\n", encoding="utf-8")

    doubts = load([file]).doubts

    assert [doubt.text.partition(" is a number")[0] for doubt in doubts] == (
        ["`default` of variable `door`"] if doubted else []
    )


def test_doubts_are_remembered_and_expanded(tmp_path: Path) -> None:
    """One that is known is not read again, and one with defaults is expanded; both are doubted."""
    file = tmp_path / "m.yaml"
    known = ParsedFiles(tmp_path / "cache")
    messages = "messages: [{key: a, body: x, attributes: {n: 007}}]"
    whole = "version: 1\nservices: {s: {conversations: {c: {%s}}}}\n"
    file.write_text(whole % messages, encoding="utf-8")
    first = load([file], known=known).doubts

    assert len(first) == 1
    assert load([file], known=known).doubts == first
    file.write_text(
        "defaults: {attributes: {m: +1}}\n" + whole % f"for_each: [d], {messages}", encoding="utf-8"
    )
    assert [(one.address, one.text.partition(" is ")[0]) for one in load([file]).doubts] == [
        ("", "`defaults.attributes.m` of the manifest"),
        ("s/c/a", "`attributes.n` of message `a`"),
    ]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("[:x, ::vector, a:b]", [":x", "::vector", "a:b"]),
        ('{x: :x, "k"::v}', {"x": ":x", "k": ":v"}),
        ("{? foo: bar, m: really?no, n: 'x, ?y'}", {"foo": "bar", "m": "really?no", "n": "x, ?y"}),
        ("a: &an:chor value\nb: *an:chor\n", {"a": "value", "b": "value"}),
        ("a: 'x, ?y & b&c: d'\nb: &b [&c x, *c]\n", {"a": "x, ?y & b&c: d", "b": ["x", "x"]}),
        ("a: |\n \tx\n y\n", {"a": "\tx\ny\n"}),
    ],
)
def test_what_is_new_in_yaml_1_2_is_read(text: str, value: object) -> None:
    """The C parser is one of YAML 1.1; what it refuses or takes for something else is read more slowly."""
    assert read(text).value == value
    assert read_closely(text).value == value


@pytest.mark.parametrize("text", ["{ ?foo: bar }", "[a, ?x]", "a: {n: 1,\n  ?m: 2}"])
def test_what_parsers_read_in_two_ways_is_refused(text: str) -> None:
    """YAML 1.2 has a text with a question mark there, and every parser at hand a key without it."""
    with pytest.raises(Irregular):
        read(text)

    (fault,) = read_closely(text).faults

    assert fault.text == "a text in brackets that starts with `?` is read in two ways"
    assert text.split("\n")[fault.position.line - 1][fault.position.column - 1] == "?"


def test_only_a_text_that_runs_on_is_looked_for_above() -> None:
    """What stands in a text of several lines has nothing to do with a mistake below it."""
    (fault,) = read_closely("a: |\n  Note\uff1a x\nb: *bold* text\n").faults

    assert fault.position.line == 3
