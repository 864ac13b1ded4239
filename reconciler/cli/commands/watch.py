"""The command `watch`: plan, or apply, again and again, and tell the outside."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click
from msgspec import Struct

from reconciler._version import __version__
from reconciler.cli.clock import now
from reconciler.cli.command import Command
from reconciler.cli.options.connection import Locking, changing
from reconciler.cli.options.declare import group, option
from reconciler.cli.options.manifests import Manifests, manifests
from reconciler.cli.param_types import DURATION
from reconciler.cli.settings.protection import refuse
from reconciler.errors import SIGNALLED, UsageError

if TYPE_CHECKING:
    from reconciler.operations.session import Settings
    from reconciler.watch.events import Started, Stopped, Told
    from reconciler.watch.hints import Hints
    from reconciler.watch.metrics import Metrics
    from reconciler.watch.server import Health
    from reconciler.watch.signature import Signatures


class Watching(Struct, frozen=True):
    """How a watch works, and where it can be reached."""

    interval: float
    """Seconds between two rounds."""
    full_every: int
    """Every how many rounds everything is looked at."""
    apply: bool
    """Whether changes are applied."""
    settle: float
    """Seconds for which a message whose reply was lost is looked for."""
    listen: str
    """`HOST:PORT` of probes and metrics."""
    webhooks: str | None
    """`HOST:PORT` that takes Twilio's webhooks, or None."""
    webhooks_url: str | None
    """The public address of the webhooks, which their signatures cover."""
    on_change: str | None
    """A command that gets each plan that changes something."""


_watching = group(
    "watching",
    Watching,
    option(
        "--interval",
        type=DURATION,
        default="5m",
        show_default=True,
        metavar="DURATION",
        help="The pause between two rounds, such as 30s, 5m or 1h.",
    ),
    option(
        "--full-every",
        type=click.IntRange(min=1),
        default=1,
        show_default=True,
        metavar="N",
        help="Look at everything in every Nth round; in the others, at new messages alone.",
    ),
    option("--apply", is_flag=True, help="Apply what the guards let through."),
    option(
        "--settle",
        type=DURATION,
        default="10s",
        show_default=True,
        metavar="DURATION",
        help="How long to look for a message whose reply was lost.",
    ),
    option(
        "--listen",
        default="127.0.0.1:8080",
        show_default=True,
        metavar="HOST:PORT",
        help="Where /healthz, /readyz and /metrics are served.",
    ),
    option("--webhooks", metavar="HOST:PORT", help="Take Twilio's webhooks there, as hints where to look."),
    option("--webhooks-url", metavar="URL", help="The public address of --webhooks, which signatures cover."),
    option(
        "--on-change",
        metavar="COMMAND",
        help="Give this command each plan that changes something, as JSON; if it fails, nothing is applied.",
    ),
)


@click.command(
    cls=Command, epilog="Example: reconciler watch examples/quickstart --endpoint emulator --interval 30s"
)
@manifests
@changing
@_watching
def watch(manifests: Manifests, remote: Locking, watching: Watching) -> int:
    """Plan again and again, report what changed, and with --apply mend it.

    Each round is one JSON object on stdout, and a line for people on stderr. Guards are never relaxed. The
    lock of the state is held only while changes are applied.
    """
    from reconciler.runtime.interrupts import Interrupts  # noqa: PLC0415  # asyncio, and most of the package
    from reconciler.state.stores.holder import this_process  # noqa: PLC0415
    from reconciler.watch import notify  # noqa: PLC0415
    from reconciler.watch.hints import Hints  # noqa: PLC0415
    from reconciler.watch.loop import Watch  # noqa: PLC0415
    from reconciler.watch.metrics import Metrics  # noqa: PLC0415
    from reconciler.watch.round import Rounds  # noqa: PLC0415
    from reconciler.watch.schedule import Schedule  # noqa: PLC0415
    from reconciler.watch.server import Health  # noqa: PLC0415

    if watching.apply:
        refuse("watch --apply")
    settings = remote.settings(settle=watching.settle)
    metrics, health, hints = Metrics(), Health(), Hints()
    interrupts = Interrupts()
    rounds = Rounds(
        load=lambda: manifests.load(forks=False),
        settings=settings,
        holder=lambda: this_process("watch", os.environ, datetime.now(UTC)),
        interrupts=interrupts,
        now=now,
        applies=watching.apply,
        command=notify.Command(watching.on_change, os.environ) if watching.on_change is not None else None,
        lease=lambda held: metrics.lease(held=held),
    )
    loop = Watch(
        rounds.run,
        Schedule(watching.interval, watching.full_every),
        hints,
        interrupts,
        tell=_teller(metrics, health),
    )
    with _serving(watching, settings, metrics, health, hints):
        _tell_start(watching)
        was_cut_short = interrupts.run(loop())
    signum = interrupts.signum or signal.SIGTERM
    _tell_end(signum)
    return SIGNALLED + signum if was_cut_short else 0


