"""The options that shape a plan, and those of its approval."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from reconciler.cli.options.completion import addresses
from reconciler.cli.options.declare import group, option, together
from reconciler.cli.param_types import ADDRESSES, Number
from reconciler.errors import UsageError

if TYPE_CHECKING:
    from reconciler.plans.options import Choice, Options


class Targeting(Struct, frozen=True):
    """Which addresses a plan is for."""

    targets: tuple[str, ...] = ()
    """Globs: only these addresses, and those inside them; empty for all."""
    excludes: tuple[str, ...] = ()
    """Globs: neither these addresses, nor those inside them."""


class Planning(Targeting, frozen=True):
    """What a plan may do."""

    refresh_only: bool = False
    """Take remote changes into the state, and change nothing remote."""
    adopt: Choice = False
    """Take over live messages that equal those to be created: all, none, or those of a glob."""
    duplicate: Choice = False
    """Create messages even where equal ones are live: all, none, or those of a glob."""
    replace: tuple[str, ...] = ()
    """Addresses of messages to post again, and of conversations to make anew."""
    reset: bool = False
    """Bring the conversations that this tool created back to their manifests."""
    max_delete: str | None = None
    """How many messages may be deleted or replaced: a number or a percentage, such as `5` or `50%`."""
    allow_recreate: bool = False
    """Create again what vanished remotely, without a limit."""
    re_anchor: bool = False
    """Let relative timelines begin anew."""
    allow_close: bool = False
    """Close conversations, which is final."""
    allow_delivery: bool = False
    """Post messages that reach people outside the chat."""

    def options(self, *, destroy: bool = False, record: bool = False) -> Options:
        """Return the options of the planner; raises UsageError for flags that contradict each other."""
        from reconciler.plans.options import Options  # noqa: PLC0415

        self._check(destroy=destroy)
        limit, percent = _limit(self.max_delete)
        return Options(
            destroy=destroy,
            refresh_only=self.refresh_only,
            adopt=self.adopt,
            duplicate=self.duplicate,
            replace=self.replace,
            targets=self.targets,
            excludes=self.excludes,
            max_delete=limit,
            max_delete_percent=percent,
            allow_recreate=self.allow_recreate,
            re_anchor=self.re_anchor,
            reset=self.reset,
            allow_close=self.allow_close,
            allow_delivery=self.allow_delivery,
            record=record,
        )

    def _check(self, *, destroy: bool) -> None:
        if True in (self.adopt, self.duplicate) and self.adopt and self.duplicate:
            raise UsageError(
                "`--adopt` and `--duplicate` exclude each other",
                hint="pass one of them, or give each the addresses that it is for: `--adopt=GLOB`",
            )
        if self.refresh_only:
            asked = {"--destroy": destroy, "--replace": self.replace, "--reset": self.reset}
            for other in (name for name, value in asked.items() if value):
                raise UsageError(
                    f"`--refresh-only` and `{other}` exclude each other",
                    hint="a refresh changes the state alone; pass one of them",
                )
        if destroy and self.reset:
            raise UsageError("`--destroy` and `--reset` exclude each other", hint="pass one of them")


class Approval(Struct, frozen=True):
    """How a plan is approved, and how its creates without a reply are looked up."""

    auto_approve: bool
    """Do not ask."""
    settle: float
    """Seconds for which a message whose reply was lost is looked for."""


_targeting = together(
    option(
        "--target",
        "targets",
        multiple=True,
        metavar="GLOB",
        shell_complete=addresses,
        help="Only these addresses, and what is in them. May be repeated.",
    ),
    option(
        "--exclude",
        "excludes",
        multiple=True,
        metavar="GLOB",
        shell_complete=addresses,
        help="Not these addresses, nor what is in them. May be repeated.",
    ),
)
targeting = group("targeting", Targeting, _targeting)
planning = group(
    "planning",
    Planning,
    _targeting,
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
        shell_complete=addresses,
        help="Take over messages that say what would be created; with GLOB, for these addresses.",
    ),
    option(
        "--duplicate",
        type=ADDRESSES,
        default=False,
        metavar="[GLOB]",
        shell_complete=addresses,
        help="Create messages even where the same ones stand already; with GLOB, for these addresses.",
    ),
    option(
        "--replace",
        multiple=True,
        metavar="ADDRESS",
        shell_complete=addresses,
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
approval = group(
    "approval",
    Approval,
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


def _limit(text: str | None) -> tuple[float | None, bool]:
    """Return the number of `--max-delete`, and whether it is a percentage; raises UsageError."""
    if text is None:
        return None, False
    number = text.removesuffix("%")
    if not number.isdecimal():
        raise UsageError(f"`--max-delete {text}` is no number", hint="pass a number such as 5, or 50%")
    return float(number), text.endswith("%")
