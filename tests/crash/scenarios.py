"""The plans under which processes are killed: what stood before, what is wanted, what must stand after."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Scenario:
    """One apply; *after* maps a conversation's unique name to the bodies that must stand in it at the end.

    *strangers* are bodies that others post to a conversation once *before* is applied. They also delete the
    messages with the indexes in *deleted*, let those in *joined* come and those in *left* go, and at last
    close the conversations in *closed*. In *unordered* conversations only the set of bodies counts. A file
    stands behind the body, in brackets with what is in it; *files* are beside the manifests, *files_before*
    at first. *people* and *states* are those at the end. *faults* are what the server always does. *last* is
    applied when all is over, and leaves none of *people*. If *rolled_back*, the state of before comes back
    after the kill, and no journal; a plain apply may then be refused, and one with the flags *again* brings
    the end about. What is *saved* is planned once, and that plan is
    applied, killed, and applied again.
    """

    name: str
    wanted: str
    after: dict[str, list[str]]
    before: str = ""
    strangers: dict[str, list[str]] = field(default_factory=dict)
    deleted: dict[str, list[int]] = field(default_factory=dict)
    joined: dict[str, list[str]] = field(default_factory=dict)
    left: dict[str, list[str]] = field(default_factory=dict)
    closed: tuple[str, ...] = ()
    unordered: frozenset[str] = frozenset()
    flags: tuple[str, ...] = ()
    files: dict[str, str] = field(default_factory=dict)
    files_before: dict[str, str] = field(default_factory=dict)
    people: dict[str, list[str]] = field(default_factory=dict)
    states: dict[str, str] = field(default_factory=dict)
    faults: tuple[str, ...] = ()
    last: str = ""
    rolled_back: bool = False
    again: tuple[str, ...] = ()
    saved: bool = False


CARD = "HX00000000000000000000000000000004"
"""A template with a picture."""


def manifest(**conversations: tuple[str, list[tuple[str, str]]]) -> str:
    """Return a manifest of one service; a conversation is its settings and (key, body) of its messages.

    A body that is in braces is the rest of a flow mapping instead.
    """
    lines = ["version: 1", "services:", "  desk:", "    conversations:"]
    for name, (settings, messages) in conversations.items():
        lines.append(f"      {name}:")
        lines += [f"        {setting}" for setting in settings.split("; ") if setting]
        lines.append("        messages:")
        lines += [
            f"          - {{key: {key}, {body[1:]}"
            if body[0] == "{"
            else f'          - {{key: {key}, body: "{body}"}}'
            for key, body in messages
        ]
    return "\n".join(lines) + "\n"


def same(count: int, body: str = "Hello", start: int = 0) -> list[tuple[str, str]]:
    """Return messages that say the same."""
    return [(f"same-{number}", body) for number in range(start, start + count)]


NAMING = """\
version: 1
services:
  desk:
    conversations:
      a:
        friendly_name: Behind it is ${service.back.sid}
        messages:
          - {key: one, body: Hello, attributes: {back: "${service.back.sid}"}}
          - {key: two, body: Hello, attributes: {back: "${service.back.sid}"}}
          - {key: three, body: Hello}
  back:
    conversations:
      b:
        messages:
          - {key: one, body: "1", author: "${service.desk.sid}"}
          - {key: two, body: "2"}