def _teller(metrics: Metrics, health: Health) -> Callable[[Told], None]:
    from reconciler.watch.events import has_succeeded, sentence  # noqa: PLC0415

    def tell(told: Told) -> None:
        told.at = now()
        metrics.count(told, time.time())
        succeeded = has_succeeded(told)
        if succeeded is not None:
            health.succeeded = succeeded
        _emit(told, sentence(told))

    return tell


def _tell_start(watching: Watching) -> None:
    from reconciler.watch.events import Started  # noqa: PLC0415

    event = Started(__version__, watching.interval, watching.full_every, watching.apply, now())
    does = "applies changes" if watching.apply else "reports changes"
    _emit(event, f"watching every {watching.interval:.0f} s; {does}; probes at http://{watching.listen}")


def _tell_end(signum: int) -> None:
    from reconciler.watch.events import Stopped  # noqa: PLC0415

    _emit(Stopped(signum, now()), "stopped")


def _emit(event: Started | Told | Stopped, line: str) -> None:
    """Write *event* to stdout, and *line* for people to stderr."""
    import msgspec  # noqa: PLC0415

    from reconciler.report.json import encode  # noqa: PLC0415
    from reconciler.text.inert import escape  # noqa: PLC0415

    sys.stdout.buffer.write(encode(msgspec.to_builtins(event)))
    sys.stdout.buffer.flush()
    click.echo(f"{event.at} {escape(line)}", err=True)


def _signatures(watching: Watching, settings: Settings) -> Signatures:
    """Return what checks the signatures of webhooks; raises UsageError where they cannot be checked."""
    from urllib.parse import urlsplit  # noqa: PLC0415

    from reconciler.twilio.endpoint import Endpoint  # noqa: PLC0415
    from reconciler.watch.signature import Signatures  # noqa: PLC0415

    if watching.webhooks is None or watching.webhooks_url is None:
        raise UsageError(
            "`--webhooks` and `--webhooks-url` belong together",
            hint="name where to listen, and the public address that Twilio calls",
        )
    if urlsplit(watching.webhooks_url).scheme not in {"http", "https"}:
        raise UsageError("`--webhooks-url` is no http(s) address", hint="give the address that Twilio calls")
    endpoint = settings.endpoint
    credentials = endpoint.credentials if isinstance(endpoint, Endpoint) else None
    if credentials is None or not credentials.username.startswith("AC"):
        raise UsageError(
            "the signatures of webhooks cannot be checked: their key is the auth token of the account",
            hint="set TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN, or watch without `--webhooks`",
        )
    return Signatures(watching.webhooks_url, credentials.secret)


@contextmanager
def _serving(
    watching: Watching, settings: Settings, metrics: Metrics, health: Health, hints: Hints
) -> Iterator[None]:
    """Serve probes and metrics, and webhooks where they are asked for; raises UsageError."""
    from reconciler.watch.server import listening, probes, serving, webhooks  # noqa: PLC0415

    sites = []
    if watching.webhooks is not None or watching.webhooks_url is not None:
        signatures = _signatures(watching, settings)
        assert watching.webhooks is not None  # noqa: S101 -- `_signatures` refuses it
        sites.append((listening(watching.webhooks, "--webhooks"), webhooks(signatures, hints)))
    sites.append((listening(watching.listen, "--listen"), probes(metrics, health)))
    with serving(sites):
        yield
