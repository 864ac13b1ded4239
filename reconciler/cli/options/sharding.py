"""The option that takes one part of all conversations: `--shard`."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Final

import click
from msgspec import Struct

from reconciler.cli.options.declare import option
from reconciler.errors import UsageError

if TYPE_CHECKING:
    from reconciler.model import Desired
    from reconciler.model.shard import Shard

_GITLAB: Final = ("CI_NODE_INDEX", "CI_NODE_TOTAL")
"""The variables of a GitLab job with `parallel:`, which counts from 1."""
_KUBERNETES: Final = "JOB_COMPLETION_INDEX"
"""The variable of a pod of an Indexed Job, which counts from 0."""


class _Part(click.ParamType[Any]):
    """A part as `I/N`, or where the environment says which."""

    name = "part"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return *value* as a part, or fail."""
        from reconciler.model.shard import Shard, parse_shard  # noqa: PLC0415

        if isinstance(value, Shard):
            return value
        text = value
        if value == "gitlab":
            text = "/".join(map(self._number, _GITLAB))
        elif value.startswith("kubernetes/"):
            index = self._number(_KUBERNETES)
            text = f"{int(index) + 1 if index.isdecimal() else index}/{value.removeprefix('kubernetes/')}"
        try:
            return parse_shard(text)
        except ValueError as error:
            self.fail(f"{error}.", param, ctx)

    def _number(self, name: str) -> str:
        """Return the environment variable *name*; raises UsageError if it is not set."""
        if not (text := os.environ.get(name, "")):
            raise UsageError(
                f"the environment variable {name} is not set, which says which part this is",
                hint="run this in a job that is run several times side by side, or write the part as I/N",
            )
        return text


class Sharded(Struct, frozen=True):
    """A part of all conversations, and what it needs of a state that is kept by group of conversations."""

    shard: Shard | None = None
    """The part; None for all."""
    groups: frozenset[int] | None = None
    """The groups; None for all."""

    @classmethod
    def of(cls, shard: Shard | None, desired: Desired) -> Sharded:
        """Return the part *shard* as *desired* cuts it: what moves goes where its new address is."""
        if shard is None:
            return cls()
        from reconciler.planner.cut import groups_needed  # noqa: PLC0415

        return cls(shard, groups_needed(shard, desired.moves))


dask_option = option(
    "--dask",
    metavar="ADDRESS",
    help="Work in parts on a Dask cluster: tls://HOST:PORT, tcp://HOST:PORT, or local.",
)
shard_option = option(
    "--shard",
    type=_Part(),
    metavar="I/N",
    help="Only part I of N of all conversations: I/N, gitlab or kubernetes/N.",
)
