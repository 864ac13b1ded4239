"""The options of commands that work on a state, the lock around them, and how a state must be there."""

from __future__ import annotations

import os
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click
from click.core import ParameterSource

from reconciler.cli.options.declare import option
from reconciler.cli.options.encryption import keys_in_force
from reconciler.cli.param_types import PLACE, Number
from reconciler.cli.settings.chosen import in_force
from reconciler.cli.settings.protection import confirm
from reconciler.errors import StateError
from reconciler.state.deadlines import SETTLE_SECONDS

if TYPE_CHECKING:
    from reconciler.state.model import State
    from reconciler.state.stores.interface import Store

T = TypeVar("T")

DEFAULT_STATE: Final = "reconciler.state.json"
"""The state file where none is given."""

state_option = option(
    "--state",
    type=PLACE,
    default=DEFAULT_STATE,
    show_default=True,
    metavar="PLACE",
    help="The state: a file, or an address such as s3://BUCKET/PREFIX.",
)
lock_timeout_option = option(
    "--lock-timeout",
    type=Number(min=0),
    default=0.0,
    metavar="SECONDS",
    help="How long to wait for another run to finish.",
)


def opened(where: Path | str, groups: frozenset[int] | None = None) -> Store:
    """Return the store at *where*, of these *groups* of conversations; None are all.

    Raises UsageError for an address that cannot be used, and for *groups* of a state that has none.
    """
    from reconciler.state.stores.opening import open_store  # noqa: PLC0415

    return open_store(where, trusted=is_trusted(), keys=keys_in_force(), groups=groups)


def is_trusted() -> bool:
    """Return whether `--state` was given by the person who runs the command, not by the settings file."""
    context = click.get_current_context()
    return context.get_parameter_source("state") is not ParameterSource.DEFAULT_MAP


@contextmanager
def locked(
    command: str,
    state: Path | str,
    timeout: float,
    *,
    settle: float = SETTLE_SECONDS,
    reading: bool = False,
    confirmed: bool = False,
    groups: frozenset[int] | None = None,
) -> Iterator[Store]:
    """Hold the lock of *state* in the name of *command*; wait at most *timeout* seconds for it.

    *groups* are those of conversations that are locked; None are all.

    *settle* is the settle window in seconds. With *reading*, only a file is locked. Else the name of a
    protected environment is asked for first, unless *confirmed*: then the caller asks. Before it waits,
    stderr says why.
    """
    from reconciler.state.stores.holder import this_process  # noqa: PLC0415

    def waiting(why: str) -> None:
        from reconciler.text.inert import escape  # noqa: PLC0415

        click.echo(escape(why), err=True)

    if not reading and not confirmed:
        confirm(command)
    store = opened(state, groups)
    holder = this_process(command, os.environ, datetime.now(UTC))
    with store.lock(holder, timeout=timeout, waiting=waiting, settle=settle, reading=reading):
        yield store


def finished(store: Store, work: Coroutine[Any, Any, T]) -> T:
    """Return the result of *work* on *store*: only one away from this machine needs an event loop."""
    if not store.is_file:
        from reconciler.runtime.concurrency import finish  # noqa: PLC0415

        return finish(work)
    try:
        work.send(None)
    except StopIteration as ended:
        result: T = ended.value
        return result
    raise AssertionError("the store of a file never waits")


def state_in(store: Store) -> State | None:
    """Return the state in *store*, or None; raises StateError, also if it is another environment's."""
    from reconciler.state.stores.interface import read_in  # noqa: PLC0415

    return finished(store, read_in(store, in_force().environment, keys_in_force()))


def existing_state(store: Store, *, hint: str = "name one with `--state`") -> State:
    """Return the state in *store*; raises StateError, with *hint*, if there is none."""
    state = state_in(store)
    if state is None:
        raise StateError(f"there is no state at `{store.place}`", hint=in_force().or_environment(hint))
    return state


def read_state(where: Path | str, *, hint: str = "name one with `--state`") -> State:
    """Return the state at *where*, without a lock; raises StateError, with *hint*, if there is none."""
    return existing_state(opened(where), hint=hint)
