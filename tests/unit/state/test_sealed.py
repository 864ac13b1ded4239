"""Sealed files: whatever was changed, moved or belongs elsewhere is refused."""

from __future__ import annotations

import asyncio
import base64
import random
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from reconciler.errors import ReconcilerError, StateError, UsageError
from reconciler.state.keys import NO_KEYS, Key, Keys, generate, keys_of
from reconciler.state.model import Bound, State
from reconciler.state.remembered import Binding
from reconciler.state.sealed import OF_A_STATE, seal, unseal
from reconciler.state.stores.file import StateStore, new_state

OURS = Keys((Key(b"1" * 32),))
THEIRS = Keys((Key(b"2" * 32),))
ACCOUNT = "AC" + "0" * 32


def binding(number: int) -> Binding:
    """Return a binding of a message."""
    return Binding(f"IM{number:032}", "IS" + "0" * 32, "CH" + "0" * 32, number)


def written(path: Path, keys: Keys, records: int = 5) -> State:
    """Write a state and a journal that continues it; return what both say."""
    store = StateStore(path, keys=keys)
    state = new_state(ACCOUNT, "https://conversations.twilio.com")
    state.bindings["desk/order/first"] = binding(0)
    asyncio.run(recorded(store, state, records))
    return state


async def recorded(store: StateStore, state: State, records: int) -> None:
    """Begin a journal, and record bindings in it and in *state*."""
    with store.begin(state) as journal:
        for number in range(1, records + 1):
            record = Bound(f"desk/order/m{number}", binding(number))
            await journal.commit(record)
            state.apply(record)


def journal_of(path: Path) -> Path:
    """Return the journal beside a state."""
    return path.with_name(path.name + ".journal")


def test_what_is_sealed_is_read(tmp_path: Path) -> None:
    """State and journal, with nothing of them in the clear."""
    path = tmp_path / "s.json"
    state = written(path, OURS)

    assert StateStore(path, keys=OURS).read() == state
    for file in (path, journal_of(path)):
        assert b"desk" not in file.read_bytes()
        assert ACCOUNT.encode() not in file.read_bytes()


def test_a_flipped_bit_is_refused(tmp_path: Path) -> None:
    """At 200 places of state and journal, header and last line included."""
    path = tmp_path / "s.json"
    written(path, OURS)
    places = random.Random(19)
    flips = 0
    for file in (path, journal_of(path)):
        sound = file.read_bytes()
        chosen = [0, len(sound) - 1, *(places.randrange(len(sound)) for _ in range(98))]
        for at in chosen:
            changed = bytearray(sound)
            changed[at] ^= 1 << places.randrange(8)
            file.write_bytes(changed)
            with pytest.raises(ReconcilerError):
                StateStore(path, keys=OURS).read()
            flips += 1
        file.write_bytes(sound)

    assert flips == 200
    assert StateStore(path, keys=OURS).read() is not None


def test_a_torn_last_line_is_dropped(tmp_path: Path) -> None:
    """Wherever a crash cut the journal: the whole lines count, as in a clear one."""
    path = tmp_path / "s.json"
    written(path, OURS, records=3)
    journal = journal_of(path)
    sound = journal.read_bytes()
    ends = [at + 1 for at, byte in enumerate(sound) if byte == ord("\n")]
    for cut in range(ends[1], len(sound), 7):
        journal.write_bytes(sound[:cut])
        read = StateStore(path, keys=OURS).read()
        assert read is not None
        assert len(read.bindings) == 1 + max(sum(end <= cut for end in ends) - 2, 0)
    journal.write_bytes(sound[:-20] + b"\0" * 19 + b"\n")  # blocks that the disk never wrote
    read = StateStore(path, keys=OURS).read()
    assert read is not None
    assert len(read.bindings) == 3


def swap_lines(lines: list[bytes]) -> list[bytes]:
    """Put two records in each other's place."""
    lines[2], lines[3] = lines[3], lines[2]
    return lines


def drop_line(lines: list[bytes]) -> list[bytes]:
    """Leave out a record in the middle."""
    return lines[:2] + lines[3:]


def repeat_line(lines: list[bytes]) -> list[bytes]:
    """Let a record stand twice."""
    return [*lines[:3], lines[2], *lines[3:]]


@pytest.mark.parametrize("change", [swap_lines, drop_line, repeat_line])
def test_lines_keep_their_places(tmp_path: Path, change: Callable[[list[bytes]], list[bytes]]) -> None:
    """A record at another number is refused."""
    path = tmp_path / "s.json"
    written(path, OURS)
    lines = journal_of(path).read_bytes().splitlines(keepends=True)
    journal_of(path).write_bytes(b"".join(change(lines)))

    with pytest.raises(StateError, match="is damaged or was changed"):
        StateStore(path, keys=OURS).read()


def test_pieces_of_another_state_are_refused(tmp_path: Path) -> None:
    """A line, a header, a journal and a snapshot of another history under the same key."""
    path, other = tmp_path / "s.json", tmp_path / "o.json"
    written(path, OURS)
    written(other, OURS)
    ours, theirs = (journal_of(one).read_bytes().splitlines(keepends=True) for one in (path, other))
    for mixed in ([*ours[:2], theirs[2]], [theirs[0], *ours[1:]], theirs):
        journal_of(path).write_bytes(b"".join(mixed))
        with pytest.raises(StateError):
            StateStore(path, keys=OURS).read()
    journal_of(path).write_bytes(b"".join(ours))
    path.write_bytes(other.read_bytes())
    with pytest.raises(StateError, match="belongs to"):
        StateStore(path, keys=OURS).read()


