"""The state file: what it looks like, and the ways in which a file can be unusable.

Cases: round trip, one binding a line, every released format, the schema; empty, newer, damaged
(cut short, no JSON, wrong types, unknown fields), no state at all.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest

from reconciler.errors import StateError
from reconciler.state.document import FORMAT_VERSION, decode, decode_lines, encode, state_schema
from reconciler.state.model import OpenPlan, State
from reconciler.state.remembered import Binding, InFlight, Intent

ROOT = Path(__file__).parents[3]
MISFIT = "not what is expected there (msgspec says "
MISFITS: tuple[dict[str, Any], ...] = (
    {"serial": "7"},
    {"serial": -1},
    {"format_version": "1"},
    {"format_version": True},
    {"lineage": ""},
    {"invented": 1},
    {"bindings": []},
)
LINEAGE = "5f0c8a3b9d2e4f6071829304a5b6c7d8"


def full_state() -> State:
    """Return a state in which every field of every part is set."""
    return State(
        lineage=LINEAGE,
        account_sid="AC0123456789abcdef0123456789abcdef",
        origin="https://conversations.twilio.com",
        environment="production",
        serial=7,
        bindings={
            "support/order-1/welcome": Binding(
                sid="IM1",
                service_sid="IS1",
                conversation_sid="CH1",
                index=4,
                sent={"body": "0" * 32},
                observed={"body": "1" * 32},
                superseded=("IM0",),
                released=True,
                imported=True,
            ),
            "support/order-1": Binding(sid="CH1", service_sid="IS1", created=True),
        },
        in_flight={
            "support/order-1": InFlight(
                boundary=4,
                creates={"support/order-1/z": "2" * 32, "support/order-1/a": "3" * 32},
                tolerant={"support/order-1/z": ("5" * 32, "6" * 32)},
                dates={"support/order-1/z": "9" * 32},
                participants={"support/order-1/participants/alice": "a" * 32},
                service_sid="IS1",
                conversation_sid="CH1",
                webhooks=True,
                opened_at="2026-01-05T09:00:00Z",
                clock_at="2026-01-05T09:00:01Z",
            )
        },
        intents={
            "support/order-1/lost": Intent(
                address="support/order-1/lost",
                service_sid="IS1",
                conversation_sid="CH1",
                boundary=4,
                match="4" * 32,
                tolerant="7" * 32,
                author="8" * 32,
                date="b" * 32,
                webhooks=True,
                name="order-1",
                known=("CH0",),
                opened_at="2026-01-05T09:00:00Z",
                clock_at="2026-01-05T09:00:01Z",
            )
        },
        used_plans=["plan-1", "plan-2"],
        open_plan=OpenPlan("plan-3", 7, [0, 2]),
    )


def document(**changes: Any) -> bytes:
    """Return a valid state file with some members changed."""
    members = json.loads(encode(full_state(), 7)) | changes
    return json.dumps(members).encode()


def refusal(data: bytes) -> StateError:
    """Return the error that *data* is refused with."""
    with pytest.raises(StateError) as caught:
        decode(data, "s.json")
    return caught.value


def test_a_state_survives_its_file() -> None:
    """What is written is what is read."""
    assert decode(encode(full_state(), 7), "s.json") == full_state()


def many(count: int) -> State:
    """Return a state of *count* messages whose parents and digests repeat."""
    state = full_state()
    for number in range(count):
        sent = {"author": "0" * 32, "body": f"{number:032}"}
        state.bindings[f"support/order-1/m{number}"] = Binding(f"IM{number}", "IS1", "CH1", number, sent)
    return state


@pytest.mark.parametrize("count", [0, 1, 997, 998, 999, 2500])
def test_line_by_line_the_same_state_is_read(count: int) -> None:
    """Wherever the lines are cut into portions, nothing is lost or added."""
    data = encode(many(count), 7)

    assert decode_lines(data.splitlines(keepends=True)) == decode(data, "s.json")


def test_line_by_line_equal_texts_are_one() -> None:
    """Sids of parents and digests of values that repeat take their memory once."""
    state = decode_lines(encode(many(2), 7).splitlines(keepends=True))

    assert state is not None
    one, two = state.bindings["support/order-1/m0"], state.bindings["support/order-1/m1"]
    assert one.conversation_sid is two.conversation_sid
    assert one.sent["author"] is two.sent["author"]


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda data: json.dumps(json.loads(data)).encode(), id="one line"),
        pytest.param(lambda data: json.dumps(json.loads(data), indent=2).encode(), id="laid out by another"),
        pytest.param(lambda data: data[: len(data) // 2], id="cut short"),
        pytest.param(lambda data: data[: -len(b"}\n")], id="last line lost"),
        pytest.param(lambda data: data + b"{}\n", id="something behind"),
        pytest.param(lambda data: data.replace(b'"}},\n', b'"}}\n', 1), id="comma lost"),
        pytest.param(lambda data: data.replace(b"\n  }\n}", b",\n  }\n}"), id="comma too many"),
        pytest.param(lambda data: data.replace(b'": %d,' % FORMAT_VERSION, b'": 99,', 1), id="newer"),
        pytest.param(lambda _: b"", id="empty"),
    ],
)
def test_line_by_line_only_what_was_written_here_is_read(change: Callable[[bytes], bytes]) -> None:
    """All else is for `decode` to read or to refuse."""
    data = encode(many(1500), 7)
    assert change(data) != data

    assert decode_lines(change(data).splitlines(keepends=True)) is None


def test_the_serial_is_that_of_the_snapshot() -> None:
    """The caller counts snapshots; the state in memory is not changed by encoding it."""
    state = full_state()

    assert decode(encode(state, 8), "s.json").serial == 8
    assert state.serial == 7


def test_one_binding_stands_on_one_line_in_order_of_address() -> None:
    """Two states compare well with `git diff`, however they came about."""
    lines = encode(full_state(), 7).decode().splitlines()

    assert [line.split(":")[0].strip() for line in lines[-5:]] == [
        '"bindings"',
        '"support/order-1"',
        '"support/order-1/welcome"',
        "}",
        "}",
    ]


def test_creates_in_flight_keep_the_order_in_which_they_are_sent() -> None:
    """Sorting is for bindings only: settling pairs creates with messages by their order."""
    state = decode(encode(full_state(), 7), "s.json")

    assert list(state.in_flight["support/order-1"].creates) == ["support/order-1/z", "support/order-1/a"]


def as_version_1() -> State:
    """Return the state in which every field is set that the first format knew."""
    state = full_state()
    state.environment = ""
    state.open_plan = None
    at, lost = "support/order-1", "support/order-1/lost"
    state.in_flight[at] = msgspec.structs.replace(
        state.in_flight[at], tolerant={}, dates={}, participants={}, clock_at=""
    )
    state.intents[lost] = msgspec.structs.replace(
        state.intents[lost], tolerant="", author="", date="", clock_at=""
    )
    return state


def as_version_2() -> State:
    """Return what a file of version 2 says: it has no environment."""
    state = full_state()
    state.environment = ""
    return state


FORMATS: dict[int, Callable[[], State]] = {1: as_version_1, 2: as_version_2, 3: full_state}


@pytest.mark.parametrize("version", FORMATS)
def test_every_format_so_far_still_loads(version: int) -> None:
    """A file of any earlier version is read as what it meant then."""
    path = Path(__file__).parent / "state_formats" / f"v{version}.json"

    assert decode(path.read_bytes(), str(path)) == FORMATS[version]()


def test_each_format_version_has_its_file() -> None:
    """Nobody raises the format version without keeping a file of it."""
    kept = {path.stem for path in (Path(__file__).parent / "state_formats").glob("*.json")}

    assert kept == {f"v{version}" for version in FORMATS} == {f"v{n + 1}" for n in range(FORMAT_VERSION)}


def test_the_committed_schema_is_the_generated_one() -> None:
    """`schemas/state.schema.json` never lags behind the code."""
    assert json.loads((ROOT / "schemas" / "state.schema.json").read_text()) == state_schema()


def test_the_schema_accepts_what_is_written() -> None:
    """The schema describes the real file."""
    validator = jsonschema.Draft202012Validator(state_schema())

    validator.validate(json.loads(encode(full_state(), 7)))


def test_every_member_of_the_schema_is_described() -> None:
    """An editor shows what each member means."""
    definitions = state_schema()["$defs"]

    assert all(member["description"] for member in definitions["Document"]["properties"].values())
    assert all(definition["description"] for definition in definitions.values())


@pytest.mark.parametrize("data", [b"", b" \n\t", b"\0" * 4096], ids=["nothing", "white space", "zero bytes"])
def test_an_empty_file_is_said_to_be_empty(data: bytes) -> None:
    """Zero bytes are what a power failure can leave of a file that others wrote."""
    error = refusal(data)

    assert error.text == "the state `s.json` is empty"
    assert "`s.json.backup`" in str(error.hint)


@pytest.mark.parametrize(
    "data",
    [
        document(format_version=FORMAT_VERSION + 1),
        b'{"format_version": 99, "lineage": {"shape": "unheard of"}}',
        document(format_version=FORMAT_VERSION + 1, bindings=[], invented=1),
    ],
    ids=["same shape", "another shape", "new members"],
)
def test_a_newer_format_asks_for_an_upgrade(data: bytes) -> None:
    """The version is judged before the shape, which may well have changed."""
    error = refusal(data)

    assert "made by a newer release (format version " in error.text
    assert error.text.endswith(f"; this release reads {FORMAT_VERSION})")
    assert error.hint == "upgrade reconciler"


@pytest.mark.parametrize(
    ("data", "detail"),
    [
        (encode(full_state(), 7)[:-20], "it ends too early, in line 19"),
        (
            encode(full_state(), 7).replace(b'"origin":', b"<<<<<<< ours"),
            "it stops being JSON at line 7, column 3",
        ),
        *((document(**change), f"it is {MISFIT}") for change in MISFITS),
        (document(bindings={"a/b/c": {"sid": 1}}), f"`a/b/c` in `bindings` is {MISFIT}"),
        (document(intents={"a/b/c": 3}), f"`a/b/c` in `intents` is {MISFIT}"),
        (document().replace(b"support/order-1", b"\xff", 1), "it stops being UTF-8 at byte "),
    ],
)
def test_a_damaged_file_says_where(data: bytes, detail: str) -> None:
    """The line or the entry that is wrong is named, and the way back."""
    error = refusal(data)

    assert error.text.startswith("the state `s.json` is damaged: ")
    assert detail in error.text
    assert "the damaged file was left as it is" in str(error.hint)


@pytest.mark.parametrize(
    "data",
    [
        b"version: 1\nservices: {}\n",
        b'{"name": "package", "version": "1.0.0"}',
        b'{"version": 4, "terraform_version": "1.9.0", "serial": 1, "lineage": "x", "resources": []}',
        b'{"format_version": "1.2", "applyable": true, "state": {"lineage": "x", "serial": 7}}',
        b"[]",
        b"\x89PNG\r\n",
    ],
    ids=["manifest", "package.json", "terraform", "saved plan", "array", "binary"],
)
def test_another_file_is_said_to_be_no_state(data: bytes) -> None:
    """A mistyped `--state` is not called damage."""
    error = refusal(data)

    assert error.text == "`s.json` is no state of reconciler"
    assert str(error.hint).startswith("correct `--state`")


@pytest.mark.parametrize(
    ("encoding", "name"),
    [
        ("utf-8-sig", "UTF-8 with a byte order mark"),
        ("utf-16", "UTF-16"),
        ("utf-16-le", "UTF-16 without a byte order mark"),
        ("utf-32", "UTF-32"),
    ],
)
def test_a_state_in_another_encoding_is_named(encoding: str, name: str) -> None:
    """As some shells and editors write it: what is in it is no damage."""
    error = refusal(document().decode().encode(encoding))

    assert error.text == f"`s.json` is {name}; a state is plain UTF-8"
    assert str(error.hint).startswith("save it as UTF-8 without a byte order mark")


@pytest.mark.parametrize("before", [b"", b'{\n  "format_version": 3,\n'], ids=["whole", "inside"])
def test_a_conflict_of_git_is_damage(before: bytes) -> None:
    """Wherever it begins, its first line is named."""
    data = before + b"<<<<<<< HEAD\n" + document() + b"=======\n" + document() + b">>>>>>> theirs\n"

    line = before.count(b"\n") + 1
    assert refusal(data).text == (
        f"the state `s.json` is damaged: git left the marks of a conflict in it, from line {line} on"
    )


def test_deep_nesting_is_refused() -> None:
    """A file made to exhaust the stack gives the same kind of error."""
    assert "is damaged" in refusal(b'{"format_version": 1, "x": ' + b"[" * 100_000).text


def test_long_foreign_text_is_cut() -> None:
    """An address that is no address does not flood the terminal."""
    assert len(refusal(document(bindings={"x" * 10_000: 1})).text) < 600
