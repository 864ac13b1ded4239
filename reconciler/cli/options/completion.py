"""What shells offer for options and arguments beyond click's own, and what zsh needs to ask for it.

A shell asks while somebody types: whatever goes wrong here offers nothing, and prints nothing.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from reconciler.cli.settings.chosen import in_force
from reconciler.errors import ReconcilerError

if TYPE_CHECKING:
    from reconciler.model import Address, Desired
    from reconciler.state.model import State

_MOST: Final = 100
"""Addresses that are offered at once; of more, only those nearest to what is typed."""
_ENDPOINTS: Final = ("twilio", "emulator", "http://127.0.0.1:8010")
_ZSH_START: Final = "(( $+functions[compdef] )) || { autoload -Uz compinit && compinit }\n"
"""In a zsh without a configuration, nothing has loaded its completion yet."""


def use_our_zsh() -> None:
    """Let the script for zsh load zsh's completion where nothing has done so."""
    from click.shell_completion import ZshComplete, add_completion_class  # noqa: PLC0415

    class PlainZsh(ZshComplete):
        """The script of click, which relies on `compdef`."""

        source_template = ZshComplete.source_template.replace(
            "    # eval/source/. command", f"    {_ZSH_START}    # eval/source/. command"
        )

    add_completion_class(PlainZsh)


def bound_addresses(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Return the addresses in the state that begin like *incomplete*."""
    del param
    return _offered(_bound(ctx), incomplete)


def addresses(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Return the addresses in the manifests and the state that begin like *incomplete*."""
    del param
    return _offered({*_declared(ctx), *_bound(ctx)}, incomplete)


def unbound_addresses(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Return the addresses in the manifests that the state does not have, as `import` needs them."""
    del param
    return _offered(set(_declared(ctx)).difference(_bound(ctx)), incomplete)


def endpoints(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Return the values of `--endpoint` that begin like *incomplete*; data files are those here."""
    del ctx, param
    files = (f"emulator:{file}" for file in sorted(Path().glob("*.db")))
    return [value for value in (*_ENDPOINTS, *files) if value.startswith(incomplete)]


def _offered(known: Iterable[Address], incomplete: str) -> list[str]:
    """Return the first levels of what fits: as many whole levels as stay below the limit, one at least."""
    levels: dict[int, list[str]] = {}
    for address in known:
        if address.startswith(incomplete):
            levels.setdefault(address.count("/"), []).append(address)
    offered: list[str] = []
    for _, level in sorted(levels.items()):
        if offered and len(offered) + len(level) > _MOST:
            break
        offered += level
    return sorted(offered)


def _bound(ctx: click.Context) -> Iterator[Address]:
    from reconciler.cli.options.state import DEFAULT_STATE  # noqa: PLC0415
    from reconciler.state.stores.file import StateStore  # noqa: PLC0415
    from reconciler.state.stores.opening import is_address  # noqa: PLC0415

    given = ctx.params.get("state") or os.environ.get("RECONCILER_STATE")
    path = given or in_force(ctx).defaults.get("state") or DEFAULT_STATE
    if is_address(str(path)):  # a key press must not wait for a network
        return
    try:
        state: State | None = StateStore(path).read()
    except (ReconcilerError, OSError):
        return
    yield from state.bindings if state is not None else ()


def _declared(ctx: click.Context) -> Iterator[Address]:
    from reconciler.cli.options.manifests import DEFAULT_MANIFESTS  # noqa: PLC0415
    from reconciler.manifest.cache import ParsedFiles  # noqa: PLC0415
    from reconciler.manifest.inputs import Inputs  # noqa: PLC0415
    from reconciler.manifest.load import load  # noqa: PLC0415
    from reconciler.model import PARTICIPANTS, declared_conversations  # noqa: PLC0415

    def given(name: str) -> Any:
        return ctx.params.get(name) or ()

    try:
        settings = in_force(ctx)
        inputs = Inputs(
            os.environ,
            given("value_files"),
            given("assignments"),
            given("allowed_env"),
            defaults=settings.variables,
            settings_file=settings.path,
        )
        paths = given("paths") or settings.manifests or (Path(DEFAULT_MANIFESTS),)
        desired: Desired = load(paths, inputs, known=ParsedFiles.of_user())
    except (ReconcilerError, OSError):
        return
    for service in desired.services:
        yield service.name
    for address, conversation in declared_conversations(desired):
        yield address
        yield from (f"{address}/{PARTICIPANTS}/{person.key}" for person in conversation.participants)
        yield from (f"{address}/{message.key}" for message in conversation.messages)
