"""The command `show`: print a saved plan, or the state."""

from __future__ import annotations

from pathlib import Path

import click

from reconciler.cli.options.declare import option
from reconciler.cli.options.state import read_state, state_option
from reconciler.cli.param_types import EXISTING_FILE
from reconciler.cli.streams import say
from reconciler.errors import UsageError
from reconciler.plans.planfile import decode_plan
from reconciler.report.json import encode, plan_document
from reconciler.report.text import render_plan
from reconciler.state import document
from reconciler.text.inert import escape


@click.command(epilog="Example: reconciler show plan.bin")
@click.argument("plan", required=False, type=EXISTING_FILE)
@state_option
@option("--format", "form", type=click.Choice(["text", "json"]), default="text")
def show(plan: Path | None, state: Path | str, form: str) -> None:
    """Show a saved plan; without one, the state: which live object each address stands for."""
    if plan is None:
        _show_state(state, form)
        return
    data = plan.read_bytes()
    if document.is_state(data):
        raise UsageError(
            f"`{plan}` is a state, not a saved plan", hint=f"run `reconciler show --state {plan}`"
        )
    saved = decode_plan(data)
    if form == "json":
        made = plan_document(saved.plan, timestamp=saved.created_at, version=saved.reconciler_version)
        say(encode(made), nl=False)
    else:
        say(render_plan(saved.plan), nl=False)


def _show_state(path: Path | str, form: str) -> None:
    state = read_state(path)
    if form == "json":
        say(document.encode(state, state.serial), nl=False)
        return
    say(f"account {state.account_sid} at {escape(state.origin)}")
    say(f"lineage {state.lineage}, serial {state.serial}")
    for address, binding in state.bindings.items():
        say(f"{escape(address)}  {escape(binding.sid)}")
    for address in state.intents:
        say(f"{escape(address)}  (in flight: its outcome is not known yet)")
