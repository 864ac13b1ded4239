"""The command `output`: print the sids in the state, for other programs."""

from __future__ import annotations

from pathlib import Path

import click

from reconciler.cli.command import Command
from reconciler.cli.env_names import PREFIX, named
from reconciler.cli.options.completion import bound_addresses
from reconciler.cli.options.declare import option
from reconciler.cli.options.state import read_state, state_option
from reconciler.cli.streams import say
from reconciler.errors import StateError
from reconciler.model import matches
from reconciler.model.sids import is_plausible_sid
from reconciler.report.json import encode
from reconciler.text.inert import escape


@click.command(cls=Command, epilog="Example: reconciler output 'support/*' --format env > .env")
@click.argument("globs", nargs=-1, shell_complete=bound_addresses)
@state_option
@option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "env"]),
    default="text",
    show_default=True,
    help="A table, one JSON object, or NAME=SID lines.",
)
@option(
    "--prefix", default=PREFIX, show_default=True, metavar="TEXT", help="What the names of `env` begin with."
)
def output(globs: tuple[str, ...], state: Path | str, form: str, prefix: str) -> None:
    """Print the sid of every address in the state, or of those that match a glob.

    As `env`, an address becomes a name in capitals: `support/order-4711` is SID_SUPPORT_ORDER_4711. A name
    that shells or other programs act on is refused.
    """
    remembered = read_state(state, hint="run `reconciler apply`, or name one with `--state`")
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
        if not is_plausible_sid(sid):  # it would be sourced by shells
            raise StateError(
                f"the state `{state}` is damaged: what `{address}` stands for is no sid",
                hint=f"put back a good copy, such as `{state}.backup`",
            )
    if form == "json":
        say(encode(sids, indent=2), nl=False)
    elif form == "env":
        say("".join(f"{name}={sid}\n" for name, sid in named(sids, prefix).items()), nl=False)
    else:
        width = max(map(len, sids), default=0)
        say("".join(f"{escape(address):{width}}  {sid}\n" for address, sid in sids.items()), nl=False)
