"""Whether states and saved plans must be encrypted, and the keys, which the environment alone gives."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

import click

from reconciler.cli.options.declare import option

if TYPE_CHECKING:
    from reconciler.state.keys import Keys

_KEY: Final = "reconciler.encryption"
"""Where click's context keeps the value of the option."""


def _keep(ctx: click.Context, param: click.Parameter, value: str | None) -> None:
    del param
    ctx.meta[_KEY] = value


encryption_option = option(
    "--encryption",
    type=click.Choice(["required"]),
    callback=_keep,
    expose_value=False,
    help="`required` refuses states and saved plans that are not encrypted.",
)


def keys_in_force() -> Keys:
    """Return the keys of the environment; raises UsageError if they cannot be used, or are missing."""
    from reconciler.state.keys import keys_of  # noqa: PLC0415

    required = click.get_current_context().meta.get(_KEY) is not None
    return keys_of(os.environ, is_required=required)
