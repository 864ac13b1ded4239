"""The command `emulator`: serve a local Twilio Conversations."""

from __future__ import annotations

from pathlib import Path

import click

from reconciler.cli.options.declare import option
from reconciler.cli.param_types import FILE


@click.command(epilog="Example: reconciler emulator --port 8010 --data demo.db")
@option("--port", type=click.IntRange(0, 65535), default=8010, show_default=True, help="0: any free.")
@option(
    "--data",
    type=FILE,
    metavar="FILE",
    help="Keep everything in this file. [default: in memory]",
)
@option(
    "--max-page-size",
    type=click.IntRange(min=1),
    default=1000,
    show_default=True,
    help="How many messages a page holds at most.",
)
@option("--refuse-large-pages", is_flag=True, help="Refuse a larger page instead of granting less.")
@option("--require-token", metavar="TOKEN", help="Accept only this password.")
@option(
    "--fault",
    "faults",
    multiple=True,
    metavar="RULE",
    help="Make trouble, such as create_message:3:reset_after or *:p=0.1:429. May be repeated.",
)
@option(
    "--allow-host",
    "hosts",
    multiple=True,
    metavar="NAME",
    help="Answer also to this Host, not only to names of this machine. May be repeated.",
)
@option(
    "--allow-webhook-host",
    "webhook_hosts",
    multiple=True,
    metavar="NAME",
    help="Send webhooks also to this host, not only to this machine. May be repeated.",
)
@option(
    "--templates",
    metavar="FILE",
    help="Content templates: a file of `HX…: text`, or `any`: a stand-in for every template.",
)
@click.option(
    "--inspector/--no-inspector",
    default=True,
    envvar="RECONCILER_INSPECTOR",
    help="Serve pages that show what it holds, at its address. [default: yes]",
)
@option("--fault-seed", type=int, default=0, show_default=True, help="Seed of random trouble.")
def emulator(
    *,
    port: int,
    data: Path | None,
    max_page_size: int,
    refuse_large_pages: bool,
    require_token: str | None,
    faults: tuple[str, ...],
    hosts: tuple[str, ...],
    webhook_hosts: tuple[str, ...],
    templates: str | None,
    inspector: bool,
    fault_seed: int,
) -> None:
    """Serve a local Twilio Conversations on 127.0.0.1 until it is stopped."""
    from reconciler.emulator import EmulatorOptions  # noqa: PLC0415
    from reconciler.emulator.fault_text import parse_fault  # noqa: PLC0415
    from reconciler.emulator.server import serve  # noqa: PLC0415  # uvicorn
    from reconciler.emulator.template_file import templates_of  # noqa: PLC0415

    options = EmulatorOptions(
        max_page_size=max_page_size,
        refuse_large_pages=refuse_large_pages,
        auth_token=require_token,
        faults=tuple(map(parse_fault, faults)),
        fault_seed=fault_seed,
        allowed_hosts=hosts,
        webhook_hosts=webhook_hosts,
        templates=templates_of(templates),
        inspector=inspector,
    )
    serve(port=port, data=data, options=options)
