"""The options of commands that work on a state, the lock around them, and how a state must be there."""

from __future__ import annotations

import os
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from reconciler.cli.options.declare import option
from reconciler.cli.param_types import FILE, Number
from reconciler.errors import StateError

if TYPE_CHECKING:
    from reconciler.state.model import State
    from reconciler.state.stores.file import StateStore

DEFAULT_STATE: Final = "reconciler.state.json"
"""The state file where none is given."""

state_option = option(
    "--state",
    type=FILE,
    default=DEFAULT_STATE,
    show_default=True,
    help="The state file.",
)
lock_timeout_option = option(
    "--lock-timeout",
    type=Number(min=0),
    default=0.0,
    metavar="SECONDS",
    help="How long to wait for another run to finish.",
)


def lock_state(command: str, state: Path, timeout: float) -> AbstractContextManager[None]:
    """Return the lock of *state*, taken in the name of *command*; wait at most *timeout* seconds for it.

    Before it waits, stderr names the holder.
    """
    from reconciler.state.stores.holder import this_process  # noqa: PLC0415
    from reconciler.state.stores.lock import lock  # noqa: PLC0415
    from reconciler.text.inert import escape  # noqa: PLC0415

    holder = this_process(command, os.environ, datetime.now(UTC))

    def waiting(other: str) -> None:
        click.echo(f"waiting for the lock of the state, which is held by {escape(other)}", err=True)

    return lock(state, holder=holder, timeout=timeout, waiting=waiting)


def existing_state(store: StateStore, *, hint: str = "name one with `--state`") -> State:
    """Return the state in *store*; raises StateError, with *hint*, if there is none."""
    state = store.read()
    if state is None:
        raise StateError(f"there is no state at `{store.path}`", hint=hint)
    return state
