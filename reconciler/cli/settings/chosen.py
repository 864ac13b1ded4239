"""What the settings file says for one environment, or without one: the rest of the file."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click
from msgspec import Struct

from reconciler.errors import UsageError
from reconciler.manifest.files import SETTINGS_NAME
from reconciler.model.sids import canonical_sid
from reconciler.text.suggestions import close_to
from reconciler.text.words import quoted

if TYPE_CHECKING:
    from reconciler.cli.settings.file import SettingsFile
    from reconciler.manifest.diagnostics.findings import Loc
    from reconciler.manifest.inputs import Layer
    from reconciler.operations.connection import Guard

_OPTIONS: Final = ("endpoint", "parallelism", "rate", "lock_timeout", "comment_key", "encryption")
"""Settings that are the default of the option of that name."""
_NOT_OVERRIDDEN: Final = {"state": "RECONCILER_STATE", "endpoint": "RECONCILER_ENDPOINT"}
"""By setting: the environment variable that must not silently lead elsewhere."""
_ACCOUNT_VARIABLE: Final = "TWILIO_ACCOUNT_SID"
_KEY: Final = "reconciler.settings"
"""Where click's context keeps what was chosen."""


class Chosen(Struct, frozen=True):
    """The settings that are in force for one command."""

    path: Path | None = None
    """The settings file, as it was named; None if there is none."""
    environment: str = ""
    """The name of the environment; empty if none was chosen."""
    defaults: Mapping[str, Any] = {}
    """Defaults of options, by the names of their parameters."""
    places: Mapping[str, str] = {}
    """By setting: `file:line:column` of what holds."""
    manifests: tuple[Path, ...] = ()
    """The files and folders that are read where no PATH is given."""
    variables: tuple[Layer, ...] = ()
    """Values of variables; later ones win."""
    unchosen: tuple[str, ...] = ()
    """The environments of the settings file, where none was chosen."""
    named_at: Mapping[Path, str] = {}
    """By path in the settings, of manifests and of values of variables: `file:line:column`."""
    guard: Guard | None = None
    """The account that requests must go to, and the place that says so."""
    protected: bool = False
    """Whether every change takes the environment's name."""

    def or_environment(self, hint: str) -> str:
        """Return *hint*, and how to choose an environment where there are some and none was chosen."""
        names = " or ".join(f"`--env {name}`" for name in self.unchosen)
        return f"{hint}; or choose an environment of `{self.path}`: {names}" if names else hint

    def require_there(self, paths: Iterable[object]) -> None:
        """Raise UsageError for the first of *paths* that the settings file names and that is not there."""
        for path in paths:
            if isinstance(path, Path) and path in self.named_at and not path.exists():
                raise UsageError(
                    f"there is no `{path}`, which the settings file names ({self.named_at[path]})",
                    hint="correct it there, or make it",
                )


NO_SETTINGS: Final = Chosen()


def in_force(context: click.Context | None = None) -> Chosen:
    """Return the settings of the command of *context*, or of the one that runs."""
    context = context or click.get_current_context(silent=True)
    found: Chosen = NO_SETTINGS if context is None else context.meta.get(_KEY, NO_SETTINGS)
    return found


def put_in_force(context: click.Context, chosen: Chosen) -> None:
    """Let *chosen* be the settings of the command of *context*."""
    context.meta[_KEY] = chosen
    context.default_map = dict(chosen.defaults)


def choose(file: SettingsFile | None, environment: str) -> Chosen:
    """Return what *file* says for *environment*; empty is none.

    Raises UsageError, which lists the environments, for one that is not in the file.
    """
    if file is None:
        if environment:
            raise UsageError(
                f"`--env {environment}` needs a settings file, and there is no `{SETTINGS_NAME}` here",
                hint="`reconciler init` writes one; or name one with `--config FILE`",
            )
        return NO_SETTINGS
    if environment and environment not in file.environments:
        raise _unknown(file, environment)
    return _chosen(file, environment)


def _unknown(file: SettingsFile, environment: str) -> UsageError:
    meant = close_to(environment, file.environments)
    known = f"those that it has are {quoted(file.environments)}" if file.environments else "it has none"
    return UsageError(
        f"`{file.path}` has no environment `{environment}`: {known}",
        hint=f"did you mean `{meant}`?" if meant else "name one of them, or write it under `environments:`",
    )


def _chosen(file: SettingsFile, environment: str) -> Chosen:
    from reconciler.cli.settings.places import several  # noqa: PLC0415 - only with a settings file
    from reconciler.manifest.inputs import Given  # noqa: PLC0415
    from reconciler.operations.connection import Guard  # noqa: PLC0415
    from reconciler.state.stores.opening import is_address  # noqa: PLC0415

    folder = file.path.parent
    values: dict[str, Any] = {}
    places: dict[str, Loc] = {}
    layers: list[Layer] = []
    named_at: dict[Path, str] = {}
    for loc, home in file.homes(environment):
        values |= home
        places |= {name: (*loc, name) for name in home}
        layers += [folder / name for name in several(home.get("var_files", []))]
        for name in ("manifests", "var_files"):
            value = home.get(name, [])
            for number, text in enumerate(several(value)):
                at = (*loc, name, number) if isinstance(value, list) else (*loc, name)
                named_at[folder / text] = file.place(at, on_key=False)
        if given := home.get("variables"):
            positions = {name: file.position((*loc, "variables", name)) for name in given}
            layers.append(Given(str(file.path), given, positions))
    defaults: dict[str, Any] = {name: values[name] for name in _OPTIONS if name in values}
    if state := values.get("state"):
        defaults["state"] = state if is_address(state) else str(folder / state)
    return Chosen(
        path=file.path,
        environment=environment,
        defaults=defaults,
        places={name: file.place(loc) for name, loc in places.items()},
        manifests=tuple(folder / name for name in several(values.get("manifests", []))),
        variables=tuple(layers),
        named_at=named_at,
        unchosen=() if environment else tuple(file.environments),
        guard=Guard(canonical_sid(values["account"]), file.place(places["account"]))
        if "account" in values
        else None,
        protected=values.get("protected", False),
    )


def refuse_overrides(
    chosen: Chosen, environ: Mapping[str, str], given: Collection[str], *, sends: bool
) -> None:
    """Raise UsageError if a variable of *environ* leads elsewhere than the environment that was named.

    *given* are the parameters of the command line, which win over both. *sends* says whether the command
    sends requests, and so uses the account of *environ*.
    """
    for name, variable in _NOT_OVERRIDDEN.items():
        ours, theirs = chosen.defaults.get(name), environ.get(variable)
        if ours is not None and theirs and name not in given and theirs != ours:
            raise _overridden(chosen, name, variable, f"unset it, or pass `--{name}` if it is meant")
    account = environ.get(_ACCOUNT_VARIABLE)
    if sends and chosen.guard is not None and account and canonical_sid(account) != chosen.guard.sid:
        raise _overridden(chosen, "account", _ACCOUNT_VARIABLE, "use the credentials of that environment")


def _overridden(chosen: Chosen, name: str, variable: str, hint: str) -> UsageError:
    return UsageError(
        f"{variable} is set to something else than `{name}` of `--env {chosen.environment}` "
        f"({chosen.places[name]})",
        hint=hint,
    )
