"""`for_each`, `defaults` and `templates`; the mistakes are in `test_manifest_broken`."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

import pytest

from reconciler.errors import ManifestError
from reconciler.manifest.inputs import Inputs
from reconciler.manifest.limits import Limits
from reconciler.manifest.load import load
from reconciler.model import Conversation, Desired, Order, Unmanaged, is_address, matches


def write(folder: Path, name: str, text: str) -> Path:
    """Write a file and return its path."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def conversations(desired: Desired) -> dict[str, Conversation]:
    """Return all conversations by name."""
    return {one.name: one for service in desired.services for one in service.conversations}


def fan_out(folder: Path, for_each: str, inputs: Inputs | None = None) -> dict[str, str | None]:
    """Return the friendly name of each conversation that *for_each* makes."""
    path = write(
        folder,
        "m.yaml",
        f"""\
version: 1
variables: {{people: {{type: map, default: {{}}}}}}
services:
  s:
    conversations:
      order:
        for_each: {for_each}
        friendly_name: ${{each.key}} is ${{each.value}}
""",
    )
    found = conversations(load([path], inputs or Inputs()))
    return {name: one.friendly_name for name, one in found.items()}


@pytest.mark.parametrize(
    ("for_each", "made"),
    [
        ("[a, 2]", {"order[a]": "a is a", "order[2]": "2 is 2"}),
        ("{a: x, b: y}", {"order[a]": "a is x", "order[b]": "b is y"}),
        ("[]", {}),
        ('"${var.people}"', {"order[ann@example.com]": "ann@example.com is Ann"}),
        ("{file: map.json}", {"order[a]": "a is 1"}),
        ("{file: list.json}", {"order[x]": "x is x"}),
        ("{file: lines.jsonl}", {"order[7]": "7 is 7"}),
    ],
)
def test_one_conversation_for_each_item(tmp_path: Path, for_each: str, made: dict[str, str]) -> None:
    """The key becomes part of the name, so an address stays the same when others come and go."""
    write(tmp_path, "map.json", '{"a": 1}')
    write(tmp_path, "list.json", '["x"]')
    write(tmp_path, "lines.jsonl", "7\n\n")

    assert fan_out(tmp_path, for_each, Inputs(values={"people": {"ann@example.com": "Ann"}})) == made


def test_rows_of_a_csv_file_are_mappings_of_texts(tmp_path: Path) -> None:
    """The first line names the fields; quotes hold commas and line breaks; a byte order mark is no text."""
    write(tmp_path, "c.csv", '\ufeffid,full name\n007,"Ann, A."\n8,"two\nlines"\n')
    text = """\
version: 1
services:
  s:
    conversations:
      order: {for_each: {file: c.csv, key: id}, friendly_name: "${each.value.full name}"}
"""

    found = conversations(load([write(tmp_path, "m.yaml", text)]))

    assert {name: one.friendly_name for name, one in found.items()} == {
        "order[007]": "Ann, A.",
        "order[8]": "two\nlines",
    }


def test_the_name_with_its_key_is_the_unique_name(tmp_path: Path) -> None:
    """Unless one is given, with or without the item."""
    text = """\
version: 1
services:
  s:
    conversations:
      a: {for_each: [x]}
      b: {for_each: [x], unique_name: "b-${each.key}"}
"""

    found = conversations(load([write(tmp_path, "m.yaml", text)]))

    assert [one.unique_name for one in found.values()] == ["a[x]", "b-x"]


def test_a_message_for_each_item_inside_a_conversation_for_each_item(tmp_path: Path) -> None:
    """The inner item is `each`; the outer one says what the inner ones are."""
    text = """\
version: 1
services:
  s:
    conversations:
      order:
        for_each: {ann: {steps: [paid, sent]}, bob: {steps: []}}
        messages:
          - {key: hello, body: "Hello ${each.key}"}
          - {key: step, for_each: "${each.value.steps}", body: "${each.value}"}
"""

    found = conversations(load([write(tmp_path, "m.yaml", text)]))

    assert [[(m.key, m.body) for m in one.messages] for one in found.values()] == [
        [("hello", "Hello ann"), ("step[paid]", "paid"), ("step[sent]", "sent")],
        [("hello", "Hello bob")],
    ]


