"""The commands that repair a state, in this process: locks, backups, journals and refusals."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner, Result

from reconciler.cli.root import cli
from reconciler.errors import ReconcilerError, StateError
from reconciler.state.document import decode, encode
from reconciler.state.model import State, Unbound
from reconciler.state.remembered import Binding, InFlight
from reconciler.state.stores.file import StateStore
from reconciler.state.stores.holder import Holder
from reconciler.state.stores.lock import lock

Command = Callable[..., Result]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A state with a service, a conversation and two messages."""
    path = tmp_path / "state.json"
    addresses = ("desk", "desk/a", "desk/a/m", "desk/a/n")
    bindings = {address: Binding(sid=f"sid of {address}") for address in addresses}
    StateStore(path).write(State("1f" * 16, "AC1", "emulator:1", bindings=bindings))
    return path


@pytest.fixture
def state(path: Path) -> Command:
    """Run `reconciler state …` on that state; an error is raised."""

    def run(*arguments: str, stdin: bytes = b"") -> Result:
        return CliRunner().invoke(
            cli,
            ["state", *arguments, "--state", str(path)],
            input=stdin,
            standalone_mode=False,
            catch_exceptions=False,
        )

    return run


def read(path: Path) -> State:
    """Return the state at *path*."""
    found = StateStore(path).read()
    assert found is not None
    return found


@pytest.mark.parametrize(
    "repair", [("mv", "desk", "shop"), ("rm", "desk"), ("pull",), ("push", "-")], ids=lambda parts: parts[0]
)
def test_repairs_respect_the_lock(path: Path, state: Command, repair: tuple[str, ...]) -> None:
    """While another run works, none of them touches the state."""
    before = path.read_bytes()

    with (
        lock(path, holder=Holder("ann", 1, "apply", "2026-01-05T09:00:00Z"), timeout=0),
        pytest.raises(StateError, match="is locked by"),
    ):
        state(*repair, stdin=before)

    assert path.read_bytes() == before


@pytest.mark.parametrize("repair", [("mv", "desk", "shop"), ("rm", "desk/a"), ("push", "-")])
def test_every_repair_leaves_a_backup(path: Path, state: Command, repair: tuple[str, ...]) -> None:
    """What was there before is beside the state, and the serial rises by one."""
    before = path.read_bytes()

    state(*repair, stdin=before)

    assert path.with_name("state.json.backup").read_bytes() == before
    assert read(path).serial == 2


@pytest.mark.parametrize(
    "repair", [("mv", "desk/x", "desk/y"), ("rm", "shop"), ("push", "-"), ("push", "no-such-file")]
)
def test_a_repair_that_fails_writes_nothing(path: Path, state: Command, repair: tuple[str, ...]) -> None:
    """State and backup stay as they were."""
    before = path.read_bytes()

    with pytest.raises(ReconcilerError):
        state(*repair, stdin=b"{}")

    assert path.read_bytes() == before
    assert not path.with_name("state.json.backup").exists()


def leave_a_journal(path: Path) -> None:
    """Do as a run that was killed after it had unbound one message."""
    store = StateStore(path)
    remembered = store.read()
    assert remembered is not None
    with store.begin(remembered) as journal:
        asyncio.run(journal.commit(Unbound("desk/a/n")))


@pytest.mark.parametrize("repair", [("mv", "desk/a/m", "desk/a/o"), ("rm", "desk/a/m"), ("push", "-")])
def test_a_repair_keeps_what_an_unfinished_run_wrote(
    path: Path, state: Command, repair: tuple[str, ...]
) -> None:
    """The journal is replayed first, and the backup has it too."""
    leave_a_journal(path)
    pushed = encode(read(path), read(path).serial)

    state(*repair, stdin=pushed)

    backup = decode(path.with_name("state.json.backup").read_bytes(), "backup")
    assert "desk/a/n" not in backup.bindings
    assert "desk/a/n" not in read(path).bindings
    assert not path.with_name("state.json.journal").exists()


def test_pull_replays_the_journal(path: Path, state: Command) -> None:
    """It prints what is remembered now, not the last snapshot."""
    leave_a_journal(path)

    pulled = decode(state("pull").stdout_bytes, "pulled")

    assert sorted(pulled.bindings) == ["desk", "desk/a", "desk/a/m"]


