"""Messages out of files; the mistakes are in `test_manifest_broken`."""

from __future__ import annotations

import csv
from pathlib import Path

from reconciler.manifest.load import load
from reconciler.model import Message, Moment


def messages(folder: Path, fields: str, **files: str) -> list[Message]:
    """Load one conversation with these *fields* beside these files, whose extension follows the last `_`."""
    for name, text in files.items():
        (folder / name.replace("_", ".")).write_text(text, encoding="utf-8")
    path = folder / "m.yaml"
    path.write_text(f"version: 1\nservices:\n  s:\n    conversations:\n      c:\n{fields}", encoding="utf-8")
    return list(load([path]).services[0].conversations[0].messages)


def said(found: list[Message]) -> list[tuple[str, str | None, str | None]]:
    """Return key, author and body of each message."""
    return [(one.key, one.author, one.body) for one in found]


def test_a_csv_transcript_becomes_messages(tmp_path: Path) -> None:
    """Every column; an empty cell is a field that is not mentioned."""
    found = messages(
        tmp_path,
        "        timeline: {start: now}\n        messages: {from: chat.csv}\n",
        chat_csv="key,author,body,attributes,date_created,at\n"
        'hi,ann,"Hello, you",,2026-01-05T10:00:00+01:00,\n'
        'bye,,"two\nlines","{""seen"": true}",,+35s\n',
    )

    assert said(found) == [("hi", "ann", "Hello, you"), ("bye", None, "two\nlines")]
    assert [one.attributes for one in found] == [None, '{"seen":true}']
    assert [one.date_created for one in found] == ["2026-01-05T09:00:00Z", None]
    assert [one.after for one in found] == [None, Moment(seconds=35)]


def test_a_transcript_of_json_lines_becomes_messages(tmp_path: Path) -> None:
    """Attributes are JSON already, and a number can be a key."""
    found = messages(
        tmp_path,
        "        messages: {from: chat.jsonl}\n",
        chat_jsonl='{"key": 7, "body": "hi", "attributes": {"n": [1]}}\n\n'
        '{"key": "b", "body": "ho", "author": null}\n',
    )

    assert said(found) == [("7", None, "hi"), ("b", None, "ho")]
    assert found[0].attributes == '{"n":[1]}'


def test_a_cell_may_be_long(tmp_path: Path) -> None:
    """Longer than what Python reads by itself, also in a column that nobody uses; its own limit stays."""
    before = csv.field_size_limit()
    found = messages(
        tmp_path,
        "        messages: {from: chat.csv, columns: {body: text}}\n",
        chat_csv=f"raw,text\n{'x' * (before + 1)},hi\n",
    )

    assert [one.body for one in found] == ["hi"]
    assert csv.field_size_limit() == before


def test_rows_without_keys_are_called_by_their_position(tmp_path: Path) -> None:
    """It stays the same when rows are added at the end."""
    found = messages(
        tmp_path, "        messages: {from: chat.json}\n", chat_json='[{"body": "a"}, {"body": "b"}]'
    )

    assert [one.key for one in found] == ["1", "2"]


def test_any_column_can_hold_the_keys(tmp_path: Path) -> None:
    """It need not be called `key`, and is then no field."""
    found = messages(
        tmp_path, "        messages: {from: chat.csv, key: id}\n", chat_csv="id,body\na1,hi\nb2,ho\n"
    )

    assert said(found) == [("a1", None, "hi"), ("b2", None, "ho")]


def test_transcripts_stand_among_other_messages_and_take_defaults(tmp_path: Path) -> None:
    """Beside messages and templates, in the order of the list; a line is that of the item."""
    found = messages(
        tmp_path,
        "        defaults: {author: bot, attributes: {from: file}}\n"
        "        messages:\n"
        "          - {key: first, body: x}\n"
        "          - from: chat.csv\n"
        "          - {key: last, body: x}\n",
        chat_csv="key,author,body\na,ann,hi\nb,,ho\n",
    )

    assert said(found) == [
        ("first", "bot", "x"),
        ("a", "ann", "hi"),
        ("b", "bot", "ho"),
        ("last", "bot", "x"),
    ]
    assert [one.line for one in found] == [8, 9, 9, 10]
    assert {one.attributes for one in found} == {'{"from":"file"}'}


def test_a_text_of_a_transcript_refers_to_nothing(tmp_path: Path) -> None:
    """What people wrote is what is sent, whatever it looks like."""
    found = messages(
        tmp_path, "        messages: {from: chat.csv}\n", chat_csv="body\n${env.HOME} $${x} ${\n"
    )

    assert said(found) == [("1", None, "${env.HOME} $${x} ${")]


def test_each_item_may_have_a_transcript_of_its_own(tmp_path: Path) -> None:
    """The name of the file is a text of the manifest, so it may refer."""
    path = tmp_path / "m.yaml"
    for name in ("ann", "bob"):
        (tmp_path / f"{name}.csv").write_text(f"body\nI am {name}\n", encoding="utf-8")
    path.write_text(
        "version: 1\nservices:\n  s:\n    conversations:\n"
        "      c: {for_each: [ann, bob], messages: {from: '${each.key}.csv'}}\n",
        encoding="utf-8",
    )

    found = load([path]).services[0].conversations

    assert [said(list(one.messages)) for one in found] == [
        [("1", None, "I am ann")],
        [("1", None, "I am bob")],
    ]
