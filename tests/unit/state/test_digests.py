"""What the files of a run give away of sensitive values: nothing that is found by trying all of them."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from reconciler.resources.match import AUTHOR, MATCH, TOLERANT, match_text, tolerant_text
from reconciler.state.digests import Digests, field_digest, is_hard
from reconciler.state.document import encode
from reconciler.state.model import Bound, Opened, State
from reconciler.state.remembered import Binding, Intent
from tests.support.desk import Desk, conversation

CODE = "4711"
VARIABLE = f"version: 1\nvariables: {{code: {{sensitive: true, default: '{CODE}'}}}}\n"
FIELDS = {
    "author": "{key: a, author: 'user ${var.code}', body: Hello}",
    "body": "{key: a, body: '${var.code}'}",
    "attributes": "{key: a, body: Hello, attributes: {pin: '${var.code}'}}",
    "subject": "{key: a, body: Hello, subject: 'Pin ${var.code}'}",
}
LOST = ("create_message:1:reset_after", "list_messages:every=1:400")


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """An emulator with nothing in it."""
    with Desk(tmp_path) as made:
        yield made


def manifest(*messages: str, settings: str = "") -> str:
    """Return a manifest of one conversation with a sensitive variable."""
    return conversation(*messages, settings=settings).replace("version: 1\n", VARIABLE)


def texts(code: str) -> Iterator[tuple[str, str]]:
    """Yield what the digests of the messages above would be of, were the code this one."""
    created: dict[str, dict[str, str]] = {
        "author": {"author": f"user {code}", "body": "Hello"},
        "body": {"body": code},
        "attributes": {"body": "Hello", "attributes": f'{{"pin":"{code}"}}'},
        "subject": {"subject": f"Pin {code}"},
    }
    for name, fields in created.items():
        yield name, fields[name]
        yield MATCH, match_text(fields)
        yield TOLERANT, tolerant_text(fields)
    yield AUTHOR, f"user {code}"
    yield "friendly_name", f"Room {code}"


def guessed(lineage: str, *files: bytes) -> set[str]:
    """Return the codes that are found by trying all of four digits against every digest in *files*."""
    known = {found.decode() for data in files for found in re.findall(rb"[0-9a-f]{32}", data)}
    return {
        code
        for code in (f"{number:04}" for number in range(4700, 4720))
        if not known.isdisjoint(field_digest(lineage, *text) for text in texts(code))
    }


def everything(desk: Desk) -> list[bytes]:
    """Return every file of the state."""
    return [path.read_bytes() for path in desk.folder.glob("reconciler.state.json*")]


def counted(monkeypatch: pytest.MonkeyPatch, told: Callable[[int], None]) -> list[bytes]:
    """Return what is given to scrypt from now on; *told* hears how much that is."""
    made: list[bytes] = []
    scrypt: Callable[..., bytes] = hashlib.scrypt

    def watched(password: bytes, **given: Any) -> bytes:
        made.append(password)
        told(len(made))
        return scrypt(password, **given)

    monkeypatch.setattr(hashlib, "scrypt", watched)
    return made


def softened(desk: Desk, wanted: str) -> None:
    """Put the digests of an older release into the state: plain ones, also of what is sensitive."""
    state = desk.state
    message = desk.desired(wanted).services[0].conversations[0].messages[0]
    binding = state.bindings["desk/c/a"]
    sent = {name: state.digest(name, getattr(message, name)) for name in binding.sent}
    assert any(map(is_hard, binding.sent.values()))
    state.bindings["desk/c/a"] = msgspec.structs.replace(binding, sent=sent)
    desk.state_path.write_bytes(encode(state, state.serial))


@pytest.mark.parametrize("name", FIELDS)
def test_no_code_is_found_by_trying(desk: Desk, name: str) -> None:
    """Neither in the state, nor in its backup, nor in a saved plan that changes, replaces or deletes it."""
    wanted = manifest(FIELDS[name], settings="friendly_name: 'Room ${var.code}'")
    plans = [desk.save(wanted)]
    lineage = field_of(plans[0], "lineage")
    desk.apply_saved(plans[0], wanted)
    plans.append(desk.save(wanted.replace(CODE, "4712")))
    plans.append(desk.save(manifest("b: Bye")))
    desk.apply(wanted.replace(CODE, "4712"))

    assert guessed(desk.state.lineage, *everything(desk), *plans) == set()
    assert lineage == desk.state.lineage


@pytest.mark.parametrize("name", ["author", "body", "attributes"])
def test_a_create_without_a_reply_is_found_and_gives_nothing_away(desk: Desk, name: str) -> None:
    """The open intent is recognised by hard digests, also beside creates that are not sensitive."""
    wanted = manifest(FIELDS[name], "b: Bye")
    desk.fault(*LOST)
    desk.apply(wanted)

    assert list(desk.state.intents) == ["desk/c/a"]
    assert guessed(desk.state.lineage, *everything(desk)) == set()
    desk.fault()
    desk.post("c", "Hello")
    desk.apply(wanted)
    assert len(desk.messages("c")) == 3
    assert not desk.state.intents
    assert not desk.plan(wanted).actions


@pytest.mark.parametrize("name", FIELDS)
def test_a_state_of_an_older_release_needs_no_change_and_is_written_anew(desk: Desk, name: str) -> None:
    """Its plain digests are compared as they are, and an apply replaces them."""
    wanted = manifest(FIELDS[name])
    desk.apply(wanted)
    softened(desk, wanted)

    assert guessed(desk.state.lineage, *everything(desk)) == {CODE}
    assert not desk.plan(wanted).actions
    desk.apply(wanted)
    assert guessed(desk.state.lineage, desk.state_path.read_bytes()) == set()


def test_a_rename_is_still_one(desk: Desk) -> None:
    """Hard digests of an old key and of a new one are equal, also where the old ones are plain."""
    for soften in (False, True):
        old, new = ("a", "z") if not soften else ("z", "a")
        wanted = manifest(FIELDS["body"].replace("key: a", f"key: {old}"))
        desk.apply(wanted)
        if soften:
            state = desk.state
            binding = state.bindings[f"desk/c/{old}"]
            plain = {"body": state.digest("body", CODE)}
            state.bindings[f"desk/c/{old}"] = msgspec.structs.replace(binding, sent=plain)
            desk.state_path.write_bytes(encode(state, state.serial))

        (action,) = desk.plan(wanted.replace(f"key: {old}", f"key: {new}")).actions

        assert (action.verb, action.previous_address) == ("move", f"desk/c/{old}")
        desk.apply(wanted.replace(f"key: {old}", f"key: {new}"))


def test_an_apply_that_changes_nothing_writes_nothing(desk: Desk) -> None:
    """Hard digests are up to date when they are those of the manifest."""
    wanted = manifest(FIELDS["subject"])
    desk.apply(wanted)
    serial = desk.state.serial
    desk.apply(wanted)

    assert desk.state.serial == serial


def test_without_sensitive_values_nothing_is_slow(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Worlds in which nothing is sensitive pay nothing."""

    def refuse(*_: object, **__: object) -> bytes:
        raise AssertionError

    monkeypatch.setattr(hashlib, "scrypt", refuse)
    desk.apply(conversation("a: One", "{key: b, body: Two, subject: s, attributes: {x: 1}}"))
    desk.fault(LOST[0])
    desk.apply(conversation("a: Uno", "{key: b, body: Two, subject: t, attributes: {x: 1}}", "c: Three"))
    desk.fault()
    desk.apply(conversation("a: Uno", "c: Three"))

    assert desk.bodies("c") == ["Uno", "Three"]


