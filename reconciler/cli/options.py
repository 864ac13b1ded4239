"""The options that commands share, and what they mean together.

Every option has an environment variable: `RECONCILER_` and its name in capitals.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from reconciler.cli.screen import Screen
from reconciler.errors import UsageError

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from reconciler.model import Desired
    from reconciler.operations import Settings
    from reconciler.plan.draft import Options

F = TypeVar("F", bound=Callable[..., Any])

DEFAULT_STATE: Final = "reconciler.state.json"
DEFAULT_MANIFESTS: Final = "manifests"


def option(*names: str, **settings: Any) -> Callable[[F], F]:
    """Declare an option and the environment variable that stands for it."""
    long = next(name for name in names if name.startswith("--")).partition("/")[0]
    variable = "RECONCILER_" + long.removeprefix("--").replace("-", "_").upper()
    return click.option(*names, envvar=variable, **settings)


def together(*decorators: Callable[[F], F]) -> Callable[[F], F]:
    """Apply several option decorators, so that `--help` lists them in this order."""

    def decorate(function: F) -> F:
        for decorator in reversed(decorators):
            function = decorator(function)
        return function

    return decorate


paths = click.argument("paths", nargs=-1, type=click.Path(path_type=Path))

state = option(
    "--state",
    type=click.Path(path_type=Path, dir_okay=False),
    default=DEFAULT_STATE,
    show_default=True,
    help="The state file.",
)

output = together(
    option(
        "--format",
        "formats",
        multiple=True,
        metavar="FORMAT[=FILE]",
        help="text, json, jsonl, markdown or github; with =FILE, into a file. May be repeated.",
    ),
    option(
        "--bodies",
        type=click.Choice(["full", "short", "hash", "none"]),
        help="How much of the text of messages is shown. [default: short; full in json]",
    ),
    option("--comment-key", default="", help="Tells the Markdown comments of several targets apart."),
    option("--no-color", is_flag=True, help="Print no colour; NO_COLOR does the same."),
)

locking = option(
    "--lock-timeout",
    type=click.FloatRange(min=0),
    default=0.0,
    metavar="SECONDS",
    help="How long to wait for another run to finish.",
)

remote = together(
    option(
        "--endpoint",
        default="twilio",
        show_default=True,
        metavar="WHERE",
        help="twilio, emulator, emulator:FILE, or an http(s):// address.",
    ),
    state,
    locking,
    option(
        "--parallelism",
        type=click.IntRange(min=1),
        default=10,
        show_default=True,
        help="Requests in flight at most.",
    ),
    option(
        "--rate",
        type=click.FloatRange(min=0, min_open=True),
        default=None,
        help="Changes per second and conversation at most. [default: 30 on Twilio]",
    ),
    option(
        "--max-wait",
        type=click.FloatRange(min=0),
        default=120.0,
        show_default=True,
        metavar="SECONDS",
        help="How long one request is tried again.",
    ),
    option("--allow-insecure-endpoint", metavar="HOST", help="Send credentials to this host too."),
)

planning = together(
    option("--adopt", is_flag=True, help="Take over messages that say what would be created."),
    option("--duplicate", is_flag=True, help="Create messages even where the same ones stand already."),
    option("--replace", multiple=True, metavar="ADDRESS", help="Post this message again. May be repeated."),
    option("--max-delete", metavar="N|N%", help="How many messages a plan may delete or replace."),
    option("--allow-recreate", is_flag=True, help="Create again what vanished remotely, however much it is."),
)

approval = together(
    option("--auto-approve", is_flag=True, help="Do not ask."),
    option(
        "--settle",
        type=click.FloatRange(min=0),
        default=10.0,
        show_default=True,
        metavar="SECONDS",
        help="How long to look for a message whose reply was lost.",
    ),
)


def settings(given: dict[str, Any]) -> Settings:
    """Return the settings that the shared options and the environment make; raises UsageError."""
    from reconciler.operations import Settings  # noqa: PLC0415  # asyncio, and most of the package
    from reconciler.twilio.endpoint import Endpoint  # noqa: PLC0415

    return Settings(
        endpoint=Endpoint.parse(
            given["endpoint"], os.environ, allow_insecure_host=given["allow_insecure_endpoint"]
        ),
        state=given["state"],
        parallelism=given["parallelism"],
        rate=given["rate"],
        settle=given.get("settle", 0.0),
        max_wait=given["max_wait"],
    )


def options(given: dict[str, Any], *, destroy: bool = False, record: bool = False) -> Options:
    """Return what the planner is asked for; raises UsageError for flags that contradict each other."""
    from reconciler.plan.draft import Options  # noqa: PLC0415

    if given.get("adopt") and given.get("duplicate"):
        raise UsageError("`--adopt` and `--duplicate` exclude each other", hint="pass one of them")
    limit, percent = _limit(given.get("max_delete"))
    return Options(
        destroy=destroy,
        adopt=given.get("adopt", False),
        duplicate=given.get("duplicate", False),
        replace=given.get("replace", ()),
        max_delete=limit,
        max_delete_percent=percent,
        allow_recreate=given.get("allow_recreate", False),
        record=record,
    )


def screen(given: dict[str, Any]) -> Screen:
    """Return where the output options send plans and outcomes; raises UsageError."""
    return Screen(
        given["formats"], bodies=given["bodies"], key=given["comment_key"], no_color=given["no_color"]
    )


def desired(given: tuple[Path, ...]) -> Desired:
    """Return the manifests at the given paths, or those of the folder `manifests`."""
    from reconciler.manifest.load import load  # noqa: PLC0415  # pydantic

    if not given and not Path(DEFAULT_MANIFESTS).is_dir():
        raise UsageError(
            f"there is no folder `{DEFAULT_MANIFESTS}` here",
            hint="name the files or folders of the manifests",
        )
    return load(given or (Path(DEFAULT_MANIFESTS),))


def locked(command: str, given: dict[str, Any]) -> AbstractContextManager[None]:
    """Return the lock of the state, taken in the name of *command*."""
    from reconciler.state.lock import lock, this_process  # noqa: PLC0415

    holder = this_process(command, os.environ, datetime.now(UTC))
    return lock(given["state"], holder=holder, timeout=given["lock_timeout"])


def _limit(text: str | None) -> tuple[float | None, bool]:
    if text is None:
        return None, False
    number = text.removesuffix("%")
    if not number.isdecimal():
        raise UsageError(f"`--max-delete {text}` is no number", hint="pass a number such as 5, or 50%")
    return float(number), text.endswith("%")