def test_the_innermost_default_fills_in_what_is_not_said(tmp_path: Path) -> None:
    """File, service, conversation: each fills in fields as a whole; what a message says stands."""
    text = """\
version: 1
defaults: {author: file, attributes: {from: file}, order: strict, subject: s}
services:
  s:
    defaults: {author: service, unmanaged: delete}
    conversations:
      a:
        defaults: {author: conversation, webhooks: true}
        messages:
          - {key: a, body: x}
          - {key: b, body: x, author: own, attributes: {}, webhooks: false}
      b:
        order: any
        messages: [{key: a, body: x}]
  t: {conversations: {c: {}}}
"""

    found = conversations(load([write(tmp_path, "m.yaml", text)]))

    assert [(one.order, one.unmanaged) for one in found.values()] == [
        (Order.STRICT, Unmanaged.DELETE),
        (Order.ANY, Unmanaged.DELETE),
        (Order.STRICT, Unmanaged.KEEP),
    ]
    assert [
        (m.author, m.attributes, m.subject, m.webhooks) for one in found.values() for m in one.messages
    ] == [
        ("conversation", '{"from":"file"}', "s", True),
        ("own", "{}", "s", False),
        ("service", '{"from":"file"}', "s", False),
    ]


def test_defaults_are_of_their_file_alone(tmp_path: Path) -> None:
    """Another file's conversations do not change because of them."""
    write(
        tmp_path, "a.yaml", "version: 1\ndefaults: {order: strict}\nservices: {s: {conversations: {a: {}}}}\n"
    )
    write(tmp_path, "b.yaml", "version: 1\nservices: {s: {conversations: {b: {}}}}\n")

    assert [one.order for one in conversations(load([tmp_path])).values()] == [Order.STRICT, Order.APPEND]


def test_a_template_stands_among_other_messages(tmp_path: Path) -> None:
    """Its messages come where it is used, with the defaults and the item of that place."""
    write(
        tmp_path,
        "templates.yaml",
        "version: 1\ntemplates: {hello: [{key: hello, body: 'Hi ${each.key}'}, {key: how, body: How}]}\n",
    )
    text = """\
version: 1
services:
  s:
    conversations:
      order:
        for_each: [ann]
        defaults: {author: bot}
        messages:
          - {key: first, body: x}
          - use: hello
          - {key: last, body: x}
      short: {for_each: [bob], messages: {use: hello}}
"""

    found = conversations(load([write(tmp_path, "m.yaml", text), tmp_path / "templates.yaml"]))

    assert [[(m.key, m.author, m.body) for m in one.messages] for one in found.values()] == [
        [
            ("first", "bot", "x"),
            ("hello", "bot", "Hi ann"),
            ("how", "bot", "How"),
            ("last", "bot", "x"),
        ],
        [("hello", None, "Hi bob"), ("how", None, "How")],
    ]


def test_lines_are_those_of_the_file_that_an_annotation_names(tmp_path: Path) -> None:
    """A message of a template of another file has the line where it is used."""
    templates = "version: 1\ntemplates:\n  hello:\n    - {key: a, body: x}\n"
    write(tmp_path, "t.yaml", templates)
    text = f"""\
{templates}services:
  s:
    conversations:
      near: {{messages: {{use: hello}}}}
"""
    other = """\
version: 1
services:
  s:
    conversations:
      far:
        messages:
          - {key: own, body: x}
          - use: hello
"""

    near = load([write(tmp_path, "near.yaml", text)]).services[0].conversations[0]
    far = load([write(tmp_path, "far.yaml", other), tmp_path / "t.yaml"]).services[0].conversations[0]

    assert [one.line for one in near.messages] == [4]
    assert [one.line for one in far.messages] == [7, 8]


