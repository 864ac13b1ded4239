"""Where the state is kept: reading, writing, what is refused, and what is never touched.

Cases: first state, backup, journal, foreign and unreadable files, links, rights; binding to account
and origin; a reader beside a writer. Crashes and failing disks are in `test_state_crashes`.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest

from reconciler.errors import StateError
from reconciler.state.files import Files
from reconciler.state.model import Bound, Opened, State
from reconciler.state.remembered import Binding, Intent
from reconciler.state.stores import file as store_module
from reconciler.state.stores.file import StateStore, new_state
from reconciler.state.stores.interface import check_target

ACCOUNT = "AC0123456789abcdef0123456789abcdef"
ORIGIN = "https://conversations.twilio.com"
ADDRESS = "support/order-1/welcome"
BINDING = Binding(sid="IM1", sent={"body": "0" * 32})


def committed(store: StateStore, state: State, *addresses: str) -> None:
    """Begin an apply of *state*, record a binding for each address, and stop without folding."""

    async def main() -> None:
        with store.begin(state) as journal:
            for address in addresses:
                await journal.commit(Bound(address, BINDING))

    asyncio.run(main())


def files_of(folder: Path) -> dict[str, bytes]:
    """Return name and content of every file in *folder*."""
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture
def store(tmp_path: Path) -> StateStore:
    """Return a store that holds nothing yet."""
    return StateStore(tmp_path / "s.json")


def test_no_file_is_no_state(store: StateStore) -> None:
    """A first run starts from nothing."""
    assert store.read() is None


def test_lineages_differ() -> None:
    """Two histories are never taken for one, and their digests cannot be compared."""
    assert new_state(ACCOUNT, ORIGIN).lineage != new_state(ACCOUNT, ORIGIN).lineage
    assert len(new_state(ACCOUNT, ORIGIN).lineage) == 32


def test_the_serial_counts_snapshots(store: StateStore) -> None:
    """Each write is one more, in the file and in memory."""
    state = new_state(ACCOUNT, ORIGIN)

    store.write(state)
    store.write(state)

    assert state.serial == 2
    assert StateStore(store.path).read() == state


def test_the_previous_snapshot_is_kept(store: StateStore) -> None:
    """The backup is what the file was before."""
    state = new_state(ACCOUNT, ORIGIN)
    store.write(state)
    before = store.path.read_bytes()

    state.bindings[ADDRESS] = BINDING
    store.write(state)

    assert store.backup_path.read_bytes() == before


def test_what_was_recorded_is_read_without_being_folded(store: StateStore) -> None:
    """A crash after a record loses nothing: the journal is replayed on reading."""
    committed(store, new_state(ACCOUNT, ORIGIN), ADDRESS)

    state = StateStore(store.path).read()

    assert state is not None
    assert state.bindings == {ADDRESS: BINDING}
    assert b"bindings" in store.path.read_bytes()
    assert ADDRESS.encode() not in store.path.read_bytes()


def test_reading_writes_nothing(store: StateStore) -> None:
    """`plan` and `show` leave every byte as it is, an open journal included."""
    committed(store, new_state(ACCOUNT, ORIGIN), ADDRESS)
    before = files_of(store.path.parent)

    StateStore(store.path).read()

    assert files_of(store.path.parent) == before


def test_writing_folds_the_journal(store: StateStore) -> None:
    """At the end of a command one file holds everything, and the journal is gone."""
    committed(store, new_state(ACCOUNT, ORIGIN), ADDRESS)
    again = StateStore(store.path)
    state = again.read()
    assert state is not None

    again.write(state)

    assert ADDRESS.encode() in store.path.read_bytes()
    assert not store.journal_path.exists()
    assert StateStore(store.path).read() == state


def test_an_open_intent_survives_folding(store: StateStore) -> None:
    """A create of unknown outcome is still to be settled by the next run."""
    state = new_state(ACCOUNT, ORIGIN)
    state.apply(Opened(Intent(ADDRESS, boundary=4)))

    store.write(state)

    again = StateStore(store.path).read()
    assert again is not None
    assert again.intents == {ADDRESS: Intent(ADDRESS, boundary=4)}


def test_another_lineage_is_not_overwritten(store: StateStore) -> None:
    """A new state never takes the place of an old one by mistake."""
    store.write(new_state(ACCOUNT, ORIGIN))
    before = store.path.read_bytes()

    with pytest.raises(StateError, match="has another lineage") as caught:
        StateStore(store.path).write(new_state(ACCOUNT, ORIGIN))

    assert "move the old file away first" in str(caught.value.hint)
    assert store.path.read_bytes() == before


def test_an_old_copy_gets_a_higher_serial_than_the_file(store: StateStore) -> None:
    """Or the journal of the file would be replayed on what was made from the copy."""
    state = new_state(ACCOUNT, ORIGIN)
    store.write(state)
    copy = StateStore(store.path).read()
    assert copy is not None
    committed(store, state, ADDRESS)

    StateStore(store.path).write(copy)

    assert copy.serial == 3
    assert StateStore(store.path).read() == copy


@pytest.mark.parametrize(
    "data", [b"", b"{", b'{"format_version": 99, "lineage": "x"}', b"services: {}"], ids=repr
)
@pytest.mark.parametrize("act", ["read", "write", "begin"])
def test_a_file_that_cannot_be_read_is_never_overwritten(store: StateStore, data: bytes, act: str) -> None:
    """Empty, damaged, newer or no state: it is refused as often as one tries, and left as it is."""
    store.path.write_bytes(data)

    for _ in range(2):
        with pytest.raises(StateError):
            store.read() if act == "read" else getattr(store, act)(new_state(ACCOUNT, ORIGIN))

    assert files_of(store.path.parent) == {"s.json": data}


def test_a_damaged_journal_is_never_overwritten(store: StateStore) -> None:
    """What it still holds may be all that is known of messages that were sent."""
    committed(store, new_state(ACCOUNT, ORIGIN), ADDRESS, ADDRESS)
    damaged = store.journal_path.read_bytes().replace(b"IM1", b"IM9")
    store.journal_path.write_bytes(damaged)
    state = new_state(ACCOUNT, ORIGIN)

    with pytest.raises(StateError, match=r"s\.json\.journal` is damaged in line 2"):
        StateStore(store.path).write(state)

    assert store.journal_path.read_bytes() == damaged


def test_a_journal_without_its_state_is_an_error(store: StateStore) -> None:
    """The state was lost, not never made: starting afresh could double every message."""
    committed(store, new_state(ACCOUNT, ORIGIN), ADDRESS)
    store.path.unlink()

    with pytest.raises(StateError, match="is there, but the state") as caught:
        StateStore(store.path).read()
    assert "put back the state" in str(caught.value.hint)


def test_a_backup_alone_is_no_state(store: StateStore) -> None:
    """Whoever removes the state means it: the planner, not the backup, guards against doubles."""
    store.write(new_state(ACCOUNT, ORIGIN))
    store.path.replace(store.backup_path)

    assert StateStore(store.path).read() is None


def test_a_state_put_back_from_before_its_journal_is_an_error(store: StateStore) -> None:
    """The backup lacks what the journal continues; guessing would forget what was sent."""
    state = new_state(ACCOUNT, ORIGIN)
    store.write(state)
    committed(store, state, ADDRESS)
    store.backup_path.replace(store.path)

    with pytest.raises(StateError, match=r"belongs to a later state \(serial 2; this one has 1\)"):
        StateStore(store.path).read()


@pytest.mark.parametrize("act", ["read", "write"])
def test_a_missing_folder_is_not_made(tmp_path: Path, act: str) -> None:
    """A mistyped `--state` must not look like a fresh start."""
    store = StateStore(tmp_path / "typo" / "s.json")

    with pytest.raises(StateError) as caught:
        store.read() if act == "read" else store.write(new_state(ACCOUNT, ORIGIN))

    assert caught.value.text == f"cannot open `{tmp_path / 'typo'}`: No such file or directory"
    assert not (tmp_path / "typo").exists()


def test_a_folder_in_place_of_the_state_is_an_error(tmp_path: Path) -> None:
    """The path and the system's reason are named."""
    with pytest.raises(StateError) as caught:
        StateStore(tmp_path).read()

    assert caught.value.text == f"cannot read `{tmp_path}`: Is a directory"
    assert caught.value.hint == "correct `--state`: it must name a file"


