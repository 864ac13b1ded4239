"""The command `import`: bind an existing object to an address, or what a Terraform state holds."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from reconciler.cli.command import Command
from reconciler.cli.options.completion import unbound_addresses
from reconciler.cli.options.connection import Locking, changing
from reconciler.cli.options.declare import option
from reconciler.cli.options.manifests import Manifests, manifests
from reconciler.cli.param_types import INPUT, STDIN
from reconciler.cli.streams import say
from reconciler.cli.write_manifests import Writing, write_down, writing
from reconciler.errors import UsageError
from reconciler.model import ResourceType, declared_conversations, type_of
from reconciler.text.inert import escape

if TYPE_CHECKING:
    from reconciler.model import Desired


@click.command(
    cls=Command, name="import", epilog=f"Example: reconciler import support/order-4711/welcome IM{'0' * 32}"
)
@click.argument("address", required=False, shell_complete=unbound_addresses)
@click.argument("sid", required=False)
@manifests
@option(
    "--from-terraform",
    type=INPUT,
    metavar="STATE",
    help="Instead of one object, write manifests and bindings of the conversations, participants and "
    "messages in this Terraform state. `-` is standard input.",
)
@writing
@changing
def import_(
    address: str | None,
    sid: str | None,
    manifests: Manifests,
    writing: Writing,
    remote: Locking,
    *,
    from_terraform: Path | None,
) -> None:
    """Bind an existing object to an address; nothing remote is changed.

    SID is that of a message (IM…), a participant (MB…), a conversation (CH…) or a service (IS…), as ADDRESS
    has it. Its parents are found in the state, or by the manifests at PATHS.
    """
    if from_terraform is not None:
        if address is not None:
            raise UsageError("`--from-terraform` takes no ADDRESS", hint="leave out the address and the sid")
        _import_terraform(from_terraform, writing, remote)
        return
    if address is None or sid is None:
        raise UsageError("an ADDRESS and a SID are needed", hint="run `reconciler import --help`")
    if writing.out is not None:
        raise UsageError("`--out` says nothing without `--from-terraform`", hint="leave it out")
    _import_object(address, sid, manifests, remote)


def _import_object(address: str, sid: str, manifests: Manifests, remote: Locking) -> None:
    from reconciler.operations.import_object import import_object  # noqa: PLC0415  # asyncio, and most of the package
    from reconciler.operations.session import NOTHING  # noqa: PLC0415
    from reconciler.runtime.interrupts import Interrupts  # noqa: PLC0415

    desired = manifests.load_if_any() or NOTHING
    settings = remote.settings()
    with remote.lock("import", settings) as held:
        imported = Interrupts().run(import_object(address, sid, desired, held))
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


def _import_terraform(source: Path, writing: Writing, remote: Locking) -> None:
    """Write manifests and bindings of what the Terraform state *source* holds."""
    from reconciler.export.terraform import read_terraform  # noqa: PLC0415
    from reconciler.operations.move_from_terraform import move_from_terraform  # noqa: PLC0415  # asyncio, and most of the package

    if source == STDIN:
        read = read_terraform(sys.stdin.buffer.read(), "standard input")
    else:
        read = read_terraform(source.read_bytes(), str(source))
    settings = remote.settings()
    with remote.lock("import", settings) as held:
        write_down(move_from_terraform(read, held), writing, held.store())


def _is_declared(desired: Desired, address: str) -> bool:
    parent, _, key = address.rpartition("/")
    return any(
        (parent == conversation and any(one.key == key for one in declared.messages))
        or (parent == f"{conversation}/participants" and any(one.key == key for one in declared.participants))
        for conversation, declared in declared_conversations(desired)
    )