def test_a_file_is_what_it_was_sealed_as() -> None:
    """A plan is no state, and a header that was exchanged opens nothing."""
    plan = seal(b"x", OURS, "plan", lineage="a", serial=3)
    with pytest.raises(StateError, match="is sealed as `plan`, and is no state"):
        unseal(plan, OURS, "s", place="state", refuse=OF_A_STATE)
    renamed = plan.replace(b'"plan"', b'"state"')
    with pytest.raises(StateError, match="was changed"):
        unseal(renamed, OURS, "s", place="state", refuse=OF_A_STATE)
    later = plan.replace(b'"serial":3', b'"serial":4')
    with pytest.raises(StateError, match="was changed"):
        unseal(later, OURS, "s", place="plan", refuse=OF_A_STATE)


def test_keys_change_one_after_the_other(tmp_path: Path) -> None:
    """The first seals, all open; a write leaves nothing behind that an earlier key opens."""
    path = tmp_path / "s.json"
    state = written(path, OURS)
    both = Keys((*THEIRS.keys, *OURS.keys))
    store = StateStore(path, keys=both)
    assert store.read() == state
    store.write(state)

    assert StateStore(path, keys=THEIRS).read() == state
    assert [one.name for one in tmp_path.iterdir()] == ["s.json"]
    with pytest.raises(StateError, match=f"encrypted with key {THEIRS.keys[0].id}") as raised:
        StateStore(path, keys=OURS).read()
    assert OURS.keys[0].id in raised.value.text
    assert "plan --adopt" in str(raised.value.hint)


def test_the_first_sealed_write_removes_what_is_clear(tmp_path: Path) -> None:
    """Backup and journal of before go; from then on the backup is sealed too."""
    path = tmp_path / "s.json"
    state = written(path, NO_KEYS)
    StateStore(path).write(state)  # a clear backup
    store = StateStore(path, keys=OURS)
    store.write(state)
    assert [one.name for one in tmp_path.iterdir()] == ["s.json"]
    store.write(state)

    assert len(files := sorted(tmp_path.iterdir())) == 2
    assert not any(b"desk" in one.read_bytes() for one in files)


def test_clear_files_are_refused_where_sealed_ones_are_required(tmp_path: Path) -> None:
    """State and journal; the clear journal of an older snapshot is no obstacle."""
    path = tmp_path / "s.json"
    state = written(path, NO_KEYS)
    required = msgspec.structs.replace(OURS, is_required=True)
    with pytest.raises(StateError, match="is not encrypted, and encryption is required"):
        StateStore(path, keys=required).read()
    clear = journal_of(path).read_bytes()
    StateStore(path, keys=OURS).write(state)
    journal_of(path).write_bytes(clear)

    assert StateStore(path, keys=required).read() == state


@pytest.mark.parametrize(
    ("environ", "told"),
    [
        ({"RECONCILER_ENCRYPTION_KEY": "c2hvcnQ="}, "RECONCILER_ENCRYPTION_KEY gives no key"),
        ({"RECONCILER_ENCRYPTION_KEY": f"{generate()},?"}, "gives no key"),
        ({"RECONCILER_ENCRYPTION_KEY_COMMAND": "false"}, "it exits with 1"),
        ({"RECONCILER_ENCRYPTION_KEY_COMMAND": "no-such-program"}, "it cannot be run"),
        ({"RECONCILER_ENCRYPTION_KEY_COMMAND": "echo c2VjcmV0"}, "gives no key"),
        (
            {"RECONCILER_ENCRYPTION_KEY": generate(), "RECONCILER_ENCRYPTION_KEY_COMMAND": "true"},
            "are both set",
        ),
    ],
)
def test_keys_that_are_none(environ: dict[str, str], told: str) -> None:
    """The error says which variable, and never shows what it holds."""
    with pytest.raises(UsageError, match=told) as raised:
        keys_of(environ)

    for value in environ.values():
        if "COMMAND" not in value:
            assert value not in f"{raised.value}{raised.value.__notes__}" or value in {"true", "false"}
    assert "c2VjcmV0" not in f"{raised.value}"


def test_a_command_is_run_without_a_shell(tmp_path: Path) -> None:
    """What a shell would act on is part of an argument."""
    key = generate()
    script = tmp_path / "print key"
    script.write_text(f"import sys; print(sys.argv[1].startswith('$(') and {key!r})", encoding="utf-8")
    command = f"{sys.executable} '{script}' '$(touch {tmp_path}/shell)'"
    keys = keys_of({"RECONCILER_ENCRYPTION_KEY_COMMAND": command})

    assert keys.keys == (Key(base64.b64decode(key)),)
    assert key not in repr(keys)
    assert not (tmp_path / "shell").exists()


@pytest.mark.parametrize("text", ["", " "])
def test_without_a_key_nothing_is_sealed(text: str) -> None:
    """An empty variable is none; where a key is required, that is an error."""
    assert keys_of({"RECONCILER_ENCRYPTION_KEY": text}) == NO_KEYS
    with pytest.raises(UsageError, match="encryption is required, and no key is given"):
        keys_of({"RECONCILER_ENCRYPTION_KEY": text}, is_required=True)