def test_a_file_of_a_template_lies_beside_the_template(tmp_path: Path) -> None:
    """The path is relative to the manifest that says it, wherever the template is used."""
    write(tmp_path, "shared/car.jpg", "a car")
    write(tmp_path, "shared/t.yaml", "version: 1\ntemplates: {photo: [{key: a, media: {file: car.jpg}}]}\n")
    write(
        tmp_path, "desk/m.yaml", "version: 1\nservices: {s: {conversations: {c: {messages: {use: photo}}}}}\n"
    )

    (message,) = conversations(load([tmp_path]))["c"].messages

    assert message.file is not None
    assert message.file.path == str(tmp_path / "shared" / "car.jpg")


def test_participants_and_sids_can_be_those_of_an_item(tmp_path: Path) -> None:
    """Every text of a conversation may refer; attributes keep types in participants too."""
    sid = f"CH{'0' * 32}"
    text = f"""\
version: 1
services:
  s:
    conversations:
      order:
        for_each: {{ann: {{sid: {sid}, age: 7}}}}
        sid: ${{each.value.sid}}
        participants: [{{identity: "${{each.key}}", attributes: {{age: "${{each.value.age}}"}}}}]
"""

    (one,) = conversations(load([write(tmp_path, "m.yaml", text)])).values()

    assert (one.sid, one.participants[0].identity, one.participants[0].attributes) == (
        sid,
        "ann",
        '{"age":7}',
    )


def test_too_many_messages_are_refused_not_made(tmp_path: Path) -> None:
    """A small manifest cannot fill the memory."""
    text = """\
version: 1
services:
  s:
    conversations:
      order:
        for_each: [a, b, c]
        messages: [{key: m, for_each: [x, y], body: x}]
"""

    with pytest.raises(ManifestError) as caught:
        load([write(tmp_path, "m.yaml", text)], Inputs(limits=Limits(messages=5)))

    (problem,) = caught.value.problems
    assert problem.text.startswith("`key` of message `m` stands for more than 5 messages in all")


@pytest.mark.parametrize(
    ("address", "is_one"),
    [
        ("support/order[4711]/welcome", True),
        ("support/order[ann@example.com]/step[+1:2]", True),
        ("support/order[]/welcome", False),
        ("support/order[a/b]", False),
        ("support/[a]", False),
        ("support/order[a][b]", False),
        ("support/order[a]/participants/ann", True),
    ],
)
def test_an_address_may_have_keys(address: str, *, is_one: bool) -> None:
    """A name, and at most one key in brackets."""
    assert is_address(address) is is_one


@pytest.mark.parametrize(
    ("glob", "does"),
    [
        ("support/order[4711]/*", True),
        ("support/order[[]4711]/*", False),
        ("support/order[*]/welcome", True),
        ("support/order[4?11]/welcome", True),
        ("support/order4/welcome", False),
        ("support/order[47]/*", False),
    ],
)
def test_brackets_of_a_glob_are_those_of_the_address(glob: str, *, does: bool) -> None:
    """An address can be copied into `--target` as it is."""
    assert matches("support/order[4711]/welcome", glob) is does


def calls_for(folder: Path, rows: int) -> int:
    """Return how many calls Python makes to load a template over *rows* rows."""
    write(folder, "c.csv", "id,name\n" + "".join(f"{number},Name {number}\n" for number in range(rows)))
    text = """\
version: 1
services:
  s:
    conversations:
      order:
        for_each: {file: c.csv, key: id}
        messages:
          - {key: a, author: "${each.value.name}", body: "I am ${each.value.name}"}
          - {key: b, body: "Hello ${each.value.name}", attributes: {id: "${each.key}"}}
          - {key: c, body: Bye}
"""
    path = write(folder, "m.yaml", text)
    calls = Counter[str]()
    sys.setprofile(lambda _frame, event, _argument: calls.update((event,)))
    try:
        made = load([path])
    finally:
        sys.setprofile(None)
    assert len(conversations(made)) == rows
    return calls["call"]


def test_the_work_for_a_row_is_the_same_for_many(tmp_path: Path) -> None:
    """Ten times the rows of a template take at most ten times the calls, and fewer than 250 for a row."""
    calls_for(tmp_path, 1)  # what is made once, and kept
    few, many = calls_for(tmp_path, 100), calls_for(tmp_path, 1000)

    assert many <= 10 * few
    assert many < 250 * 1000
