"""The files that a command writes: none of them is read by it, is written twice, or is this tool's own.

Its own are settings files, states and the data of emulators, each with what lies beside it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple

import click

from reconciler.cli.options.manifests import DEFAULT_MANIFESTS
from reconciler.cli.param_types import PATH
from reconciler.cli.settings.chosen import in_force
from reconciler.errors import UsageError
from reconciler.manifest.files import SETTINGS_NAME, is_manifest

_BEGINNING: Final = 200
"""Bytes that tell what a file is."""
_ELSEWHERE: Final = "give it another name: what is there is needed as it is"


class Written(NamedTuple):
    """A file that a command will write."""

    option: str
    """The option that names it."""
    file: Path
    """Its path, as the user wrote it."""
    is_manifest: bool = False
    """Whether a manifest is written, or a folder of some."""


def require_apart(context: click.Context) -> None:
    """Raise UsageError if a file that the command of *context* will write must stay as it is.

    Nothing needs to be there yet: links are followed, and paths are compared.
    """
    written = list(_written(context))
    state = context.params.get("state")
    beside = state if isinstance(state, Path) and "paths" in context.params else None
    if not written and beside is None:
        return
    manifests = _manifests(context)
    if beside is not None:
        _require_no_manifest_as_state(beside, context, manifests)
    read = {_real(file) for file in _read(context)}
    names: dict[Path, str] = {}
    for one in written:
        require_not_ours(one, context)
        _require_unread(one, read, () if one.is_manifest else manifests)
        real = _real(one.file)
        if real in names:
            raise UsageError(
                f"`{one.option}` names `{one.file}`, which `{names[real]}` names too",
                hint="give each a file of its own",
            )
        names[real] = one.option


def require_not_ours(one: Written, context: click.Context) -> None:
    """Raise UsageError if the file is a state, an emulator's data, or lies beside one.

    Those of *context* are known by their names, and others by what they hold. A link is not opened: where it
    leads may be nobody's business, and nothing is written through it.
    """
    real, looks = _real(one.file), not one.file.is_symlink()
    what = (
        _of_the_settings(real, context)
        or _of_a_state(real, context, looks=looks)
        or _of_an_emulator(real, context, looks=looks)
    )
    if what:
        raise _refusal(one, what)


def require_not_beside(one: Written, context: click.Context) -> None:
    """Raise UsageError if a state is to be kept in a file that lies beside another, such as its journal."""
    if what := _of_a_state(_real(one.file), context, looks=not one.file.is_symlink(), beside=True):
        raise _refusal(one, what)


def _require_no_manifest_as_state(state: Path, context: click.Context, manifests: tuple[Path, ...]) -> None:
    """Raise UsageError if *state* is a settings file, or one that *manifests* name."""
    one = Written("--state", state)
    if what := _of_the_settings(_real(state), context):
        raise _refusal(one, what)
    given = {_real(path) for path in context.params["paths"]}
    if _real(state) in given:
        from reconciler.manifest.own_files import refuse_own_file  # noqa: PLC0415 - seldom needed

        with suppress(OSError):
            refuse_own_file(state)  # it was not only named as the state: it was given as a manifest
    _require_unread(one, given, manifests)


def _require_unread(one: Written, read: set[Path], manifests: tuple[Path, ...]) -> None:
    """Raise UsageError if the file is one of *read*, or one that *manifests* name."""
    real = _real(one.file)
    if real in read:
        raise _refusal(one, "read by this command")
    if is_manifest(one.file, manifests):
        raise UsageError(
            f"`{one.option}` names `{one.file}`, which would be read as a manifest",
            hint="give it a name that does not end in `.yaml` or `.yml`, or another folder",
        )


def _refusal(one: Written, what: str) -> UsageError:
    return UsageError(f"`{one.option}` names `{one.file}`, which is {what}", hint=_ELSEWHERE)


def _written(context: click.Context) -> Iterator[Written]:
    """Yield what the options `--out` and `--format` name, but for what is there and no file.

    Folders, pipes and devices are refused as such by whoever writes.
    """
    named = _named(context)
    yield from (one for one in named if one.is_manifest or one.file.is_file() or not one.file.exists())


def _named(context: click.Context) -> Iterator[Written]:
    for option in context.command.params:
        value = context.params.get(str(option.name))
        if "--out" in option.opts and isinstance(value, Path):
            yield Written("--out", value, is_manifest=option.type is PATH)
        elif "--format" in option.opts and isinstance(value, tuple):
            for form in value:
                name, _, file = form.partition("=")
                if file:
                    yield Written(f"--format {name}=…", Path(file))


def _read(context: click.Context) -> Iterator[Path]:
    """Yield the files that command line and settings give to be read, and folders of manifests."""
    for param in context.command.params:
        if isinstance(param.type, click.Path) and "--out" not in param.opts and param.name != "state":
            value = context.params.get(str(param.name))
            for one in value if isinstance(value, tuple) else (value,):
                if isinstance(one, Path):
                    yield one
    yield from (layer for layer in in_force(context).variables if isinstance(layer, Path))


def _manifests(context: click.Context) -> tuple[Path, ...]:
    """Return the paths of the manifests that this command reads, or another would read here."""
    named: tuple[Path, ...] = context.params.get("paths") or in_force(context).manifests
    return named or ((Path(DEFAULT_MANIFESTS),) if Path(DEFAULT_MANIFESTS).is_dir() else ())


def _of_the_settings(real: Path, context: click.Context) -> str:
    """Return what *real* is of the settings; empty if it is nothing of them."""
    settings = in_force(context).path
    if settings is not None and real == _real(settings):
        return "the settings file"
    return "a settings file" if real.name == SETTINGS_NAME else ""


def _of_a_state(real: Path, context: click.Context, *, looks: bool, beside: bool = False) -> str:
    """Return what *real* is of a state, such as its journal; empty if it is nothing of one.

    With *beside*, a state itself does not count.
    """
    from reconciler.state.document import is_state  # noqa: PLC0415 - few commands write files
    from reconciler.state.files import PARTS  # noqa: PLC0415
    from reconciler.state.sealed import is_sealed, is_sealed_plan  # noqa: PLC0415

    state = context.params.get("state")
    ours = _real(state) if isinstance(state, Path) else None
    for suffix, what in PARTS.items():
        whole = _without(real, suffix)
        if whole is None or (beside and not suffix):
            continue
        if whole == ours:
            return f"the {what} of this command" if not suffix else f"the {what} of the state `{state}`"
        data = _beginning(whole) if looks else b""
        if is_state(data) or (is_sealed(data) and not is_sealed_plan(data)):
            return f"a {what}" if not suffix else f"the {what} of the state `{whole.name}`"
    return ""


def _of_an_emulator(real: Path, context: click.Context, *, looks: bool) -> str:
    """Return what *real* is of an emulator's data; empty if it is nothing of it."""
    from reconciler.emulator.schema import BESIDE, SIGN  # noqa: PLC0415 - few commands write files
    from reconciler.twilio.endpoint import emulator_file  # noqa: PLC0415

    file = emulator_file(str(context.params.get("endpoint")))
    for suffix in ("", *BESIDE):
        whole = _without(real, suffix)
        if whole is not None and (
            whole == (file and _real(Path(file))) or (looks and _beginning(whole).startswith(SIGN))
        ):
            return "the data of an emulator"
    return ""


def _without(path: Path, suffix: str) -> Path | None:
    """Return *path* without *suffix*, or None if its name does not end in that, or is nothing else."""
    name = path.name.removesuffix(suffix)
    return path.with_name(name) if name and name + suffix == path.name else None


def _beginning(path: Path) -> bytes:
    """Return the first bytes of the regular file *path*; none where there is no such file, or no right."""
    from reconciler.runtime.regular_file import open_regular  # noqa: PLC0415

    with suppress(OSError), open_regular(path, follow=False) as file:
        return file.read(_BEGINNING)
    return b""


def _real(path: Path) -> Path:
    """Return *path* with all links followed; unlike Path.resolve, a loop of links raises nothing."""
    return Path(os.path.realpath(path))
