"""Transcripts as chat tools export them, read in their own columns; generated, so nobody said any of it."""

from __future__ import annotations

import csv
import io
import json
import random
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from reconciler.errors import ManifestError
from reconciler.manifest.load import load
from reconciler.model import Message

_WORDS = (
    "hello", "order", "parcel", "Größe", "naïve", "café", "😀", "🇩🇪", "it's", '"quoted"', "a;b", "a,b",
    "tab\there", "50%", "#4711", "&", "line\u2028sep", "vt\x0bff\x0c", "two\nlines", "\\u0000",
    "日本", "e\u0301", "<p>", "${var.x}",
)  # fmt: skip
_PEOPLE = ("Ann", "+4915112345678", "bot@example.com", "whatsapp:+14155550100", "Zoë", "U02ABCDEF", "agent 7")


class Said(NamedTuple):
    """One message before it is exported: who, what and when."""

    author: str
    body: str
    at: datetime

    @property
    def iso(self) -> str:
        """When, as a timestamp."""
        return f"{self.at:%Y-%m-%dT%H:%M:%SZ}"


class Export(NamedTuple):
    """A file as a tool writes it, and the columns that hold author, body and time."""

    name: str
    data: bytes
    columns: str


def talk(seed: int) -> list[Said]:
    """Return a conversation that is always the same for one *seed*."""
    dice = random.Random(seed)
    return [
        Said(
            dice.choice(_PEOPLE),
            " ".join(dice.choices(_WORDS, k=dice.randint(1, 9))),
            datetime.fromtimestamp(1_700_000_000 + seed * 86_400 + number * 61, UTC),
        )
        for number in range(dice.randint(2, 12))
    ]


def table(rows: list[dict[str, Any]], delimiter: str, *, mark: str = "") -> str:
    """Return *rows* as CSV, with the line ends of spreadsheets, behind *mark*."""
    out = io.StringIO(newline="")
    out.write(mark)
    writer = csv.DictWriter(out, list(rows[0]), delimiter=delimiter)
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def whatsapp(said: list[Said], seed: int) -> Export:
    """What converters of WhatsApp chats write: CSV with commas or semicolons, for Excel often UTF-16."""
    rows = [{"date": one.iso, "from": one.author, "text": one.body, "type": "text"} for one in said]
    columns = "{author: from, body: text, date_created: date}"
    if seed % 3 == 0:
        return Export("chat.csv", table(rows, ",").encode("utf-8-sig"), columns)
    if seed % 3 == 1:
        return Export("chat.csv", table(rows, ";", mark="sep=;\r\n").encode(), columns)
    return Export("chat.txt", table(rows, "\t").encode("utf-16"), columns)


def slack(said: list[Said], seed: int) -> Export:
    """A channel's day, a list of events with times in seconds and a fraction."""
    rows = [
        {
            "type": "message",
            "user": one.author,
            "text": one.body,
            "ts": f"{one.at.timestamp():.6f}",
            "team": "T1",
        }
        for one in said
    ]
    return Export(
        "2026-01-05.json",
        json.dumps(rows, ensure_ascii=seed % 2 == 0, indent=4).encode(),
        "{author: user, body: text, date_created: ts}",
    )


def intercom(said: list[Said], seed: int) -> Export:
    """A conversation with its parts, whose authors are objects."""
    parts = [
        {"id": str(number), "part_type": "comment", "body": one.body, "created_at": int(one.at.timestamp()),
         "author": {"type": "user", "name": one.author}, "attachments": []}
        for number, one in enumerate(said)
    ]  # fmt: skip
    inner = {"type": "list", "conversation_parts": parts, "total_count": len(parts)}
    whole = {"type": "conversation", "id": str(seed), "title": None, "conversation_parts": inner}
    return Export("c.json", json.dumps(whole).encode(), "{author: author.name, date_created: created_at}")


def zendesk(said: list[Said], seed: int) -> Export:
    """The comments of a ticket: in an object, or one a line as the bulk export has them."""
    rows = [
        {"id": 900 + number, "via": {"channel": "web"}, "author_id": number, "author": one.author,
         "plain_body": one.body, "created_at": one.iso, "public": True}
        for number, one in enumerate(said)
    ]  # fmt: skip
    columns = "{body: plain_body, date_created: created_at, key: id}"
    if seed % 2:
        return Export("t.jsonl", "".join(json.dumps(row) + "\r\n" for row in rows).encode(), columns)
    return Export("t.json", json.dumps({"comments": rows, "next_page": None, "count": 3}).encode(), columns)


def twilio(said: list[Said], seed: int) -> Export:
    """What the Twilio CLI lists: JSON, or a table of tabs with the names of columns that it was asked for."""
    rows = [
        {"accountSid": "AC1", "sid": f"IM{number:032x}", "index": number, "author": one.author,
         "body": one.body, "attributes": '{"n": 1}', "dateCreated": one.iso.replace("Z", ".000Z")}
        for number, one in enumerate(said)
    ]  # fmt: skip
    columns = "{date_created: dateCreated, key: sid}"
    if seed % 2:
        return Export("m.tsv", table(rows, "\t").encode(), columns)
    return Export("m.json", json.dumps(rows, indent=2).encode(), columns)