"""
DEMO = manifest(
    a=(
        "unmanaged: delete; participants: [{identity: alice}, {identity: bob}]",
        [("one", "1"), *same(2), ("two", "2")],
    ),
    b=("unmanaged: delete; participants: [{identity: alice}]", [("x", "Hello"), ("y", "Y"), ("z", "Hello")]),
    c=("unmanaged: delete; state: inactive", [("k1", "K"), ("k2", "K")]),
)
SCENARIOS = (
    Scenario(
        "first-apply",
        wanted=manifest(
            a=("friendly_name: The first", [("one", "1"), *same(3), ("two", "2")]),
            b=("", [("x", "X"), ("y", "Y"), ("z", "Z")]),
        ),
        after={"a": ["1", "Hello", "Hello", "Hello", "2"], "b": ["X", "Y", "Z"]},
    ),
    Scenario(
        "identical-neighbours",
        before=manifest(a=("", same(2))),
        strangers={"a": ["Hello", "Hello"]},
        wanted=manifest(a=("", [*same(6), ("end", "Bye"), *same(2, "Bye", 7)])),
        after={"a": ["Hello"] * 8 + ["Bye"] * 3},
        flags=("--duplicate",),
    ),
    Scenario(
        "strict",
        before=manifest(
            a=("order: strict", [("m1", "1"), ("m2", "2"), ("m3", "Hello"), ("m4", "Hello"), ("m5", "5")]),
            b=("", [("u1", "old"), ("u2", "stays"), ("u3", "goes")]),
        ),
        wanted=manifest(
            a=(
                "order: strict",
                [("m1", "one"), ("new", "Hello"), ("m3", "Hello"), ("m2", "2"), ("m4", "Hello")],
            ),
            b=("", [("u1", "new"), ("u2", "stays"), ("u4", "comes")]),
        ),
        after={"a": ["one", "Hello", "Hello", "2", "Hello"], "b": ["new", "stays", "comes"]},
        flags=("--max-delete", "100%"),
    ),
    Scenario(
        "any-order",
        before=manifest(a=("order: any", [("m1", "1")])),
        wanted=manifest(
            a=("order: any", [("m1", "1"), *same(4), ("m2", "2")]),
            b=("order: any", [*same(3), ("m3", "3")]),
        ),
        after={"a": ["1", *["Hello"] * 4, "2"], "b": ["Hello", "Hello", "Hello", "3"]},
        unordered=frozenset({"a", "b"}),
    ),
    Scenario(
        "parents-go-and-come",
        before=manifest(
            a=("friendly_name: Old name", [("m1", "1"), ("m2", "2")]),
            b=("", [("n1", "N1"), ("n2", "N2")]),
        ),
        strangers={"a": ["adopted", "not ours"]},
        wanted=manifest(
            a=("friendly_name: New name", [("m1", "1"), ("renamed", "2"), ("m3", "adopted"), ("m4", "4")]),
            c=("", [("k1", "K"), ("k2", "K")]),
        ),
        after={"a": ["1", "2", "adopted", "not ours", "4"], "c": ["K", "K"]},
        flags=("--adopt", "--max-delete", "10"),
    ),
    Scenario(
        "services-name-each-other",
        wanted=NAMING,
        after={"a": ["Hello", "Hello", "Hello"], "b": ["1", "2"]},
    ),
    Scenario(
        "pictures",
        files={"car.png": "a car", "map.png": "a map"},
        wanted=manifest(
            a=(
                "participants: [{identity: alice}, {identity: bob}]; state: inactive",
                [
                    ("hello", "Hello"),
                    ("car", "{media: {file: car.png}}"),
                    ("again", "{media: {file: car.png}, body: Hello}"),
                    ("map", "{media: {file: map.png}, body: Hello}"),
                    ("card", f"{{content_sid: {CARD}, content_variables: {{'1': x}}}}"),
                    ("bye", "Hello"),
                ],
            ),
        ),
        after={
            "a": [
                "Hello",
                "[a car]",
                "Hello [a car]",
                "Hello [a map]",
                "Your parcel x is at the door. [parcel.png]",
                "Hello",
            ]
        },
        people={"a": ["alice", "bob"]},
        states={"a": "inactive"},
    ),
    Scenario(
        "changed-pictures",
        files_before={"car.png": "a car", "map.png": "a map"},
        before=manifest(
            a=(
                "participants: [{identity: alice}]",
                [
                    ("car", "{media: {file: car.png}}"),
                    ("map", "{media: {file: map.png}, body: Here}"),
                    ("same", "{media: {file: map.png}}"),
                ],
            ),
        ),
        files={"car.png": "a new car", "map.png": "a map"},
        wanted=manifest(
            a=(
                "participants: [{identity: bob}]; state: closed",
                [
                    ("car", "{media: {file: car.png}}"),
                    ("map", "{media: {file: map.png}, body: There}"),
                    ("same", "{media: {file: map.png}}"),
                ],
            ),
        ),
        after={"a": ["[a map]", "[a new car]", "There [a map]"]},
        people={"a": ["bob"]},
        states={"a": "closed"},
        flags=("--allow-close", "--max-delete", "100%"),
    ),
    Scenario(
        "slow-replica",
        before=manifest(b=("", [("n1", "N1")])),
        wanted=manifest(
            a=("participants: [{identity: alice}]", [("one", "1"), *same(2), ("two", "2")]),
            b=("", [("n1", "N1"), ("n2", "N2"), *same(2)]),
        ),
        after={"a": ["1", "Hello", "Hello", "2"], "b": ["N1", "N2", "Hello", "Hello"]},
        people={"a": ["alice"]},
        faults=("list_*:stale=0.1", "fetch_conversation:stale=0.1"),
    ),
    Scenario(
        "tidy-server",
        before=manifest(a=("", [("first", "0\\n"), ("old", "old\\n")])),
        wanted=manifest(
            a=(
                "",
                [
                    ("first", "0\\n"),
                    ("old", "new\\r\\n"),
                    ("one", "1\\n"),
                    ("two", " 2"),
                    ("bye", "e\\u0301"),
                ],
            ),
            b=("order: any", [("x", "X\\n"), ("y", "Y\\r\\nY"), ("z", "Z")]),
        ),
        after={"a": ["0", "new", "1", "2", "\u00e9"], "b": ["X", "Y\nY", "Z"]},
        unordered=frozenset({"b"}),
        faults=("create_message:tidy_text", "update_message:tidy_text"),
    ),
    Scenario(
        "people",
        before=manifest(
            a=("participants: [{identity: alice}, {key: agent, identity: bob}]", [("m1", "1")]),
        ),
        wanted=manifest(
            a=("participants: [{key: agent, identity: dora}, {identity: carol}]", [("m1", "1"), ("m2", "2")]),
            b=("participants: [{identity: alice}, {identity: erin}]", [("n1", "N")]),
        ),
        after={"a": ["1", "2"], "b": ["N"]},
        people={"a": ["carol", "dora"], "b": ["alice", "erin"]},
        last=manifest(a=("", [("m1", "1"), ("m2", "2")]), b=("", [("n1", "N")])),
    ),
    Scenario(
        "replaced-and-rolled-back",
        files_before={"car.png": "a car"},
        before=manifest(
            a=("order: strict", [("m1", "1"), ("m2", "2"), ("m3", "Hello"), ("m4", "Hello")]),
            b=("", [("car", "{media: {file: car.png}}"), ("bye", "Bye")]),
        ),
        files={"car.png": "a new car"},
        wanted=manifest(
            a=("order: strict", [("m1", "1"), ("n", "Hello"), ("m2", "2"), ("m3", "Hello"), ("m4", "Hello")]),
            b=("", [("car", "{media: {file: car.png}}"), ("bye", "Bye")]),
        ),
        after={"a": ["1", "Hello", "2", "Hello", "Hello"], "b": ["Bye", "[a new car]"]},
        flags=("--max-delete", "100%", "--allow-recreate"),
        rolled_back=True,
        again=("--adopt",),
    ),
    Scenario(
        "reset",
        before=DEMO,
        strangers={"a": ["typed", "Hello"], "b": ["typed", "Y"]},
        deleted={"a": [0], "b": [0]},
        joined={"a": ["zoe"], "b": ["zoe"]},
        left={"a": ["bob"], "b": ["alice"]},
        closed=("a", "c"),
        wanted=DEMO,
        after={"a": ["1", "Hello", "Hello", "2"], "b": ["Hello", "Y", "Hello"], "c": ["K", "K"]},
        people={"a": ["alice", "bob"], "b": ["alice"]},
        states={"c": "inactive"},
        flags=("--reset",),
    ),
)
