"""Commands that read the settings file: all that read manifests or a state, or send requests."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from reconciler.cli.for_programs import notice_format
from reconciler.cli.options.declare import variable_of
from reconciler.cli.options.encryption import encryption_option
from reconciler.cli.outputs import require_apart
from reconciler.cli.param_types import ADDRESSES, FILE
from reconciler.cli.settings.chosen import Chosen, choose, put_in_force, refuse_overrides
from reconciler.errors import ReconcilerError, UsageError
from reconciler.manifest.files import SETTINGS_NAME

if TYPE_CHECKING:
    from reconciler.cli.settings.file import SettingsFile

_FROM_SETTINGS: Final = frozenset({"endpoint", "paths", "source", "state"})
"""Parameters that the settings file decides, or a state of an environment: a command with one reads it."""


class Command(click.Command):
    """A command; it has `--config` and `--env` if the settings file decides any of its parameters.

    That file gives the defaults of options: command line and environment variables win.
    """

    def __init__(self, *args: Any, **settings: Any) -> None:
        super().__init__(*args, **settings)
        self._config = click.Option(
            ["--config"],
            type=FILE,
            envvar=variable_of("--config"),
            expose_value=False,
            help=f"The settings file. [default: {SETTINGS_NAME}, if it is there]",
        )
        self._env = click.Option(
            ["--env"],
            envvar=variable_of("--env"),
            expose_value=False,
            metavar="NAME",
            shell_complete=_environments,
            help="The environment of the settings file to work in.",
        )
        self._is_configured = not _FROM_SETTINGS.isdisjoint(str(one.name) for one in self.params)
        if self._is_configured:
            self.params += [self._config, self._env]
            encryption_option(self)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put the settings in force that `--config` and `--env` name, and parse *args*."""
        notice_format(ctx, args)
        if self._is_configured:
            given, _, _ = self.make_parser(ctx).parse_args([*args])
            if ctx.resilient_parsing:  # a shell asks what fits: with mistakes, as if there were no settings
                with suppress(click.ClickException, ReconcilerError):
                    put_in_force(ctx, self._chosen(ctx, given))
            elif (asked := self.get_help_option(ctx)) is None or not given.get(str(asked.name)):
                put_in_force(ctx, self._chosen(ctx, given))
        return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command, unless it would write over a file that must stay as it is; raises UsageError."""
        require_apart(ctx)
        return super().invoke(ctx)

    def _chosen(self, ctx: click.Context, given: dict[str, Any]) -> Chosen:
        config = given.get("config", self._config.resolve_envvar_value(ctx))
        environment = given.get("env", self._env.resolve_envvar_value(ctx))
        if environment == "":
            raise UsageError("`--env` is empty", hint="name an environment, or leave it out")
        path = None if config is None else FILE.convert(config, self._config, ctx)
        chosen = choose(_read(path), environment or "")
        if "env" in given:
            sends = any(one.name == "endpoint" for one in self.params)
            refuse_overrides(chosen, os.environ, given, sends=sends)
        return chosen


class BareOptions(Command):
    """A command whose options of the type `ADDRESSES` need no value.

    The next argument is the value, unless it is another option, or the name of a file or folder.
    """

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Join each such option and its value by `=`, and parse the result as any command does."""
        optional = {name for option in self.params if option.type is ADDRESSES for name in option.opts}
        given: list[str] = []
        before = ""
        for at, arg in enumerate(args):
            if arg == "--":
                return super().parse_args(ctx, [*given, *args[at:]])
            if before in optional and not arg.startswith("-") and not Path(arg).exists():
                given[-1] = f"{before}={arg}"
            else:
                given.append(f"{arg}=true" if arg in optional else arg)
            before = arg
        return super().parse_args(ctx, given)


def _read(path: Path | None) -> SettingsFile | None:
    """Return the settings file at *path*, or if that is None that of the current folder, if any."""
    if path is None and not os.path.lexists(SETTINGS_NAME):
        return None
    from reconciler.cli.settings.file import read_settings  # noqa: PLC0415  # ruamel.yaml

    return read_settings(path or Path(SETTINGS_NAME), is_named=path is not None)


def _environments(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Return the environments that begin with *incomplete*, for shells; none where the file has mistakes."""
    del param
    try:
        file = _read(ctx.params.get("config"))
    except ReconcilerError:
        return []
    names = file.environments if file is not None else {}
    return [name for name in names if name.startswith(incomplete)]