def test_a_file_in_place_of_the_folder_is_an_error(tmp_path: Path) -> None:
    """No traceback for a path that leads through a file."""
    (tmp_path / "file").touch()

    with pytest.raises(StateError, match="Not a directory"):
        StateStore(tmp_path / "file" / "s.json").read()


def test_a_link_is_written_through(tmp_path: Path) -> None:
    """The link stays, its target changes, and all other files lie beside the target."""
    (tmp_path / "real").mkdir()
    link = tmp_path / "s.json"
    link.symlink_to(Path("real") / "s.json")
    store = StateStore(link)

    store.write(new_state(ACCOUNT, ORIGIN))
    committed(store, store.read() or new_state(ACCOUNT, ORIGIN), ADDRESS)

    assert link.is_symlink()
    assert {path.name for path in (tmp_path / "real").iterdir()} == {
        "s.json",
        "s.json.backup",
        "s.json.journal",
    }


def test_a_link_to_itself_is_an_error(tmp_path: Path) -> None:
    """It has no target to follow."""
    (tmp_path / "s.json").symlink_to("s.json")

    with pytest.raises(StateError, match="symbolic links"):
        StateStore(tmp_path / "s.json").read()


def test_a_draft_planted_as_a_link_is_not_followed(store: StateStore) -> None:
    """In a shared folder, nobody makes us write into another file."""
    victim = store.path.parent / "victim"
    victim.write_text("mine")
    (store.path.parent / "s.json.tmp").symlink_to(victim)

    store.write(new_state(ACCOUNT, ORIGIN))

    assert victim.read_text() == "mine"
    assert not store.path.is_symlink()


