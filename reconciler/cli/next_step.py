"""Say what to run next, with the options that this command line had, so that it works as it stands."""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import click
from click.core import ParameterSource

from reconciler.cli.settings.chosen import in_force
from reconciler.model import Address, conversation_of
from reconciler.plans.actions import Verb
from reconciler.plans.outcome import Outcome, Status
from reconciler.text.inert import escape

_SEEN: Final = frozenset((Verb.CREATE, Verb.UPDATE, Verb.REPLACE, Verb.ADOPT))
_KEPT: Final = ("endpoint", "allow_insecure_endpoint", "state")
"""The options that say where things are, besides those of the settings file."""


def where_to_look(outcome: Outcome) -> str:
    """Return a line on how to see what an apply has done; empty if it did nothing in a conversation."""
    glob = _glob(one.address for one in outcome.results if one.status is Status.DONE and one.verb in _SEEN)
    if not glob:
        return ""
    return f"To see the conversations: {_command('transcript', glob)}\n"


def how_to_apply(plan: Path, *, is_whole: bool) -> str:
    """Return a line on how to apply the saved *plan*; unless it *is_whole*, sensitive values are missing."""
    more = "" if is_whole else " MANIFESTS… (for the sensitive values)"
    return f"Saved the plan; to apply exactly this: {_command('apply', str(plan))}{more}\n"


def _command(name: str, argument: str) -> str:
    return escape(shlex.join(["reconciler", name, argument, *where_things_are()]))


def _glob(addresses: Iterable[Address]) -> str:
    """Return a glob for the conversations of *addresses*; empty if there are none."""
    conversations = {conversation_of(address) for address in addresses if "/" in address}
    services = {conversation.partition("/")[0] for conversation in conversations}
    if len(services) != 1:
        return "*" if services else ""
    return conversations.pop() if len(conversations) == 1 else f"{services.pop()}/*"


def where_things_are() -> list[str]:
    """Return the options of this command line that say where things are: others would lead elsewhere."""
    context = click.get_current_context()
    chosen = in_force(context)
    given = {"config": chosen.path, "env": chosen.environment} | {
        name: context.params[name] for name in _KEPT if name in context.params
    }
    return [
        word
        for name, value in given.items()
        if context.get_parameter_source(name) is ParameterSource.COMMANDLINE
        for word in (f"--{name.replace('_', '-')}", str(value))
    ]