def test_each_value_costs_once(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Twenty messages with one code: its field, the exact and the tolerant match, and nothing again."""
    made = counted(monkeypatch, lambda _: None)
    wanted = manifest(*(f"{{key: m{number}, body: 'once ${{var.code}}'}}" for number in range(20)))
    desk.apply(wanted)
    desk.apply(wanted)

    assert len(made) == len(set(made)) == 3


def test_a_run_that_is_stopped_makes_no_more_digests(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """They take minutes if there are many: Ctrl-C must not wait for them, and nothing was sent yet."""
    made = counted(monkeypatch, lambda count: desk.interrupts._on_signal(2) if count == 5 else None)

    outcome = desk.apply(manifest(*(f"{{key: m{n}, body: '{n} ${{var.code}} stop'}}" for n in range(30))))

    assert outcome.interrupted
    assert len(made) < 20
    assert desk.count("create_conversation") == 0


@pytest.mark.parametrize("count", [199, 200])
def test_many_values_are_worth_a_warning(desk: Desk, count: int) -> None:
    """It says how many they are, and the seconds: one digest of each field, two of each create."""
    made = desk.plan(manifest(*(f"{{key: m{n}, body: '{n} ${{var.code}}'}}" for n in range(count))))

    told = [one.text for one in made.warnings if one.code == "slow_digests"]
    assert len(told) == (count == 200)
    assert all("of 200 sensitive values: an apply needs up to 27 s of processor time" in one for one in told)


def test_what_is_kept_is_hard_whoever_keeps_it() -> None:
    """Every record goes through the state: it makes hard what came plain, and leaves the rest."""
    state = State("l", "AC1", "o")
    plain = {"body": state.digest("body", CODE), "subject": state.digest("subject", "s")}
    state.apply(Bound("s/c/a", Binding("IM1", sent=plain, observed=plain, sensitive=("body",))))
    state.apply(Opened(Intent("s/c/b", match="m1", tolerant="t1", author="a1", sensitive=("subject",))))
    state.apply(Opened(Intent("s/c/c", match="m1", tolerant="t1", author="a1", sensitive=("author",))))
    kept, other, hidden = state.bindings["s/c/a"], state.intents["s/c/b"], state.intents["s/c/c"]

    assert [is_hard(kept.sent["body"]), is_hard(kept.observed["body"])] == [True, True]
    assert kept.sent["subject"] == plain["subject"]
    assert state.digest.fits(kept.sent["body"], "body", CODE)
    assert not state.digest.fits(kept.sent["body"], "body", "4712")
    assert (other.match, other.tolerant, other.author) == ("m1", "t1", "a1")
    assert all(map(is_hard, (hidden.match, hidden.tolerant, hidden.author)))
    assert state.apply(Bound("s/c/a", kept)) == Bound("s/c/a", kept)
    assert Digests("other").hard(plain["body"]) == kept.sent["body"]


def field_of(saved: bytes, name: str) -> str:
    """Return a member of the plan in a saved one."""
    value: str = msgspec.json.decode(saved)["plan"][name]
    return value
