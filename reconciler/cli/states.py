"""The commands that show what is remembered: show, state list, state show. They change nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import msgspec

from reconciler.cli import options as shared
from reconciler.cli import repair
from reconciler.cli.param_types import EXISTING_FILE
from reconciler.cli.streams import say
from reconciler.errors import StateError
from reconciler.model import matches, type_of
from reconciler.plans.planfile import decode_plan
from reconciler.report.json import encode, plan_document
from reconciler.report.text import render_plan
from reconciler.state import document
from reconciler.state.model import Binding, State
from reconciler.state.stores.file import StateStore
from reconciler.text.inert import escape

_formats = shared.option("--format", "form", type=click.Choice(["text", "json"]), default="text")


@click.command(epilog="Example: reconciler show plan.bin")
@click.argument("plan", required=False, type=EXISTING_FILE)
@shared.state
@_formats
def show(plan: Path | None, state: Path, form: str) -> None:
    """Show a saved plan; without one, the state: which live object each address stands for."""
    if plan is not None:
        saved = decode_plan(plan.read_bytes())
        if form == "json":
            made = plan_document(saved.plan, timestamp=saved.created_at, version=saved.reconciler_version)
            say(encode(made), nl=False)
        else:
            say(render_plan(saved.plan), nl=False)
        return
    remembered = _read(state)
    if form == "json":
        say(document.encode(remembered, remembered.serial), nl=False)
        return
    say(f"account {remembered.account_sid} at {escape(remembered.origin)}")
    say(f"lineage {remembered.lineage}, serial {remembered.serial}")
    for address, binding in remembered.bindings.items():
        say(f"{escape(address)}  {escape(binding.sid)}")
    for address in remembered.intents:
        say(f"{escape(address)}  (in flight: its outcome is not known yet)")


@click.group(epilog="Example: reconciler state list 'support/*'")
def state() -> None:
    """Inspect and repair what the state remembers."""


for command in (repair.mv, repair.rm, repair.pull, repair.push):
    state.add_command(command)


@state.command(name="list", epilog="Example: reconciler state list 'support/*'")
@click.argument("globs", nargs=-1)
@shared.state
def list_(globs: tuple[str, ...], state: Path) -> None:
    """List the addresses that are bound, all or those that match a glob."""
    for address in _read(state).bindings:
        if not globs or any(matches(address, glob) for glob in globs):
            say(escape(address))


@state.command(name="show", epilog="Example: reconciler state show support/order-4711/welcome")
@click.argument("address")
@shared.state
@_formats
def show_one(address: str, state: Path, form: str) -> None:
    """Show one binding: sids, index, and the digests of what was sent and seen."""
    bindings = _read(state).bindings
    if address not in bindings:
        raise StateError(
            f"nothing is bound to `{address}`", hint="`reconciler state list` shows what is bound"
        )
    binding = bindings[address]
    if form == "json":
        say(encode({"address": address, **_fields(binding)}, indent=2), nl=False)
        return
    say(f"# {escape(address)} ({type_of(address)})")
    for name, value in _fields(binding).items():
        say(f"{name} = {escape(str(value))}")


def _fields(binding: Binding) -> dict[str, Any]:
    fields: dict[str, Any] = msgspec.to_builtins(binding)
    return fields


def _read(path: Path) -> State:
    found = StateStore(path).read()
    if found is None:
        raise StateError(f"there is no state at `{path}`", hint="name one with `--state`")
    return found
