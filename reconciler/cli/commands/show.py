"""The command `show`: print a saved plan, or the state."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from reconciler._version import __version__
from reconciler.cli.command import Command
from reconciler.cli.options.declare import option
from reconciler.cli.options.encryption import keys_in_force
from reconciler.cli.options.manifests import Manifests, manifests
from reconciler.cli.options.output import changes_only
from reconciler.cli.options.state import read_state, state_option
from reconciler.cli.pages import Pages
from reconciler.cli.param_types import EXISTING_FILE
from reconciler.cli.plan_files import plan_in
from reconciler.cli.streams import say
from reconciler.errors import PlanError, UsageError
from reconciler.model import Desired
from reconciler.plans.planfile import SavedPlan
from reconciler.report.json import encode, encoded_plan
from reconciler.report.state import state_document
from reconciler.report.text import render_plan
from reconciler.state import document
from reconciler.text.inert import escape


@click.command(cls=Command, epilog="Example: reconciler show plan.bin manifests --format json")
@click.argument("plan", required=False, type=EXISTING_FILE)
@manifests
@state_option
@changes_only
@option("--format", "form", type=click.Choice(["text", "json", "html"]), default="text")
def show(
    plan: Path | None, manifests: Manifests, state: Path | str, form: str, *, changes_only: bool
) -> None:
    """Show a saved plan; without one, the state: which live object each address stands for.

    PATHS are the manifests of the plan: with them, json also has what the plan leaves as it is. html shows a
    plan as chats.
    """
    if plan is None:
        if form == "html":
            raise UsageError(
                "a state has no texts to show as chats",
                hint="name a saved plan, or run `reconciler transcript GLOB --format html`",
            )
        _show_state(state, form)
        return
    data = plan.read_bytes()
    if document.is_state(data):
        raise UsageError(
            f"`{plan}` is a state, not a saved plan", hint=f"run `reconciler show --state {plan}`"
        )
    saved = plan_in(data, str(plan), keys_in_force())
    if form == "json":
        unchanged = None if changes_only else _unchanged(saved, manifests)
        for piece in encoded_plan(
            saved.plan, timestamp=saved.created_at, version=saved.reconciler_version, desired=unchanged
        ):
            say(piece, nl=False)
    elif form == "html":
        say(Pages().plan(saved.plan, {}, now=saved.created_at), nl=False)
    else:
        say(render_plan(saved.plan, on_terminal=sys.stdout.isatty()), nl=False)


def _unchanged(saved: SavedPlan, manifests: Manifests) -> Desired | None:
    """Return what declares the objects that the plan leaves as they are, or None, with a note, if unknown.

    Raises PlanError for other manifests than those of the plan.
    """
    if saved.destroy:
        return Desired(services=(), digest="")
    if saved.plan.drift is not None:
        return None
    if not manifests.paths:
        click.echo(
            "note: a saved plan has only what changes; name its manifests too to list the rest", err=True
        )
        return None
    desired = manifests.load()
    if desired.digest != saved.plan.manifest_digest:
        raise PlanError(
            "these are not the manifests that the plan was made from",
            hint="name those, with the same variables, or pass `--changes-only`",
        )
    return desired


def _show_state(path: Path | str, form: str) -> None:
    state = read_state(path)
    if form == "json":
        say(encode(state_document(state, version=__version__), indent=2), nl=False)
        return
    say(f"account {state.account_sid} at {escape(state.origin)}")
    say(f"lineage {state.lineage}, serial {state.serial}")
    for address, binding in state.bindings.items():
        say(f"{escape(address)}  {escape(binding.sid)}")
    for address in state.intents:
        say(f"{escape(address)}  (in flight: its outcome is not known yet)")
