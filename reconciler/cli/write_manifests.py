"""Write manifests, and the state that binds them, for the commands `export` and `import --from-terraform`."""

from __future__ import annotations

from collections.abc import Coroutine, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click
from msgspec import Struct
from msgspec.structs import replace

from reconciler.cli.options.declare import group, option
from reconciler.cli.options.state import finished
from reconciler.cli.outputs import Written, require_not_ours
from reconciler.cli.param_types import PATH
from reconciler.cli.streams import say
from reconciler.cli.streams import writing as writing_to
from reconciler.errors import UsageError
from reconciler.runtime.atomic_file import require_own_folders, require_replaceable, write_whole
from reconciler.text.inert import escape
from reconciler.text.words import counted

if TYPE_CHECKING:
    from reconciler.export.generate import Captured
    from reconciler.manifest.dump import Variables
    from reconciler.model import Service
    from reconciler.state.model import State
    from reconciler.state.stores.interface import Store

    Work = Coroutine[Any, Any, tuple[Captured, State | None]]

_SUFFIXES: Final = (".yaml", ".yml")


class Writing(Struct, frozen=True):
    """Where manifests are written."""

    out: Path | None
    """One file if the name ends in .yaml or .yml, else a folder; None for standard output."""
    force: bool
    """Overwrite files that exist."""


writing = group(
    "writing",
    Writing,
    option(
        "--out",
        type=PATH,
        metavar="FILE|FOLDER",
        help="A name with .yaml or .yml is one file; any other is a folder, with a file for each "
        "conversation. [default: standard output]",
    ),
    option("--force", is_flag=True, help="Overwrite files that exist."),
)


def write_down(work: Work, writing: Writing, store: Store) -> None:
    """Do the *work*, and write the manifests that it returns, and then its state into *store*.

    Commands for the user go to standard output if that does not have the manifests, so that they can be kept
    in a file.
    """
    from reconciler.runtime.interrupts import Interrupts  # noqa: PLC0415

    captured, state = Interrupts().run(work)
    write(captured.services, writing.out, captured.variables, force=writing.force)
    if state is not None:
        finished(store, store.write(state))
    for note in captured.notes:
        click.echo(f"note: {escape(note)}", err=True)
    conversations = [one for service in captured.services for one in service.conversations]
    messages = sum(len(one.messages) for one in conversations)
    people = sum(len(one.participants) for one in conversations)
    also = f" and {counted(people, 'participant')}" if people else ""
    bound = f", bound in {store.place}" if state is not None else ""
    click.echo(
        f"Wrote {counted(messages, 'message')}{also} of {counted(len(conversations), 'conversation')}{bound}",
        err=True,
    )
    if captured.commands:
        click.echo(
            "Once `reconciler plan` is empty, and before the resources leave the .tf files, run:", err=True
        )
        for command in captured.commands:
            click.echo(command, err=True) if writing.out is None else say(command)


def write(services: Sequence[Service], out: Path | None, variables: Variables, *, force: bool) -> None:
    """Write manifests to a file, into a folder, or to standard output; all files, or none if one exists.

    *variables* hold the sensitive fields.
    """
    from reconciler.manifest.dump import dump  # noqa: PLC0415

    if out is None:
        say(dump(services, variables=variables), nl=False)
        return
    if out.suffix in _SUFFIXES:
        files = {out: dump(services, variables=variables)}
    else:
        files = {
            out / service.name / f"{one.name}.yaml": dump(
                (replace(service, conversations=(one,)),), variables=variables
            )
            for service in services
            for one in service.conversations
        }
    for path in files:
        with writing_to(path):
            require_own_folders(path, Path.cwd() / out)
            taken = require_replaceable(path) is not None
        require_not_ours(Written("--out", path), click.get_current_context())
        if taken and not force:
            raise UsageError(
                f"`{path}` exists already", hint="name another place with `--out`, or pass `--force`"
            )
    for path, text in files.items():
        with writing_to(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(path, text.encode())
