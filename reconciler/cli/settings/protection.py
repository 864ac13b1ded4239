"""Protected environments: whatever changes one takes its name, typed by a person at a terminal."""

from __future__ import annotations

import sys

import click

from reconciler.cli.settings.chosen import Chosen, in_force
from reconciler.errors import UsageError


def require_person(command: str) -> None:
    """Raise UsageError if *command* would change a protected environment, and nobody can be asked."""
    chosen = _protected()
    if chosen is not None and not sys.stdin.isatty():
        raise UsageError(
            f"environment `{chosen.environment}` is protected ({chosen.places['protected']}): "
            f"`{command}` is refused without a terminal",
            hint="save a plan with `plan --out FILE` and apply that, or run it at a terminal",
        )


def refuse(command: str) -> None:
    """Raise UsageError if *command* would change a protected environment: nobody approves what it does."""
    chosen = _protected()
    if chosen is not None:
        raise UsageError(
            f"environment `{chosen.environment}` is protected ({chosen.places['protected']}): "
            f"`{command}` is refused",
            hint="watch without it, and apply a plan that somebody has read",
        )


def confirm(command: str) -> None:
    """Ask for the name of a protected environment before *command* changes it.

    Raises UsageError for another answer, and if nobody can be asked.
    """
    require_person(command)
    chosen = _protected()
    if chosen is None:
        return
    name = chosen.environment
    click.echo(
        f"This changes the protected environment. Only its name, `{name}`, approves: ", err=True, nl=False
    )
    if sys.stdin.readline().strip() != name:
        raise UsageError(f"`{command}` is cancelled: only `{name}` approves")


def confirm_saved(command: str) -> None:
    """Do as `confirm` does before a saved plan is applied, which was reviewed: without a terminal, return."""
    if sys.stdin.isatty():
        confirm(command)
    else:
        _protected()


def _protected() -> Chosen | None:
    """Return the settings in force if they protect; raises UsageError if they do and have no environment."""
    chosen = in_force()
    if not chosen.protected:
        return None
    if not chosen.environment:
        raise UsageError(
            f"the settings are protected ({chosen.places['protected']}), and no environment is chosen",
            hint="choose one with `--env NAME`",
        )
    return chosen