def test_a_link_planted_at_the_last_moment_is_not_followed(tmp_path: Path) -> None:
    """Nor when it appears after the old draft was removed."""
    (tmp_path / "s.json.tmp").symlink_to(tmp_path / "victim")

    with pytest.raises(FileExistsError):
        Files().create(tmp_path / "s.json.tmp")


@pytest.mark.parametrize("umask", [0, 0o777], ids=oct)
def test_only_its_owner_may_read_any_file(store: StateStore, umask: int) -> None:
    """Mode 0600 for state, backup and journal, whatever the umask."""
    before = os.umask(umask)
    try:
        state = new_state(ACCOUNT, ORIGIN)
        store.write(state)
        committed(store, state, ADDRESS)
    finally:
        os.umask(before)

    modes = {path.name: path.stat().st_mode & 0o777 for path in store.path.parent.iterdir()}
    assert modes == dict.fromkeys(("s.json", "s.json.backup", "s.json.journal"), 0o600)


def test_a_draft_is_private_from_its_first_moment(store: StateStore) -> None:
    """Nobody can open the file before its mode is set."""
    modes = []

    class Watching(Files):
        def write(self, fd: int, data: bytes) -> None:
            modes.append(os.fstat(fd).st_mode & 0o777)
            super().write(fd, data)

    StateStore(store.path, files=Watching()).write(new_state(ACCOUNT, ORIGIN))

    assert modes == [0o600]


@pytest.mark.parametrize(
    ("account", "origin"), [("AC" + "f" * 32, ORIGIN), (ACCOUNT, "emulator:1c9e")], ids=["account", "origin"]
)
def test_a_state_of_another_account_or_origin_is_refused(
    store: StateStore, account: str, origin: str
) -> None:
    """Both sides are named."""
    with pytest.raises(StateError) as caught:
        check_target(str(store.path), new_state(ACCOUNT, ORIGIN), account, origin)

    assert caught.value.text == (
        f"the state `{store.path}` belongs to account {ACCOUNT} at {ORIGIN}, "
        f"but this command uses account {account} at {origin}"
    )
    assert "`--state`" in str(caught.value.hint)


def test_a_state_of_this_account_and_origin_is_used(store: StateStore) -> None:
    """Nothing is said where both sides agree."""
    check_target(str(store.path), new_state(ACCOUNT, ORIGIN), ACCOUNT, ORIGIN)


def test_a_reader_beside_a_writer_sees_one_moment(store: StateStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """A snapshot is never combined with the absence of a journal that was folded meanwhile."""
    committed(store, new_state(ACCOUNT, ORIGIN), ADDRESS)
    writer = StateStore(store.path)
    state = writer.read()
    assert state is not None
    pending = [state]
    read_bytes = store_module._bytes

    def folded_meanwhile(path: Path) -> bytes | None:
        if path == store.journal_path and pending:
            monkeypatch.setattr(store_module, "_bytes", read_bytes)
            writer.write(pending.pop())
        return read_bytes(path)

    monkeypatch.setattr(store_module, "_bytes", folded_meanwhile)

    assert StateStore(store.path).read() == state


def test_reading_a_state_needs_no_event_loop() -> None:
    """`show` and `version` do not pay for asyncio."""
    code = (
        "import sys; from reconciler.state.stores.file import StateStore; StateStore('none').read(); "
        "print('asyncio' in sys.modules)"
    )

    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert shown.stdout == "False\n"
