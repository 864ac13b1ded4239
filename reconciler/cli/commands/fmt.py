"""The command `fmt`: put manifests into canonical form."""

from __future__ import annotations

from difflib import unified_diff
from pathlib import Path
from typing import TYPE_CHECKING

import click

from reconciler.cli.command import Command
from reconciler.cli.options.declare import group, option
from reconciler.cli.options.manifests import Layouts, paths, sizes
from reconciler.cli.settings.chosen import in_force
from reconciler.cli.streams import say
from reconciler.errors import ManifestError, Problem, ReconcilerError, UsageError
from reconciler.runtime.atomic_file import write_whole
from reconciler.text.inert import escape

if TYPE_CHECKING:
    from reconciler.manifest.limits import Reading


@click.command(cls=Command, epilog="Example: reconciler fmt --check manifests")
@group(
    "layouts",
    Layouts,
    paths,
    option("--check", is_flag=True, help="Write nothing; exit 1 if a file is not formatted."),
    option("--diff", is_flag=True, help="Write nothing; show what would change."),
    sizes,
)
def fmt(layouts: Layouts, *, check: bool, diff: bool) -> int:
    """Put manifests into canonical form, and name the files that were not.

    Comments and order stay as they are. Prettier agrees, with the options of examples/.prettierrc.
    """
    from reconciler.manifest.limits import limited  # noqa: PLC0415

    with limited(layouts.limits()):
        return _format(layouts.named(), check=check, diff=diff)


def _format(paths: tuple[Path, ...], *, check: bool, diff: bool) -> int:
    from reconciler.manifest.files import manifest_files  # noqa: PLC0415
    from reconciler.manifest.limits import Reading  # noqa: PLC0415

    problems: list[Problem] = []
    changed = 0
    reading = Reading()
    for file in manifest_files(paths, in_force().path):
        try:
            before, after = _formatted(file, reading)
        except ManifestError as error:
            problems += error.problems
            continue
        if before == after.encode():
            continue
        changed += 1
        say("\n".join(_diff(file, before, after)) if diff else escape(str(file)))
        if not check and not diff:
            _write(file, after)
    if problems:
        raise ManifestError(tuple(problems))
    return 1 if check and changed else 0


def _formatted(file: Path, reading: Reading) -> tuple[bytes, str]:
    """Return the bytes of *file* and its canonical form; raises ManifestError if it is no YAML."""
    from reconciler.manifest.parse import parse  # noqa: PLC0415  # pydantic-core
    from reconciler.manifest.yaml.format import format_text  # noqa: PLC0415
    from reconciler.manifest.yaml.reader import Irregular  # noqa: PLC0415
    from reconciler.runtime.text_file import NotText, decoded  # noqa: PLC0415

    try:
        data = reading.read(file)
    except OSError as error:
        raise UsageError(f"cannot read `{file}`: {(error.strerror or str(error)).lower()}") from error
    try:
        return data, format_text(decoded(data))
    except (NotText, Irregular):
        raise ManifestError(parse(data, str(file)).problems) from None
    except ReconcilerError as error:
        raise ReconcilerError(f"`{file}` {error.text}", hint=error.hint) from error


def _write(file: Path, text: str) -> None:
    try:
        write_whole(file.resolve(), text.encode(), follow_folders=True)  # a link that is named is followed
    except OSError as error:
        raise UsageError(f"cannot write `{file}`: {(error.strerror or str(error)).lower()}") from error


def _diff(file: Path, before: bytes, after: str) -> list[str]:
    """Return the lines of a diff that `patch` takes, escaped, as strangers may have written the text.

    What is escaped in it no longer fits the file; a carriage return before the end of a line stays.
    """
    from reconciler.runtime.text_file import decoded  # noqa: PLC0415

    shown = []
    for line in unified_diff(_lines(decoded(before)), _lines(after), str(file), f"{file} (formatted)"):
        text = line.removesuffix("\n")
        end = "\r" if text != line and text.endswith("\r") else ""  # a terminal obeys it, to no effect
        shown.append(escape(text.removesuffix(end)) + end)
        if text == line:
            shown.append("\\ No newline at end of file")
    return shown


def _lines(text: str) -> list[str]:
    """Return the lines of *text* with their ends, as `patch` counts them."""
    *lines, last = text.split("\n")
    return [f"{line}\n" for line in lines] + ([last] if last else [])
