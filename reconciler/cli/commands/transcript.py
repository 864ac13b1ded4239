"""The command `transcript`: show live conversations as chats."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final

import click

from reconciler._version import __version__
from reconciler.cli import formats
from reconciler.cli.clock import now
from reconciler.cli.command import Command
from reconciler.cli.options.completion import bound_addresses
from reconciler.cli.options.connection import Reading, reading
from reconciler.cli.options.declare import option
from reconciler.cli.streams import columns

if TYPE_CHECKING:
    from reconciler.report.transcript import Live

FORMATS: Final = ("text", "html", "json", "markdown")


@click.command(cls=Command, epilog="Example: reconciler transcript 'support/*' --endpoint emulator")
@click.argument("globs", nargs=-1, required=True, metavar="GLOB...", shell_complete=bound_addresses)
@reading
@option(
    "--format",
    "wanted",
    multiple=True,
    metavar="FORMAT[=FILE]",
    help="text, html, json or markdown; with =FILE, into a file. May be repeated.",
)
@click.option("-v", "--verbose", is_flag=True, help="Show attributes too, in text and markdown.")
def transcript(globs: tuple[str, ...], remote: Reading, *, wanted: tuple[str, ...], verbose: bool) -> None:
    """Show live conversations as chats.

    GLOB matches sids, unique names, addresses, and service/unique name. What the state calls sensitive stays
    hidden.
    """
    from reconciler.model.sids import canonical_sid  # noqa: PLC0415
    from reconciler.operations.transcript import read_transcript  # noqa: PLC0415  # asyncio
    from reconciler.runtime.interrupts import Interrupts  # noqa: PLC0415

    outputs = formats.parse(wanted, FORMATS)
    work = read_transcript(tuple(map(canonical_sid, globs)), remote.settings())
    found = Interrupts().run(work)
    for one in outputs:
        one.write(_rendered(one.name, found, verbose=verbose))


def _rendered(name: str, found: list[Live], *, verbose: bool) -> str:
    from reconciler.report import transcript as documents  # noqa: PLC0415

    if name == "html":
        return documents.transcript_page(found, made_by=f"reconciler {__version__}, {now()}")
    if name == "json":
        return documents.transcript_json(found).decode()
    from reconciler.report.transcript_text import transcript_markdown, transcript_text  # noqa: PLC0415

    if name == "markdown":
        return transcript_markdown(found, attributes=verbose)
    return transcript_text(found, columns=columns(sys.stdout), attributes=verbose)
