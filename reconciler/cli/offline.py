"""The commands that look at nothing of the user's: schema, version, emulator."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click
import msgspec

from reconciler._version import __version__
from reconciler.cli import options as shared
from reconciler.cli.param_types import FILE
from reconciler.cli.streams import say


@click.command(epilog="Example: reconciler schema manifest > manifest.schema.json")
@click.argument("name", type=click.Choice(["manifest", "plan", "state"]), default="manifest")
def schema(name: str) -> None:
    """Print a JSON Schema: of the manifest, of `plan --format json`, or of the state."""
    _print_json(_schema(name))


@click.command(epilog="Example: reconciler version --format json")
@shared.option("--format", "form", type=click.Choice(["text", "json"]), default="text")
def version(form: str) -> None:
    """Print the version."""
    if form == "json":
        _print_json({"reconciler_version": __version__, "python_version": sys.version.split()[0]})
    else:
        say(f"reconciler {__version__}")


@click.command(epilog="Example: reconciler emulator --port 8010 --data demo.db")
@shared.option("--port", type=click.IntRange(0, 65535), default=8010, show_default=True, help="0: any free.")
@shared.option(
    "--data",
    type=FILE,
    metavar="FILE",
    help="Keep everything in this file. [default: in memory]",
)
@shared.option(
    "--max-page-size",
    type=click.IntRange(min=1),
    default=1000,
    show_default=True,
    help="How many messages a page holds at most.",
)
@shared.option("--refuse-large-pages", is_flag=True, help="Refuse a larger page instead of granting less.")
@shared.option("--require-token", metavar="TOKEN", help="Accept only this password.")
@shared.option(
    "--fault",
    "faults",
    multiple=True,
    metavar="RULE",
    help="Make trouble, such as create_message:3:reset_after or *:p=0.1:429. May be repeated.",
)
@shared.option(
    "--allow-host",
    "hosts",
    multiple=True,
    metavar="NAME",
    help="Answer also to this Host, not only to names of this machine. May be repeated.",
)
@shared.option("--fault-seed", type=int, default=0, show_default=True, help="Seed of random trouble.")
def emulator(port: int, data: Path | None, **given: Any) -> None:
    """Serve a local Twilio Conversations on 127.0.0.1 until it is stopped."""
    from reconciler.emulator import EmulatorOptions  # noqa: PLC0415
    from reconciler.emulator.fault_text import parse_fault  # noqa: PLC0415
    from reconciler.emulator.server import serve  # noqa: PLC0415  # uvicorn

    options = EmulatorOptions(
        max_page_size=given["max_page_size"],
        refuse_large_pages=given["refuse_large_pages"],
        auth_token=given["require_token"],
        faults=tuple(parse_fault(text) for text in given["faults"]),
        fault_seed=given["fault_seed"],
        allowed_hosts=given["hosts"],
    )
    serve(port=port, data=data, options=options)


def _schema(name: str) -> dict[str, Any]:
    if name == "manifest":
        from reconciler.manifest.schema.json_schema import manifest_schema  # noqa: PLC0415  # pydantic

        return manifest_schema()
    if name == "plan":
        from reconciler.report.documents import plan_schema  # noqa: PLC0415

        return plan_schema()
    from reconciler.state.document import state_schema  # noqa: PLC0415

    return state_schema()


def _print_json(value: Any) -> None:
    say(msgspec.json.format(msgspec.json.encode(value), indent=2))
