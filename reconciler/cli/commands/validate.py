"""The command `validate`: check manifests, offline."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from reconciler.cli.command import Command
from reconciler.cli.formats import Format, parse
from reconciler.cli.options.declare import option
from reconciler.cli.options.manifests import Manifests, manifests
from reconciler.errors import ManifestError
from reconciler.text.words import counted

if TYPE_CHECKING:
    from reconciler.model import Desired
    from reconciler.plans.plan import PlanWarning
    from reconciler.report.diagnostics import Diagnostic


@click.command(cls=Command, epilog="Example: reconciler validate examples/quickstart")
@manifests
@option(
    "--format",
    "formats",
    multiple=True,
    metavar="FORMAT[=FILE]",
    help="text, json or github; with =FILE, into a file. May be repeated.",
)
def validate(manifests: Manifests, formats: tuple[str, ...]) -> int:
    """Check manifests offline; all problems are reported in one run."""
    from reconciler.planner.timeline import resolve_times  # noqa: PLC0415

    forms = parse(formats, ("text", "json", "github"))
    try:
        desired = manifests.load()
    except ManifestError as error:
        _refuse(error, forms)
        if any(one.name == "json" and one.file is None for one in forms):
            return 1  # the document on the screen names all problems
        raise
    warnings = resolve_times(desired, None, datetime.now(UTC)).warnings
    for one in forms:
        one.write(_success(one, desired, warnings))
    return 0


def _refuse(error: ManifestError, forms: Sequence[Format]) -> None:
    """Write the problems in each of *forms*, except as text on the screen: `main` prints the error there."""
    for one in forms:
        if one.name == "json":
            from reconciler.report.diagnostics import of_error  # noqa: PLC0415

            one.write(_document(list(of_error(error)), errors=len(error.problems)))
        elif one.name == "github":
            from reconciler.report.github import problem_annotations  # noqa: PLC0415

            one.write("".join(f"{line}\n" for line in problem_annotations(error)))
        elif one.file is not None:
            from reconciler.report.errors import render_error  # noqa: PLC0415

            one.write(render_error(error))


def _success(one: Format, desired: Desired, warnings: Sequence[PlanWarning]) -> str:
    """Return the report on valid manifests; warnings that belong to text on the screen go to stderr."""
    if one.name == "json":
        from reconciler.report.diagnostics import of_warning  # noqa: PLC0415

        return _document([of_warning(each) for each in warnings], errors=0)
    lines: list[str] = []
    if warnings and one.name == "github":
        from reconciler.report.github import warning_annotations  # noqa: PLC0415

        lines += warning_annotations(warnings, desired)
    elif warnings:
        from reconciler.report.color import Paint  # noqa: PLC0415
        from reconciler.report.text import warnings as warning_lines  # noqa: PLC0415

        lines += [line for text in warning_lines(tuple(warnings), Paint(color=False)) for line in text]
        if one.file is None:
            click.echo("\n".join(lines), err=True)
            lines.clear()
    conversations = [each for service in desired.services for each in service.conversations]
    messages = sum(len(each.messages) for each in conversations)
    lines.append(
        f"Success! The manifests are valid: {counted(messages, 'message')} "
        f"in {counted(len(conversations), 'conversation')}."
    )
    return "".join(f"{line}\n" for line in lines)


def _document(diagnostics: Sequence[Diagnostic], *, errors: int) -> str:
    """Return the document of `terraform validate -json` with *diagnostics*, of which some are *errors*."""
    from reconciler.report.json import encode  # noqa: PLC0415
    from reconciler.report.terraform import VALIDATE_VERSION  # noqa: PLC0415

    document = {
        "format_version": VALIDATE_VERSION,
        "valid": not errors,
        "error_count": errors,
        "warning_count": len(diagnostics) - errors,
        "diagnostics": diagnostics,
    }
    return encode(document, indent=2).decode()
