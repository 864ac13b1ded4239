"""The commands that need neither Twilio nor a state: validate, schema, version, emulator."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
import msgspec

from reconciler import __version__
from reconciler.cli import options as shared
from reconciler.cli.kinds import FILE
from reconciler.cli.screen import parse
from reconciler.cli.streams import say
from reconciler.errors import ManifestError


@click.command(epilog="Example: reconciler validate examples/quickstart")
@shared.manifests
@shared.option("--format", "formats", multiple=True, metavar="FORMAT", help="text, json or github.")
def validate(paths: tuple[Path, ...], formats: tuple[str, ...], **given: Any) -> int:
    """Check manifests offline; all problems are reported in one run."""
    from reconciler.planner.timeline import resolve_times  # noqa: PLC0415

    form = parse(formats, ("text", "json", "github"))[0].name
    try:
        desired = shared.desired(paths, given)
    except ManifestError as error:
        if form == "github":
            from reconciler.report.github import problem_annotations  # noqa: PLC0415

            say("\n".join(problem_annotations(error)))
        if form != "json":
            raise
        problems = [
            {
                "severity": "error",
                "summary": problem.text,
                "detail": problem.hint or "",
                "range": {
                    "filename": problem.path,
                    "start": {"line": problem.line, "column": problem.column},
                },
            }
            for problem in error.problems
        ]
        _print_diagnostics({"valid": False, "error_count": len(problems), "diagnostics": problems})
        return 1
    conversations = [one for service in desired.services for one in service.conversations]
    messages = sum(len(one.messages) for one in conversations)
    warnings = resolve_times(desired, None, datetime.now(UTC)).warnings
    if form == "json":
        diagnostics = [
            {"severity": "warning", "summary": one.text, "detail": "", "address": one.address}
            for one in warnings
        ]
        _print_diagnostics({"valid": True, "error_count": 0, "diagnostics": diagnostics})
        return 0
    if warnings and form == "github":
        from reconciler.report.github import warning_annotations  # noqa: PLC0415

        say("\n".join(warning_annotations(warnings, desired)))
    elif warnings:
        from reconciler.report.paint import Paint  # noqa: PLC0415
        from reconciler.report.text import warnings as warning_lines  # noqa: PLC0415

        for lines in warning_lines(warnings, Paint(color=False)):
            click.echo("\n".join(lines), err=True)
    say(
        f"Success! The manifests are valid: {_count(messages, 'message')} "
        f"in {_count(len(conversations), 'conversation')}."
    )
    return 0


@click.command(epilog="Example: reconciler schema manifest > manifest.schema.json")
@click.argument("name", type=click.Choice(["manifest", "plan", "state"]), default="manifest")
def schema(name: str) -> None:
    """Print a JSON Schema: of the manifest, of `plan --format json`, or of the state."""
    _print_json(_schema(name))


@click.command(epilog="Example: reconciler version --format json")
@shared.option("--format", "form", type=click.Choice(["text", "json"]), default="text")
def version(form: str) -> None:
    """Print the version."""
    if form == "json":
        _print_json({"reconciler_version": __version__, "python_version": sys.version.split()[0]})
    else:
        say(f"reconciler {__version__}")


@click.command(epilog="Example: reconciler emulator --port 8010 --data demo.db")
@shared.option("--port", type=click.IntRange(0, 65535), default=8010, show_default=True, help="0: any free.")
@shared.option(
    "--data",
    type=FILE,
    metavar="FILE",
    help="Keep everything in this file. [default: in memory]",
)
@shared.option(
    "--max-page-size",
    type=click.IntRange(min=1),
    default=1000,
    show_default=True,
    help="How many messages a page holds at most.",
)
@shared.option("--refuse-large-pages", is_flag=True, help="Refuse a larger page instead of granting less.")
@shared.option("--require-token", metavar="TOKEN", help="Accept only this password.")
@shared.option(
    "--fault",
    "faults",
    multiple=True,
    metavar="RULE",
    help="Make trouble, such as create_message:3:reset_after or *:p=0.1:429. May be repeated.",
)
@shared.option("--fault-seed", type=int, default=0, show_default=True, help="Seed of random trouble.")
def emulator(port: int, data: Path | None, **given: Any) -> None:
    """Serve a local Twilio Conversations on 127.0.0.1 until it is stopped."""
    from reconciler.emulator import EmulatorOptions  # noqa: PLC0415
    from reconciler.emulator.fault_text import parse_fault  # noqa: PLC0415
    from reconciler.emulator.server import serve  # noqa: PLC0415  # uvicorn

    options = EmulatorOptions(
        max_page_size=given["max_page_size"],
        refuse_large_pages=given["refuse_large_pages"],
        auth_token=given["require_token"],
        faults=tuple(parse_fault(text) for text in given["faults"]),
        fault_seed=given["fault_seed"],
    )
    serve(port=port, data=data, options=options)


def _schema(name: str) -> dict[str, Any]:
    if name == "manifest":
        from reconciler.manifest.models import manifest_schema  # noqa: PLC0415  # pydantic

        return manifest_schema()
    if name == "plan":
        from reconciler.report.shapes import plan_schema  # noqa: PLC0415

        return plan_schema()
    from reconciler.state.document import state_schema  # noqa: PLC0415

    return state_schema()


def _print_diagnostics(document: dict[str, Any]) -> None:
    """Print JSON that holds what strangers wrote."""
    from reconciler.report.json import encode  # noqa: PLC0415

    say(msgspec.json.format(encode(document).decode(), indent=2))


def _print_json(value: Any) -> None:
    say(msgspec.json.format(msgspec.json.encode(value), indent=2))


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
