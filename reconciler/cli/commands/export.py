"""The command `export`: write manifests from live conversations."""

from __future__ import annotations

import os

import click
from click.core import ParameterSource

from reconciler.cli.command import Command
from reconciler.cli.options.connection import Locking, locking
from reconciler.cli.options.declare import option
from reconciler.cli.write_manifests import Writing, write_down, writing
from reconciler.errors import UsageError
from reconciler.model.sids import canonical_sid


@click.command(
    cls=Command,
    epilog="Example: reconciler export --service support --conversation 'order-*' --out manifests",
)
@option(
    "--service",
    "services",
    multiple=True,
    metavar="SID|NAME",
    help="A service, by sid or friendly name. May be repeated. [default: all]",
)
@option(
    "--conversation",
    "conversations",
    multiple=True,
    metavar="SID|GLOB",
    help="A conversation by sid, or those whose unique name matches. May be repeated. [default: all]",
)
@writing
@option(
    "--bind",
    is_flag=True,
    help="Bind what is written, so that a plan right after is empty. Giving --state here means that too.",
)
@option("--scrub", is_flag=True, help="Put stand-ins for all text and identities; leave out sids.")
@option(
    "--salt", metavar="TEXT", help="The same salt gives the same stand-ins. [default: another one each time]"
)
@locking
@click.pass_context
def export(
    context: click.Context,
    /,
    *,
    writing: Writing,
    remote: Locking,
    services: tuple[str, ...],
    conversations: tuple[str, ...],
    bind: bool,
    scrub: bool,
    salt: str | None,
) -> None:
    """Write manifests from live conversations, messages in the order in which they stand.

    They can be planned without change: to nothing where they are bound, else to adoptions with --adopt.
    """
    from reconciler.export.scrub import Scrubber  # noqa: PLC0415
    from reconciler.operations import export as exporting  # noqa: PLC0415  # asyncio, and most of the package

    binds = bind or context.get_parameter_source("state") is ParameterSource.COMMANDLINE
    if scrub and binds:
        raise UsageError(
            "a scrubbed manifest cannot be bound: the next apply would write the stand-ins over the text",
            hint="leave out `--scrub`, or `--bind` and `--state`",
        )
    if salt is not None and not scrub:
        raise UsageError("`--salt` says nothing without `--scrub`", hint="add `--scrub`")
    selection = exporting.Selection(
        tuple(map(canonical_sid, services)), tuple(map(canonical_sid, conversations))
    )
    settings = remote.settings()
    if binds:
        with remote.lock("export", settings) as held:
            write_down(exporting.export_bound(selection, held), writing, held.store())
        return
    key = salt.encode() if salt is not None else os.urandom(32)
    scrubber = Scrubber(key) if scrub else None
    write_down(exporting.export(selection, settings, scrubber), writing, settings.store())
