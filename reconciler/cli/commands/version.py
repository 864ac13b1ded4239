"""The command `version`: print the version."""

from __future__ import annotations

import sys

import click
import msgspec

from reconciler._version import __version__
from reconciler.cli.options.declare import option
from reconciler.cli.streams import say


@click.command(epilog="Example: reconciler version --format json")
@option("--format", "form", type=click.Choice(["text", "json"]), default="text")
def version(form: str) -> None:
    """Print the version."""
    if form == "json":
        versions = {"reconciler_version": __version__, "python_version": sys.version.split()[0]}
        say(msgspec.json.format(msgspec.json.encode(versions), indent=2))
    else:
        say(f"reconciler {__version__}")
