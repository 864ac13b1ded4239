"""The command that hands sids to others: output."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import click

from reconciler.cli import options as shared
from reconciler.cli.streams import say
from reconciler.errors import StateError, UsageError
from reconciler.model import matches
from reconciler.report.inert import escape
from reconciler.report.json import encode
from reconciler.state.store import StateStore

_SID: Final = re.compile(r"[A-Z]{2}\w{1,64}", re.ASCII)


@click.command(epilog="Example: reconciler output 'support/*' --format env > .env")
@click.argument("globs", nargs=-1)
@shared.state
@shared.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "env"]),
    default="text",
    show_default=True,
    help="A table, one JSON object, or NAME=SID lines.",
)
def output(globs: tuple[str, ...], state: Path, form: str) -> None:
    """Print the sid of every address in the state, or of those that match a glob.

    As `env`, an address becomes a name in capitals: `support/order-4711` is SUPPORT_ORDER_4711.
    """
    remembered = StateStore(state).read()
    if remembered is None:
        raise StateError(
            f"there is no state at `{state}`", hint="run `reconciler apply`, or name one with `--state`"
        )
    for glob in globs:
        if not any(matches(address, glob) for address in remembered.bindings):
            raise StateError(
                f"nothing is bound to `{glob}`", hint="`reconciler state list` shows what is bound"
            )
    sids = {
        address: binding.sid
        for address, binding in sorted(remembered.bindings.items())
        if not binding.released and (not globs or any(matches(address, glob) for glob in globs))
    }
    for address, sid in sids.items():
        if not _SID.fullmatch(sid):  # it would be sourced by shells
            raise StateError(
                f"the state `{state}` is damaged: what `{address}` stands for is no sid",
                hint=f"put back a good copy, such as `{state}.backup`",
            )
    if form == "json":
        say(encode(sids, indent=2), nl=False)
    elif form == "env":
        say("".join(f"{name}={sid}\n" for name, sid in _named(sids).items()), nl=False)
    else:
        width = max(map(len, sids), default=0)
        say("".join(f"{escape(address):{width}}  {sid}\n" for address, sid in sids.items()), nl=False)


def _named(sids: Mapping[str, str]) -> dict[str, str]:
    """Return *sids* by names of variables; raises UsageError if two addresses get the same one."""
    addresses: dict[str, str] = {}
    for address in sids:
        name = re.sub(r"^(?=[0-9])|[^A-Z0-9]", "_", address.upper())
        if name in addresses:
            raise UsageError(
                f"`{addresses[name]}` and `{address}` would both be {name}",
                hint="name globs that leave one of them out, or use `--format json`",
            )
        addresses[name] = address
    return {name: sids[address] for name, address in addresses.items()}
