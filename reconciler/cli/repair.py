"""The commands that change what is remembered, and nothing remote: import, state mv, rm, pull, push."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from reconciler.cli import options as shared
from reconciler.cli.exports import import_terraform, writing
from reconciler.cli.param_types import EXISTING_FILE, NamedPath
from reconciler.cli.streams import say
from reconciler.errors import Interrupted, StateError, UsageError
from reconciler.model import ResourceType, declared_conversations, type_of
from reconciler.state import document, edit
from reconciler.text.inert import escape

if TYPE_CHECKING:
    from reconciler.model import Desired
    from reconciler.state.model import State
    from reconciler.state.stores.file import StateStore

_INTERRUPTED = 128
"""A shell's exit code for a signal is this plus the signal's number."""


@click.command(name="import", epilog=f"Example: reconciler import support/order-4711/welcome IM{'0' * 32}")
@click.argument("address", required=False)
@click.argument("sid", required=False)
@shared.manifests
@shared.option(
    "--from-terraform",
    type=EXISTING_FILE,
    metavar="STATE",
    help="Instead of one message, write manifests and bindings of all in this Terraform state.",
)
@writing
@shared.remote
def import_(address: str | None, sid: str | None, paths: tuple[Path, ...], **given: Any) -> int:
    """Bind an existing message to an address; nothing remote is changed.

    SID is that of a message (IM…), a participant (MB…), a conversation (CH…) or a service (IS…), as ADDRESS
    has it. Its parents are found in the state, or by the manifests at PATHS.
    """
    if given["from_terraform"] is not None:
        if address is not None:
            raise UsageError("`--from-terraform` takes no ADDRESS", hint="leave out the address and the sid")
        return import_terraform(given["from_terraform"], given)
    if address is None or sid is None:
        raise UsageError("an ADDRESS and a SID are needed", hint="run `reconciler import --help`")
    if given["out"] is not None:
        raise UsageError("`--out` says nothing without `--from-terraform`", hint="leave it out")
    from reconciler.operations.import_object import import_object  # noqa: PLC0415  # asyncio, and most of the package
    from reconciler.operations.session import NOTHING  # noqa: PLC0415
    from reconciler.runtime.interrupts import Interrupts  # noqa: PLC0415

    desired = shared.desired_if_any(paths, given) or NOTHING
    settings = shared.settings(given)
    try:
        with shared.locked("import", given):
            imported = Interrupts().run(import_object(address, sid, desired, settings))
    except Interrupted as signal:
        return _INTERRUPTED + signal.signum
    for parent, binding in imported.parents:
        say(f"Found {escape(parent)}: {binding.sid}")
    say(f"Imported {escape(address)}: {imported.binding.sid}")
    if imported.binding.conversation_sid and not _is_declared(desired, address):
        person = type_of(address) is ResourceType.PARTICIPANT
        fate = "lets go of the participant" if person else "deletes the message"
        click.echo(
            f"note: no manifest that was read has a key for `{escape(address)}`: without one, the next apply "
            f"{fate}",
            err=True,
        )
    return 0


@click.command(epilog="Example: reconciler state mv support/order-4711/hello support/order-4711/welcome")
@click.argument("old")
@click.argument("new")
@shared.state
@shared.locking
def mv(old: str, new: str, **given: Any) -> None:
    """Let the address NEW stand for what OLD stood for, and everything in it."""
    with _changing("state mv", given) as (state, _):
        moved = edit.move(state, old, new)
    along = f", and {len(moved) - 1} in it" if len(moved) > 1 else ""
    say(f"Moved {escape(old)} to {escape(new)}{along}")


@click.command(epilog="Example: reconciler state rm 'support/order-47*'")
@click.argument("globs", nargs=-1, required=True, metavar="ADDRESS...")
@shared.state
@shared.locking
def rm(globs: tuple[str, ...], **given: Any) -> None:
    """Forget addresses, or all that match a glob, and what is in them; the live objects stay as they are.

    Of an address whose replacement was left open, only that is forgotten, and it stands for the old message.
    """
    with _changing("state rm", given) as (state, _):
        superseded = {address: binding.superseded for address, binding in state.bindings.items()}
        closed = {address: state.bindings[address].sid for address in edit.close(state, globs)}
        rest = [glob for glob in globs if glob not in closed]
        gone = edit.remove(state, rest) if rest else []
    for address, sid in closed.items():
        say(f"Removed the open create of {escape(address)}, which stands for {escape(sid)} as before")
    for address in gone:
        say(f"Removed {escape(address)}")
        for sid in superseded.get(address, ()):
            click.echo(f"note: {sid}, which it replaced, is still there and is forgotten too", err=True)


@click.command(epilog="Example: reconciler state pull > state.json")
@shared.state
@shared.locking
def pull(**given: Any) -> None:
    """Print the state as it is now, with what an unfinished run wrote into the journal."""
    from reconciler.state.stores.file import StateStore  # noqa: PLC0415  # only what reads a state needs it

    with shared.locked("state pull", given):
        state = _existing(StateStore(given["state"]))
    say(document.encode(state, state.serial), nl=False)


@click.command(epilog="Example: reconciler state push state.json")
@click.argument("file", type=NamedPath(path_type=Path, dir_okay=False, allow_dash=True))
@shared.state
@shared.locking
@shared.option("--force", is_flag=True, help="Push it even if it is older.")
def push(file: Path, *, force: bool, **given: Any) -> None:
    """Put FILE in the place of the state; - reads standard input.

    It must be of the same lineage, account and origin, and not older.
    """
    from reconciler.state.stores.file import StateStore  # noqa: PLC0415

    pushed = _read_pushed(file)
    with shared.locked("state push", given):
        store = StateStore(given["state"])
        current = store.read()
        edit.check_successor(current, pushed, older=force)
        _keep_journal(store, current)
        store.write(pushed)
    say(f"Pushed {len(pushed.bindings):,} bindings; the state is now at serial {pushed.serial}")


@contextmanager
def _changing(command: str, given: dict[str, Any]) -> Iterator[tuple[State, StateStore]]:
    """Hold the lock and give the state to be changed; it is written unless that fails."""
    from reconciler.state.intents import fold_in_flight  # noqa: PLC0415  # asyncio, and most of the package
    from reconciler.state.stores.file import StateStore  # noqa: PLC0415

    with shared.locked(command, given):
        store = StateStore(given["state"])
        state = _existing(store)
        _keep_journal(store, state)
        fold_in_flight(state)
        yield state, store
        store.write(state)


def _keep_journal(store: StateStore, state: State | None) -> None:
    """Fold a journal that an unfinished run left into the snapshot, so that the backup has it too."""
    if state is not None and store.journal_path.exists():
        store.write(state)


def _existing(store: StateStore) -> State:
    state = store.read()
    if state is None:
        raise StateError(f"there is no state at `{store.path}`", hint="name one with `--state`")
    return state


def _read_pushed(file: Path) -> State:
    name = "standard input" if str(file) == "-" else str(file)
    try:
        data = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
    except OSError as error:
        raise StateError(f"cannot read `{name}`: {error.strerror}") from error
    try:
        return document.decode(data, name)
    except StateError as error:  # its hint is about the state that is there, not about what is pushed
        raise StateError(
            error.text,
            hint="push what `state pull` of this or an older release printed; the state was left as it is",
        ) from error


def _is_declared(desired: Desired, address: str) -> bool:
    place, _, key = address.rpartition("/")
    return any(
        (place == conversation and any(one.key == key for one in said.messages))
        or (place == f"{conversation}/participants" and any(one.key == key for one in said.participants))
        for conversation, said in declared_conversations(desired)
    )
