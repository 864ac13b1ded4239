"""The options that commands share, and what they mean together.

Every option has an environment variable: `RECONCILER_` and its name in capitals.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from reconciler.cli.param_types import ADDRESSES, FILE, PATH, Number
from reconciler.cli.screen import Screen
from reconciler.errors import UsageError

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from reconciler.manifest.limits import Limits
    from reconciler.model import Desired
    from reconciler.operations.session import Settings
    from reconciler.plans.options import Options

F = TypeVar("F", bound=Callable[..., Any])

DEFAULT_STATE: Final = "reconciler.state.json"
DEFAULT_MANIFESTS: Final = "manifests"
_MOST_PROCESSES: Final = 8
"""More would wait for the one that takes in what they say, and only need memory."""


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


paths = click.argument("paths", nargs=-1, type=PATH)

sizes = together(
    option(
        "--max-manifest-size",
        type=click.IntRange(min=1),
        default=100,
        show_default=True,
        metavar="MB",
        help="How large one manifest may be.",
    ),
    option(
        "--max-nesting",
        type=click.IntRange(1, 300),
        default=100,
        show_default=True,
        help="How many lists and mappings may be inside one another.",
    ),
)

manifests = together(
    paths,
    # no environment variable: RECONCILER_VAR_name stands for this one
    click.option(
        "--var",
        "assignments",
        multiple=True,
        metavar="NAME=VALUE",
        help="Value of a variable. May be repeated.",
    ),
    option(
        "--var-file",
        "value_files",
        multiple=True,
        type=FILE,
        metavar="FILE",
        help="Values of variables, as YAML or JSON; --var wins. May be repeated.",
    ),
    # no environment variable: what a manifest may see is decided where the command is written
    click.option(
        "--allow-env",
        "allowed_env",
        multiple=True,
        metavar="NAME",
        help="Let manifests refer to this environment variable. May be repeated.",
    ),
    sizes,
    option(
        "--max-total-size",
        type=click.IntRange(min=1),
        default=1_000,
        show_default=True,
        metavar="MB",
        help="How large all manifests may be together.",
    ),
    option(
        "--max-messages",
        type=click.IntRange(min=1),
        default=250_000,
        show_default=True,
        help="How many messages for_each, templates and transcripts may make.",
    ),
)

state = option(
    "--state",
    type=FILE,
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
        help="How much of the text of messages is shown; hash has a key of its own in each run. "
        "[default: short; full in json]",
    ),
    option("--comment-key", default="", help="Tells the Markdown comments of several targets apart."),
    # `streams.colored` looks for it by itself
    option("--no-color", is_flag=True, help="Print no colour; NO_COLOR does the same."),
)

locking = option(
    "--lock-timeout",
    type=Number(min=0),
    default=0.0,
    metavar="SECONDS",
    help="How long to wait for another run to finish.",
)

endpoint = option(
    "--endpoint",
    default="twilio",
    show_default=True,
    metavar="WHERE",
    help="twilio, emulator, emulator:FILE, or an http(s):// address.",
)

patience = together(
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

reading = together(endpoint, state, patience)

remote = together(
    reading,
    locking,
    option(
        "--rate",
        type=Number(min=0, min_open=True),
        default=None,
        help="Changes per second and conversation at most. [default: 30 on Twilio]",
    ),
)

targeting = together(
    option(
        "--target",
        "targets",
        multiple=True,
        metavar="GLOB",
        help="Only these addresses, and what is in them. May be repeated.",
    ),
    option(
        "--exclude",
        "excludes",
        multiple=True,
        metavar="GLOB",
        help="Not these addresses, nor what is in them. May be repeated.",
    ),
)

planning = together(
    targeting,
    option(
        "--refresh-only",
        is_flag=True,
        help="Take what was changed remotely into the state, and change nothing remote.",
    ),
    option(
        "--adopt",
        type=ADDRESSES,
        default=False,
        metavar="[GLOB]",
        help="Take over messages that say what would be created; with GLOB, for these addresses.",
    ),
    option(
        "--duplicate",
        type=ADDRESSES,
        default=False,
        metavar="[GLOB]",
        help="Create messages even where the same ones stand already; with GLOB, for these addresses.",
    ),
    option(
        "--replace",
        multiple=True,
        metavar="ADDRESS",
        help="Post this message again, or make this conversation anew. May be repeated.",
    ),
    option(
        "--reset",
        is_flag=True,
        help="Bring the conversations that this tool created back to their manifests, closed ones too.",
    ),
    option("--max-delete", metavar="N|N%", help="How many messages a plan may delete or replace."),
    option("--allow-recreate", is_flag=True, help="Create again what vanished remotely, however much it is."),
    option("--re-anchor", is_flag=True, help="Let relative timelines begin anew: all their dates move."),
    option("--allow-close", is_flag=True, help="Close conversations, which is final."),
    option("--allow-delivery", is_flag=True, help="Post messages that reach people outside the chat."),
)

approval = together(
    option("--auto-approve", is_flag=True, help="Do not ask."),
    option(
        "--settle",
        type=Number(min=0),
        default=10.0,
        show_default=True,
        metavar="SECONDS",
        help="How long to look for a message whose reply was lost.",
    ),
)


def settings(given: dict[str, Any]) -> Settings:
    """Return the settings that the shared options and the environment make.

    Raises UsageError, and StateError where the state is no file.
    """
    from reconciler.operations.session import Settings  # noqa: PLC0415  # asyncio, and most of the package
    from reconciler.state.files import meet  # noqa: PLC0415
    from reconciler.twilio.endpoint import Endpoint  # noqa: PLC0415

    meet(given["state"])
    return Settings(
        endpoint=Endpoint.parse(
            given["endpoint"], os.environ, allow_insecure_host=given["allow_insecure_endpoint"]
        ),
        state=given["state"],
        parallelism=given["parallelism"],
        rate=given.get("rate"),
        settle=given.get("settle", 0.0),
        max_wait=given["max_wait"],
    )


def options(given: dict[str, Any], *, destroy: bool = False, record: bool = False) -> Options:
    """Return what the planner is asked for; raises UsageError for flags that contradict each other."""
    from reconciler.plans.options import Options  # noqa: PLC0415

    adopt, duplicate = given.get("adopt", False), given.get("duplicate", False)
    if True in (adopt, duplicate) and adopt and duplicate:
        raise UsageError(
            "`--adopt` and `--duplicate` exclude each other",
            hint="pass one of them, or give each the addresses that it is for: `--adopt=GLOB`",
        )
    if given.get("refresh_only"):
        asked = {"--destroy": destroy, "--replace": given.get("replace"), "--reset": given.get("reset")}
        for other in (name for name, value in asked.items() if value):
            raise UsageError(
                f"`--refresh-only` and `{other}` exclude each other",
                hint="a refresh changes the state alone; pass one of them",
            )
    if destroy and given.get("reset"):
        raise UsageError("`--destroy` and `--reset` exclude each other", hint="pass one of them")
    limit, percent = _limit(given.get("max_delete"))
    return Options(
        destroy=destroy,
        refresh_only=given.get("refresh_only", False),
        adopt=adopt,
        duplicate=duplicate,
        replace=given.get("replace", ()),
        targets=given.get("targets", ()),
        excludes=given.get("excludes", ()),
        max_delete=limit,
        max_delete_percent=percent,
        allow_recreate=given.get("allow_recreate", False),
        re_anchor=given.get("re_anchor", False),
        reset=given.get("reset", False),
        allow_close=given.get("allow_close", False),
        allow_delivery=given.get("allow_delivery", False),
        record=record,
    )


def screen(given: dict[str, Any]) -> Screen:
    """Return where the output options send plans and outcomes; raises UsageError."""
    return Screen(given["formats"], bodies=given["bodies"], key=given["comment_key"])


def manifest_paths(given: tuple[Path, ...]) -> tuple[Path, ...]:
    """Return the given paths, or the folder `manifests`.

    Raises UsageError if that is not there, or is a link to somewhere else, which nobody has named.
    """
    if given:
        return given
    folder = Path(DEFAULT_MANIFESTS)
    if not folder.is_dir():
        raise UsageError(
            f"there is no folder `{folder}` here", hint="name the files or folders of the manifests"
        )
    if not folder.resolve().is_relative_to(Path.cwd().resolve()):
        raise UsageError(
            f"the folder `{folder}` is a link out of this one", hint=f"name it, if it is meant: `{folder}`"
        )
    return (folder,)


def desired(paths: tuple[Path, ...], given: dict[str, Any]) -> Desired:
    """Return what the manifests at *paths*, or in the folder `manifests`, ask for with the given values."""
    from reconciler.manifest.cache import ParsedFiles  # noqa: PLC0415
    from reconciler.manifest.inputs import Inputs  # noqa: PLC0415
    from reconciler.manifest.load import load  # noqa: PLC0415

    inputs = Inputs(
        os.environ, given["value_files"], given["assignments"], given["allowed_env"], limits=limits(given)
    )
    named = manifest_paths(paths)
    require_apart(named, given)
    return load(named, inputs, known=ParsedFiles.of_user(), processes=_processes())


def limits(given: dict[str, Any]) -> Limits:
    """Return the limits that options set for reading manifests."""
    from reconciler.manifest.limits import Limits  # noqa: PLC0415

    options = {
        "file_mb": "max_manifest_size",
        "all_mb": "max_total_size",
        "messages": "max_messages",
        "nesting": "max_nesting",
    }
    return Limits(**{limit: given[option] for limit, option in options.items() if option in given})


def require_apart(paths: Sequence[Path], given: dict[str, Any]) -> None:
    """Raise UsageError if an option names a file to be written that *paths* name to be read."""
    from reconciler.manifest.files import is_manifest  # noqa: PLC0415

    for name, file in _written(given):
        if is_manifest(file, paths):
            raise UsageError(
                f"`{name}` names `{file}`, which would be read as a manifest",
                hint="give it a name that does not end in `.yaml` or `.yml`, or another folder",
            )


def _written(given: dict[str, Any]) -> Iterator[tuple[str, Path]]:
    """Yield the files that a command would write, with the options that name them."""
    for name in ("out", "state"):
        if given.get(name) is not None:
            yield f"--{name}", given[name]
    for form in given.get("formats", ()):
        name, _, file = form.partition("=")
        if file:
            yield f"--format {name}=…", Path(file)


def _processes() -> int:
    """Return how many processes may be forked to read: elsewhere than on Linux, forking is not safe."""
    return min(len(os.sched_getaffinity(0)), _MOST_PROCESSES) if sys.platform == "linux" else 0


def desired_if_any(paths: tuple[Path, ...], given: dict[str, Any]) -> Desired | None:
    """Return the manifests as `desired` does, or None if none is named and none is here."""
    return desired(paths, given) if paths or Path(DEFAULT_MANIFESTS).is_dir() else None


def locked(command: str, given: dict[str, Any]) -> AbstractContextManager[None]:
    """Return the lock of the state, taken in the name of *command*; who has to wait is told for whom."""
    from reconciler.state.stores.lock import lock, this_process  # noqa: PLC0415
    from reconciler.text.inert import escape  # noqa: PLC0415

    holder = this_process(command, os.environ, datetime.now(UTC))

    def waiting(who: str) -> None:
        click.echo(f"waiting for the lock of the state, which is held by {escape(who)}", err=True)

    return lock(given["state"], holder=holder, timeout=given["lock_timeout"], waiting=waiting)


def _limit(text: str | None) -> tuple[float | None, bool]:
    if text is None:
        return None, False
    number = text.removesuffix("%")
    if not number.isdecimal():
        raise UsageError(f"`--max-delete {text}` is no number", hint="pass a number such as 5, or 50%")
    return float(number), text.endswith("%")