TOOLS: tuple[Callable[[list[Said], int], Export], ...] = (whatsapp, slack, intercom, zendesk, twilio)


def read(folder: Path, name: str, data: bytes, options: str) -> list[Message]:
    """Return the messages of a conversation that are those of the file *name*."""
    (folder / name).write_bytes(data)
    path = folder / "m.yaml"
    path.write_text(
        f"version: 1\nservices: {{s: {{conversations: {{c: {{messages: {{from: {name}, {options}}}}}}}}}}}\n",
        encoding="utf-8",
    )
    return list(load([path]).services[0].conversations[0].messages)


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("tool", TOOLS)
def test_an_export_is_read_in_its_own_columns(
    tmp_path: Path, tool: Callable[[list[Said], int], Export], seed: int
) -> None:
    """Fifty exports need no conversion: every author, text and time is what was said."""
    said = talk(seed)
    export = tool(said, seed)

    found = read(tmp_path, export.name, export.data, f"columns: {export.columns}")

    assert [(one.author, one.body, one.date_created) for one in found] == [
        (one.author, one.body, one.iso) for one in said
    ]
    assert len({one.key for one in found}) == len(said)


def complaint(folder: Path, name: str, data: bytes, options: str = "") -> str:
    """Return what is wrong with a transcript, and the hint."""
    with pytest.raises(ManifestError) as caught:
        read(folder, name, data, options)
    (problem,) = caught.value.problems
    if problem.path.endswith(name):
        return f"{name}:{problem.line}: {problem.text} | {problem.hint}"
    return f"{problem.text.partition(' names ')[2]} | {problem.hint}"


@pytest.mark.parametrize(
    ("name", "data", "options", "text"),
    [
        (
            "c.csv",
            b"from,text\na,b\n",
            "columns: {author: form, body: text}",
            "`c.csv`, which has no column `form` for `author` | did you mean `from`?",
        ),
        (
            "c.jsonl",
            b'{"who": {"id": 1}, "text": "x"}\n',
            "columns: {author: who.name, body: text}",
            "`c.jsonl`, which has no column `who.name` for `author` | its columns are `who`, `text`",
        ),
        (
            "c.json",
            b'{"a": [{"body": "x"}], "b": [{"body": "y"}]}',
            "",
            "`c.json`, which holds several lists: `a`, `b` | keep the one of messages",
        ),
        (
            "c.csv",
            "body\nHi\n".encode("utf-16-le"),
            "",
            "a file that is UTF-16 without a byte order mark: `c.csv`, line 1 | save it as UTF-8",
        ),
        (
            "c.csv",
            b"body\nGr\xfc\xdfe\n",
            "",
            "a file that is not UTF-8: it holds the byte 0xfc: `c.csv`, line 2 | save it as UTF-8",
        ),
        (
            "c.csv",
            b"body\nok\nx\0y\n",
            "",
            "`c.csv`, whose line 3 holds the character NUL (U+0000) | remove it",
        ),
        (
            "c.jsonl",
            b'{"body": "\\\\u0000"}\n{"body": ["\\u0000"]}\n',
            "",
            "c.jsonl:2: this line holds the character NUL (U+0000) | remove it",
        ),
        (
            "c.jsonl",
            b'{"body": "a"}\n{"body": "b", "body": "c"}\n',
            "",
            "c.jsonl:2: this line has the name `body` twice in one object | keep one of them",
        ),
        (
            "c.csv",
            b'body,attributes\na,"{""a"":1,""b"":[{""c"":1,""c"":2}]}"\n',
            "",
            "c.csv:2: the text of `attributes` has the name `c` twice in one object | keep one of them",
        ),
        (
            "c.json",
            b'[{"body": "a", "attributes": "{\\"a\\": 1, \\"a\\": 2}"}]',
            "",
            "c.json:1: the text of `attributes` has the name `a` twice in one object | keep one of them",
        ),
        (
            "c.csv",
            b'body,attributes\na,"{""a"":""\\u0000""}"\n',
            "",
            "c.csv:2: the text of `attributes` holds the character NUL (U+0000) | remove it",
        ),
        (
            "c.csv",
            b"sep=;\r\n\r\nbody;bdy\r\na;b\r\n",
            "",
            "`c.csv`, whose line 3 has an unknown column: `bdy` | did you mean `body`?",
        ),
        (
            "c.csv",
            b"author;body\na;b;c\n",
            "",
            (
                "c.csv:2: this row has 3 columns instead of 2 "
                "| put cells that hold semicolons or line breaks in double quotes"
            ),
        ),
    ],
)
def test_what_cannot_be_read_is_named(
    tmp_path: Path, name: str, data: bytes, options: str, text: str
) -> None:
    """The column, the encoding, the line or the name at fault, and what to do."""
    assert complaint(tmp_path, name, data, options) == text


