"""The commands that write manifests: export, and `import --from-terraform`."""

from __future__ import annotations

import os
from collections.abc import Coroutine, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click
from click.core import ParameterSource
from msgspec.structs import replace

from reconciler.cli import options as shared
from reconciler.cli.param_types import PATH
from reconciler.cli.streams import say
from reconciler.cli.streams import writing as writing_to
from reconciler.errors import Interrupted, UsageError
from reconciler.model.sids import canonical_sid
from reconciler.runtime.atomic_file import require_own_folders, require_replaceable, write_whole
from reconciler.text.inert import escape

if TYPE_CHECKING:
    from reconciler.export.generate import Captured
    from reconciler.model import Service
    from reconciler.state.model import State

    Work = Coroutine[Any, Any, tuple[Captured, State | None]]

_INTERRUPTED = 128
"""A shell's exit code for a signal is this plus the signal's number."""
_SUFFIXES: Final = (".yaml", ".yml")

writing = shared.together(
    shared.option(
        "--out",
        type=PATH,
        metavar="FILE|FOLDER",
        help="A name with .yaml or .yml is one file; any other is a folder, with a file for each "
        "conversation. [default: standard output]",
    ),
    shared.option("--force", is_flag=True, help="Overwrite files that exist."),
)


@click.command(epilog="Example: reconciler export --service support --conversation 'order-*' --out manifests")
@shared.option(
    "--service",
    "services",
    multiple=True,
    metavar="SID|NAME",
    help="A service, by sid or friendly name. May be repeated. [default: all]",
)
@shared.option(
    "--conversation",
    "conversations",
    multiple=True,
    metavar="SID|GLOB",
    help="A conversation by sid, or those whose unique name matches. May be repeated. [default: all]",
)
@writing
@shared.option(
    "--bind",
    is_flag=True,
    help="Bind what is written, so that a plan right after is empty. Giving --state here means that too.",
)
@shared.option("--scrub", is_flag=True, help="Put stand-ins for all text and identities; leave out sids.")
@shared.option(
    "--salt", metavar="TEXT", help="The same salt gives the same stand-ins. [default: another one each time]"
)
@shared.reading
@shared.locking
@click.pass_context
def export(context: click.Context, /, **given: Any) -> int:
    """Write manifests from live conversations, messages in the order in which they stand.

    They can be planned without change: to nothing where they are bound, else to adoptions with --adopt.
    """
    from reconciler.export.scrub import Scrubber  # noqa: PLC0415
    from reconciler.operations import export as exporting  # noqa: PLC0415  # asyncio, and most of the package

    binds = given["bind"] or context.get_parameter_source("state") is ParameterSource.COMMANDLINE
    if given["scrub"] and binds:
        raise UsageError(
            "a scrubbed manifest cannot be bound: the next apply would write the stand-ins over the text",
            hint="leave out `--scrub`, or `--bind` and `--state`",
        )
    if given["salt"] is not None and not given["scrub"]:
        raise UsageError("`--salt` says nothing without `--scrub`", hint="add `--scrub`")
    selection = exporting.Selection(
        *(tuple(map(canonical_sid, given[name])) for name in ("services", "conversations"))
    )
    settings = shared.settings(given)
    if binds:
        with shared.locked("export", given):
            return _write_down(given, exporting.export_bound(selection, settings))
    salt = given["salt"].encode() if given["salt"] is not None else os.urandom(32)
    scrubber = Scrubber(salt) if given["scrub"] else None
    return _write_down(given, exporting.export(selection, settings, scrubber))


def import_terraform(source: Path, given: dict[str, Any]) -> int:
    """Write manifests and bindings of the messages that the Terraform state *source* holds."""
    from reconciler.export.terraform import read_terraform  # noqa: PLC0415
    from reconciler.operations.export import move_from_terraform  # noqa: PLC0415  # asyncio, and most of the package

    messages = read_terraform(source.read_bytes(), str(source))
    settings = shared.settings(given)
    with shared.locked("import", given):
        return _write_down(given, move_from_terraform(messages, settings))


def _write_down(given: dict[str, Any], work: Work) -> int:
    """Do the *work*, write the manifests that come of it and then the state, and return the exit code."""
    from reconciler.runtime.interrupts import Interrupts  # noqa: PLC0415
    from reconciler.state.stores.file import StateStore  # noqa: PLC0415

    try:
        captured, state = Interrupts().run(work)
    except Interrupted as signal:
        click.echo("interrupted", err=True)
        return _INTERRUPTED + signal.signum
    _write(captured.services, given["out"], force=given["force"])
    if state is not None:
        StateStore(given["state"]).write(state)
    for note in captured.notes:
        click.echo(f"note: {escape(note)}", err=True)
    conversations = [one for service in captured.services for one in service.conversations]
    messages = sum(len(one.messages) for one in conversations)
    people = sum(len(one.participants) for one in conversations)
    also = f" and {_count(people, 'participant')}" if people else ""
    bound = f", bound in {given['state']}" if state is not None else ""
    click.echo(
        f"Wrote {_count(messages, 'message')}{also} of {_count(len(conversations), 'conversation')}{bound}",
        err=True,
    )
    return 0


def _write(services: Sequence[Service], out: Path | None, *, force: bool) -> None:
    """Write manifests to a file, into a folder, or to standard output; all files, or none if one exists."""
    from reconciler.manifest.dump import dump  # noqa: PLC0415

    if out is None:
        say(dump(services), nl=False)
        return
    if out.suffix in _SUFFIXES:
        files = {out: dump(services)}
    else:
        files = {
            out / service.name / f"{one.name}.yaml": dump((replace(service, conversations=(one,)),))
            for service in services
            for one in service.conversations
        }
    for path in files:
        with writing_to(path):
            require_own_folders(path, Path.cwd() / out)
            taken = require_replaceable(path) is not None
        if taken and not force:
            raise UsageError(
                f"`{path}` exists already", hint="name another place with `--out`, or pass `--force`"
            )
    for path, text in files.items():
        with writing_to(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(path, text.encode())


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
