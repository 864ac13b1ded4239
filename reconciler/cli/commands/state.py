"""The command `state`: inspect and repair the state, and change nothing remote."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from reconciler.cli.command import Command
from reconciler.cli.commands.state_places import locks, migrate, unlock
from reconciler.cli.options.completion import bound_addresses, unbound_addresses
from reconciler.cli.options.declare import option
from reconciler.cli.options.encryption import keys_in_force
from reconciler.cli.options.state import (
    existing_state,
    finished,
    lock_timeout_option,
    locked,
    read_state,
    state_in,
    state_option,
)
from reconciler.cli.param_types import NamedPath
from reconciler.cli.settings.chosen import in_force
from reconciler.cli.streams import say
from reconciler.errors import StateError, UsageError
from reconciler.model import matches, type_of
from reconciler.report.json import encode
from reconciler.runtime.text_file import NotText, without_mark
from reconciler.state import document, edit
from reconciler.state.sealed import OF_A_STATE, is_sealed, unseal
from reconciler.state.stores.interface import claim
from reconciler.text.inert import escape

if TYPE_CHECKING:
    from reconciler.state.model import State
    from reconciler.state.remembered import Binding
    from reconciler.state.stores.interface import Store


class _Group(click.Group):
    command_class = Command


@click.group(cls=_Group, epilog="Example: reconciler state list 'support/*'")
def state() -> None:
    """Inspect and repair what the state remembers, and where it is kept."""


for _command in (migrate, locks, unlock):
    state.add_command(_command)


@state.command(
    name="mv", epilog="Example: reconciler state mv support/order-4711/hello support/order-4711/welcome"
)
@click.argument("old", shell_complete=bound_addresses)
@click.argument("new", shell_complete=unbound_addresses)
@state_option
@lock_timeout_option
def mv(old: str, new: str, state: Path | str, lock_timeout: float) -> None:
    """Let the address NEW stand for what OLD stood for, and everything in it."""
    with _changing("state mv", state, lock_timeout) as remembered:
        moved = edit.move(remembered, old, new)
    along = f", and {len(moved) - 1} in it" if len(moved) > 1 else ""
    say(f"Moved {escape(old)} to {escape(new)}{along}")


@state.command(name="rm", epilog="Example: reconciler state rm 'support/order-47*'")
@click.argument("globs", nargs=-1, required=True, metavar="ADDRESS...", shell_complete=bound_addresses)
@state_option
@lock_timeout_option
def rm(globs: tuple[str, ...], state: Path | str, lock_timeout: float) -> None:
    """Forget addresses, or all that match a glob, and what is in them; the live objects stay as they are.

    Of an address whose replacement was left open, only that is forgotten, and it stands for the old message.
    """
    with _changing("state rm", state, lock_timeout) as remembered:
        superseded = {address: binding.superseded for address, binding in remembered.bindings.items()}
        closed = {address: remembered.bindings[address].sid for address in edit.close(remembered, globs)}
        rest = [glob for glob in globs if glob not in closed]
        gone = edit.remove(remembered, rest) if rest else []
    for address, sid in closed.items():
        say(f"Removed the open create of {escape(address)}, which stands for {escape(sid)} as before")
    for address in gone:
        say(f"Removed {escape(address)}")
        for sid in superseded.get(address, ()):
            click.echo(f"note: {sid}, which it replaced, is still there and is forgotten too", err=True)


@state.command(name="pull", epilog="Example: reconciler state pull > state.json")
@state_option
@lock_timeout_option
def pull(state: Path | str, lock_timeout: float) -> None:
    """Print the state as it is now, with what an unfinished run wrote into the journal."""
    with locked("state pull", state, lock_timeout, reading=True) as store:
        remembered = existing_state(store)
    say(document.encode(remembered, remembered.serial), nl=False)


@state.command(name="push", epilog="Example: reconciler state push state.json")
@click.argument("file", type=NamedPath(path_type=Path, dir_okay=False, allow_dash=True))
@state_option
@lock_timeout_option
@option("--force", is_flag=True, help="Push it even if it is older.")
def push(file: Path, state: Path | str, lock_timeout: float, *, force: bool) -> None:
    """Put FILE in the place of the state; - reads standard input.

    It must be of the same lineage, account and origin, and not older.
    """
    pushed = _read_pushed(file)
    with locked("state push", state, lock_timeout) as store:
        current = state_in(store)
        claim(pushed, str(file), in_force().environment)
        edit.check_successor(current, pushed, older=force)
        _keep_journal(store, current)
        finished(store, store.write(pushed))
    say(f"Pushed {len(pushed.bindings):,} bindings; the state is now at serial {pushed.serial}")


@state.command(name="rekey", epilog="Example: reconciler state rekey --generate")
@state_option
@lock_timeout_option
@option("--generate", is_flag=True, help="Print a new key, and change nothing.")
def rekey(state: Path | str, lock_timeout: float, *, generate: bool) -> None:
    """Encrypt the state anew, with the first of the keys in RECONCILER_ENCRYPTION_KEY.

    The others open it: to change keys, put the new one before the old, with a comma between.
    """
    from reconciler.state import keys as encryption  # noqa: PLC0415

    if generate:
        say(encryption.generate())
        return
    keys = keys_in_force()
    if not keys:
        raise UsageError(
            "no key is given",
            hint=f"set {encryption.VARIABLE}; `reconciler state rekey --generate` prints a new key",
        )
    with locked("state rekey", state, lock_timeout) as store:
        remembered = existing_state(store)
        _keep_journal(store, remembered)
        finished(store, store.write(remembered, anew=True))
    say(f"Encrypted the state with key {keys.keys[0].id}; it is now at serial {remembered.serial}")


@state.command(name="list", epilog="Example: reconciler state list 'support/*'")
@click.argument("globs", nargs=-1, shell_complete=bound_addresses)
@state_option
def list_(globs: tuple[str, ...], state: Path | str) -> None:
    """List the addresses that are bound, all or those that match a glob."""
    bindings = read_state(state).bindings
    for address in bindings:
        if not globs or any(matches(address, glob) for glob in globs):
            say(escape(address))
    for glob in globs:
        if not any(matches(address, glob) for address in bindings):
            click.echo(f"note: nothing is bound to `{escape(glob)}`", err=True)


@state.command(name="show", epilog="Example: reconciler state show support/order-4711/welcome")
@click.argument("address", shell_complete=bound_addresses)
@state_option
@option("--format", "form", type=click.Choice(["text", "json"]), default="text")
def show(address: str, state: Path | str, form: str) -> None:
    """Show one binding: sids, index, and the digests of what was sent and seen."""
    bindings = read_state(state).bindings
    if address not in bindings:
        raise StateError(
            f"nothing is bound to `{address}`", hint="`reconciler state list` shows what is bound"
        )
    fields = _fields(bindings[address])
    if form == "json":
        say(encode({"address": address, **fields}, indent=2), nl=False)
        return
    say(f"# {escape(address)} ({type_of(address)})")
    for name, value in fields.items():
        shown = value if isinstance(value, str) else msgspec.json.encode(value).decode()
        say(f"{name} = {escape(shown)}")


def _fields(binding: Binding) -> dict[str, Any]:
    fields: dict[str, Any] = msgspec.to_builtins(binding)
    return fields


@contextmanager
def _changing(command: str, place: Path | str, timeout: float) -> Iterator[State]:
    """Hold the lock and give the state to be changed; it is written unless that fails."""
    from reconciler.state.intents import fold_in_flight  # noqa: PLC0415

    with locked(command, place, timeout) as store:
        state = existing_state(store)
        _keep_journal(store, state)
        fold_in_flight(state)
        yield state
        finished(store, store.write(state))


def _keep_journal(store: Store, state: State | None) -> None:
    """Fold a journal that an unfinished run left into the snapshot, so that the backup has it too."""
    if state is not None and store.is_unfolded:
        finished(store, store.write(state))


def _read_pushed(file: Path) -> State:
    name = "standard input" if str(file) == "-" else str(file)
    try:
        data = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
    except OSError as error:
        raise StateError(f"cannot read `{name}`: {error.strerror}") from error
    try:
        if is_sealed(data):
            _, data = unseal(data, keys_in_force(), name, place="state", refuse=OF_A_STATE)
        return document.decode(without_mark(data), name)
    except (StateError, NotText) as error:
        text = f"`{name}` {error.text}" if isinstance(error, NotText) else error.text
        # the error's own hint is about the present state, not about the pushed one
        hint = "push what `state pull` of this or an older release printed; the state was left as it is"
        raise StateError(text, hint=hint) from error
