"""The options of commands that send requests: where to, how patiently, and beside which state."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click
from msgspec import Struct, structs

from reconciler.cli.options.completion import endpoints
from reconciler.cli.options.declare import group, option, together
from reconciler.cli.options.encryption import keys_in_force
from reconciler.cli.options.sharding import Sharded
from reconciler.cli.options.state import is_trusted, lock_timeout_option, locked, state_option
from reconciler.cli.param_types import Number
from reconciler.cli.settings.chosen import in_force
from reconciler.errors import UsageError
from reconciler.runtime.activity import SILENT, Activity

if TYPE_CHECKING:
    from reconciler.operations.session import Settings
    from reconciler.plans.seen import Seen
    from reconciler.twilio.endpoint import Endpoint

_WHOLE: Final = Sharded()


class Sending(Struct, frozen=True):
    """Where requests go, and how patiently."""

    endpoint: str
    """`twilio`, `emulator`, `emulator:FILE`, or an http(s) address."""
    parallelism: int
    """Requests in flight at most."""
    max_wait: float
    """Seconds for which one request is tried again, or one listing is read."""
    allow_insecure_endpoint: str | None
    """A host that credentials may be sent to though it is not Twilio's, or None."""

    def address(self) -> Endpoint:
        """Return the endpoint with the credentials of the environment; raises UsageError."""
        from reconciler.twilio.endpoint import Endpoint, NoCredentials  # noqa: PLC0415

        try:
            return Endpoint.parse(self.endpoint, os.environ, allow_insecure_host=self.allow_insecure_endpoint)
        except NoCredentials as error:
            raise UsageError(error.text, hint=in_force().or_environment(error.hint or "")) from None


class Reading(Sending, frozen=True):
    """What a command needs to compare the remote side with a state."""

    state: Path | str
    """The path or the address of the state."""
    rate: float | None = None
    """Changes per second and conversation at most; None for the endpoint's own limit."""

    def settings(
        self,
        *,
        settle: float = 0.0,
        activity: Activity = SILENT,
        see: Callable[[Seen], None] | None = None,
        part: Sharded = _WHOLE,
    ) -> Settings:
        """Return the settings of an operation; *settle* is in seconds, *activity* is told what it does.

        *see* is given what a plan was made from. *part* is the part of all conversations that it is about.

        Raises UsageError, and StateError if the state is no regular file.
        """
        from reconciler.operations.session import Settings  # noqa: PLC0415  # asyncio, and most of the package
        from reconciler.state.files import meet  # noqa: PLC0415

        if isinstance(self.state, Path):
            meet(self.state)
        return Settings(
            endpoint=self.address(),
            state=self.state,
            environment=in_force().environment,
            is_trusted=is_trusted(),
            parallelism=self.parallelism,
            rate=self.rate,
            settle=settle,
            max_wait=self.max_wait,
            activity=activity,
            see=see,
            guard=in_force().guard,
            keys=keys_in_force(),
            shard=part.shard,
            groups=part.groups,
        )


class Locking(Reading, frozen=True):
    """What a command needs to work as the only one on a state."""

    lock_timeout: float = 0.0
    """Seconds to wait for another run to finish."""

    @contextmanager
    def lock(
        self,
        command: str,
        settings: Settings,
        *,
        reading: bool = False,
        confirmed: bool = False,
        groups: frozenset[int] | None = None,
        at_least: float = 0.0,
    ) -> Iterator[Settings]:
        """Hold the lock of the state in the name of *command*, and yield *settings* for work under it.

        *reading*, *confirmed* and *groups* are as for `locked`. It waits *at_least* so many seconds.
        """
        with locked(
            command,
            self.state,
            max(self.lock_timeout, at_least),
            settle=settings.settle,
            reading=reading,
            confirmed=confirmed,
            groups=groups,
        ) as store:
            yield structs.replace(settings, held=store)


_endpoint = option(
    "--endpoint",
    default="twilio",
    show_default=True,
    metavar="WHERE",
    shell_complete=endpoints,
    help="twilio, emulator, emulator:FILE, or an http(s):// address.",
)
_patience = together(
    option(
        "--parallelism",
        type=click.IntRange(min=1),
        default=10,
        show_default=True,
        help="Requests in flight at most.",
    ),
    option(
        "--max-wait",
        type=Number(min=0),
        default=120.0,
        show_default=True,
        metavar="SECONDS",
        help="How long one request is tried again, or one listing read.",
    ),
    option("--allow-insecure-endpoint", metavar="HOST", help="Send credentials to this host too."),
)
_reading = together(_endpoint, state_option, _patience)

sending = group("remote", Sending, _endpoint, _patience)
reading = group("remote", Reading, _reading)
locking = group("remote", Locking, _reading, lock_timeout_option)
changing = group(
    "remote",
    Locking,
    _reading,
    lock_timeout_option,
    option(
        "--rate",
        type=Number(min=0, min_open=True),
        default=None,
        help="Changes per second and conversation at most. [default: 30 on Twilio]",
    ),
)