def test_what_is_pulled_can_be_pushed(path: Path, state: Command) -> None:
    """A pull and a push change the serial alone."""
    before = read(path)

    state("push", "-", stdin=state("pull").stdout_bytes)

    assert read(path) == msgspec.structs.replace(before, serial=before.serial + 1)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
def test_what_a_shell_has_re_encoded_can_be_pushed(path: Path, state: Command, encoding: str) -> None:
    """Windows PowerShell writes UTF-16, with its own ends of lines, to a file that `>` names."""
    before = read(path)
    pulled = state("pull").stdout_bytes.decode().replace("\n", "\r\n")

    state("push", "-", stdin=pulled.encode(encoding))

    assert read(path) == msgspec.structs.replace(before, serial=before.serial + 1)


def test_a_glob_that_lists_nothing_is_named(path: Path, state: Command) -> None:
    """On stderr; what others match is listed."""
    ran = state("list", "desk/a/*", "nomatch[")

    assert ran.stdout == "desk/a/m\ndesk/a/n\n"
    assert ran.stderr == "note: nothing is bound to `nomatch[`\n"
    assert path.exists()


def test_a_push_of_nonsense_is_told_apart(path: Path, state: Command) -> None:
    """A newer format is named as such, as for any state."""
    newer = encode(read(path), 9).replace(b'"format_version": ', b'"format_version": 9')

    with pytest.raises(StateError, match="newer release"):
        state("push", "-", stdin=newer)


@pytest.mark.parametrize(
    ("pushed", "text"),
    [
        (b"{}", "`standard input` is no state of reconciler"),
        (b"", "the state `standard input` is empty"),
        (b'{"format_version": 1,', "the state `standard input` is damaged: it ends too early"),
        (
            "{}".encode("utf-16-le"),
            "`standard input` is UTF-16 without a byte order mark; a state is plain UTF-8",
        ),
        (b"\xef\xbb\xbf\xff", "`standard input` is not UTF-8: it holds the byte 0xff"),
    ],
)
def test_a_push_of_no_state_is_not_blamed_on_the_state(
    path: Path, state: Command, pushed: bytes, text: str
) -> None:
    """What is wrong is what was pushed: neither `--state` nor the backup is of any help."""
    before = path.read_bytes()

    with pytest.raises(StateError) as caught:
        state("push", "-", stdin=pushed)

    assert caught.value.text == text
    assert (caught.value.hint or "").startswith("push what `state pull`")
    assert path.read_bytes() == before


def test_an_older_state_can_be_forced_by_a_variable(
    path: Path, state: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As every option can be given."""
    older = encode(read(path), 1)
    state("mv", "desk/a/m", "desk/a/o")
    monkeypatch.setenv("RECONCILER_FORCE", "1")

    state("push", "-", stdin=older)

    assert "desk/a/m" in read(path).bindings


def test_removing_an_address_in_flight_forgets_its_create(path: Path, state: Command) -> None:
    """What a killed run was about to create is not looked up for an address that is removed."""
    remembered = read(path)
    remembered.in_flight["desk/a"] = InFlight(creates={"desk/a/x": "m1", "desk/a/y": "m2"})
    StateStore(path).write(remembered)

    state("rm", "desk/a/x")

    assert list(read(path).intents) == ["desk/a/y"]
    assert not read(path).in_flight


def test_a_superseded_message_that_is_forgotten_is_named(path: Path, state: Command) -> None:
    """It is still there, and nobody is going to delete it any more."""
    remembered = read(path)
    remembered.bindings["desk/a/m"] = Binding(sid="IM2", superseded=("IM1",))
    StateStore(path).write(remembered)

    assert "IM1" in state("rm", "desk/a/m").stderr


def test_without_a_state_there_is_nothing_to_repair(tmp_path: Path) -> None:
    """The error names the file that was looked for."""
    with pytest.raises(StateError, match="there is no state"):
        CliRunner().invoke(
            cli,
            ["state", "rm", "desk", "--state", str(tmp_path / "none.json")],
            standalone_mode=False,
            catch_exceptions=False,
        )