@pytest.mark.parametrize(
    ("name", "data", "use", "expected"),
    [
        (
            "c.csv",
            b"body,attributes\na,{x\nb\nc,{}\nd,1 2\n",
            "messages: {from: c.csv}",
            ["c.csv:3:1: this row has 1 column instead of 2"],
        ),
        (
            "c.csv",
            b"body,attributes\na,{x\nc,{}\nd,1 2\n",
            "messages: {from: c.csv}",
            [
                "c.csv:2:1: the text of `attributes` is no JSON: it stops being JSON at character 2",
                "c.csv:4:1: the text of `attributes` is no JSON: it stops being JSON at character 3",
            ],
        ),
        (
            "c.jsonl",
            b'{"body": 1\n\n{"body": "x"}\n]\n',
            "messages: {from: c.jsonl}",
            [
                "c.jsonl:1:1: this line is no JSON: it ends too early",
                "c.jsonl:4:1: this line is no JSON: it stops being JSON at character 1",
            ],
        ),
        (
            "c.json",
            b'{"list": [\n  {"key": "a"},\n  {"body": "x"},\n  {"body": "y"}\n]}',
            "messages: {from: c.json}",
            ["c.json:3:3: this row has no `key`", "c.json:4:3: this row has no `key`"],
        ),
        (
            "c.csv",
            b"id,name\n1,Ann\n2,Bob\n1,Cid\na/b,Dan\n2,Eve\n",
            "for_each: {file: c.csv, key: id}",
            [
                "c.csv:4:1: the key `1` is given twice; first at FOLDER/c.csv:2:1",
                "c.csv:5:1: its key cannot be part of an address: the text `a/b`",
                "c.csv:6:1: the key `2` is given twice; first at FOLDER/c.csv:3:1",
            ],
        ),
        (
            "c.json",
            b'{"a": {"n": 1},\n "b": {"n": 1}, "c": {}}',
            "for_each: {file: c.json, key: n}",
            [
                "c.json:2:7: the key `1` is given twice; first at FOLDER/c.json:1:7",
                "c.json:2:22: this item has no `n`",
            ],
        ),
    ],
)
def test_all_wrong_rows_are_named_where_they_stand(
    tmp_path: Path, name: str, data: bytes, use: str, expected: list[str]
) -> None:
    """Once each, however many conversations use the file."""
    (tmp_path / name).write_bytes(data)
    manifest = tmp_path / "m.yaml"
    manifest.write_text(
        "version: 1\nservices:\n  s:\n    conversations:\n      c: {" + use + "}\n      d: {" + use + "}\n",
        encoding="utf-8",
    )

    with pytest.raises(ManifestError) as caught:
        load([manifest])

    assert [
        f"{Path(one.path).name}:{one.line}:{one.column}: {one.text}".replace(str(tmp_path), "FOLDER")
        for one in caught.value.problems
    ] == expected


def test_all_unknown_columns_are_named_at_once(tmp_path: Path) -> None:
    """Also where only a later row has one; without a mapping each of them may be a mistake."""
    text = complaint(tmp_path, "c.jsonl", b'{"body": "a", "sid": 1}\n{"body": "b", "media": 2, "sid": 3}\n')

    assert text == (
        "`c.jsonl`, which has unknown columns: `sid`, `media` | columns are key, author, body, attributes, "
        "date_created, at; name others by `columns: {author: from, body: text}`"
    )


def test_a_column_of_a_fields_name_can_hold_another_field(tmp_path: Path) -> None:
    """What `columns` takes for one field is not read as the other, too."""
    data = b"at,key,author,text\n2026-01-05T09:00:00Z,ann,7,hi\n"

    (found,) = read(
        tmp_path, "c.csv", data, "columns: {date_created: at, author: key, key: author, body: text}"
    )

    assert (found.key, found.author, found.body, found.date_created) == (
        "7",
        "ann",
        "hi",
        "2026-01-05T09:00:00Z",
    )


def test_a_delimiter_in_a_quoted_name_is_none(tmp_path: Path) -> None:
    """The most columns win, and a comma where none makes any."""
    (found,) = read(tmp_path, "c.csv", b'key,"body"\na,"x;y;z"\n', "")

    assert (found.key, found.body) == ("a", "x;y;z")


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ('[\n  {"body": "a"},\n  {"body": "b",\n   "date_created": "05.01.2026"}\n]', "c.json:4:20"),
        (
            '{"count": 2,\n "comments": [{"body": "a"}, {"date_created": "05.01.2026", "body": "b"}]}',
            "c.json:2:47",
        ),
    ],
)
def test_a_wrong_value_in_json_has_its_own_place(tmp_path: Path, text: str, place: str) -> None:
    """Line and column are those of the value, and the line that is shown is the one that holds it."""
    with pytest.raises(ManifestError) as caught:
        read(tmp_path, "c.json", text.encode(), "")

    (problem,) = caught.value.problems
    assert f"{Path(problem.path).name}:{problem.line}:{problem.column}" == place
    assert "05.01.2026" in problem.snippet
