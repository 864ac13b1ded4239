"""The arguments by which a worker runs the same command: what was given, and what variables gave."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import click
from click.core import ParameterSource

from reconciler.cli.settings.chosen import in_force
from reconciler.errors import UsageError

_GIVEN: Final = frozenset({ParameterSource.COMMANDLINE, ParameterSource.ENVIRONMENT})
_OWN: Final = frozenset(
    {"auto_approve", "bodies", "changes_only", "comment_key", "dask", "detailed_exitcode", "formats"}
    | {"no_color", "out", "paths", "shard"}
)
"""Parameters that are the client's alone."""


_OF_APPLYING: Final = frozenset({"settle"})
_OF_PLANS: Final = frozenset(
    {"targets", "excludes", "refresh_only", "adopt", "duplicate", "replace", "reset", "max_delete"}
    | {"allow_recreate", "re_anchor", "allow_close", "allow_delivery"}
)
"""Parameters that shape a plan, which a saved one was made with."""


def arguments_for(command: str, context: click.Context) -> tuple[str, ...]:
    """Return the arguments with which a worker runs *command*, `plan` or the `apply` of a saved plan.

    A worker reads the settings file itself. It has credentials from its own environment, and from there also
    the address of a state that has a password. Raises UsageError for such an address on the command line.
    """
    left_out = _OWN | (_OF_APPLYING if command == "plan" else _OF_PLANS)
    chosen = in_force(context)
    given = [command]
    if chosen.path is not None:
        given.append(f"--config={chosen.path}")
    if chosen.environment:
        given.append(f"--env={chosen.environment}")
    for parameter in context.command.params:
        name = str(parameter.name)
        source = context.get_parameter_source(name)
        if name not in left_out and source in _GIVEN and isinstance(parameter, click.Option):
            given += _written(parameter, context.params[name], is_typed=source is ParameterSource.COMMANDLINE)
    return tuple(given)


def _written(option: click.Option, value: Any, *, is_typed: bool) -> Iterator[str]:
    flag = max(option.opts, key=len)
    if option.name == "state" and isinstance(value, str) and urlsplit(value).password:
        if is_typed:
            raise UsageError(
                "the address of the state has a password, and tasks carry no credentials",
                hint="set RECONCILER_STATE in the environment of this command and of the workers",
            )
        return
    for one in value if option.multiple else (value,):
        if option.is_flag:
            yield from (flag,) if one else ()
        elif one is True:  # an option such as `--adopt`, for all addresses
            yield flag
        elif one is not None and one is not False:
            yield f"{flag}={one.resolve() if isinstance(one, Path) else one}"
