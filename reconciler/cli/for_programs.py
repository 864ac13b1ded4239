"""What programs read on standard output: a command that was asked for JSON gives its errors as JSON too."""

from __future__ import annotations

import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final

import click

from reconciler._version import __version__
from reconciler.errors import Interrupted, ReconcilerError
from reconciler.runtime.atomic_file import open_stream

if TYPE_CHECKING:
    from reconciler.report.jsonl import EventStream

_FORMATS: Final = frozenset({"json", "jsonl"})


class ForPrograms:
    """The output of one command for programs: a JSON document, streams of events, or lines of a report."""

    def __init__(self) -> None:
        self.format = ""
        """`json` or `jsonl`, or `text` for a report, as the screen was asked for; else empty."""
        self.is_answered = False
        """Whether the JSON document is printed."""
        self._streams: dict[Path | None, EventStream] = {}

    def stream(self, file: Path | None) -> EventStream:
        """Return the stream of events into *file*, or on standard output (None); raises OSError."""
        from reconciler.cli.clock import precisely_now  # noqa: PLC0415  # msgspec, which `--help` does without
        from reconciler.report.jsonl import EventStream  # noqa: PLC0415

        if file not in self._streams:
            stream: BinaryIO = sys.stdout.buffer if file is None else open_stream(file)
            self._streams[file] = EventStream(
                stream, version=__version__, timestamp=precisely_now, seconds=time.monotonic
            )
        return self._streams[file]

    def tell(self, error: ReconcilerError | Interrupted) -> None:
        """Tell programs of *error*, which ends the command: on the screen, and in the open streams.

        Files are left as they are: the error may be about their names.
        """
        with suppress(OSError):  # the reader is gone, or the disk is full: only the exit code tells
            if self.format == "jsonl":
                self.stream(None)
            for stream in self._streams.values():
                stream.error(error)
            if isinstance(error, ReconcilerError):
                self.end_report(error)
            if self.format == "json" and not self.is_answered:
                from reconciler.report.diagnostics import error_document  # noqa: PLC0415
                from reconciler.report.json import encode  # noqa: PLC0415

                click.echo(encode(error_document(error, __version__), indent=2), nl=False)

    def end_report(self, error: ReconcilerError) -> None:
        """Print a last line for programs that read reports and show what stands behind `Error: `."""
        if self.format == "text" and not sys.stderr.isatty():
            from reconciler.report.errors import in_one_line  # noqa: PLC0415
            from reconciler.text.inert import escape  # noqa: PLC0415

            click.echo(f"Error: {escape(in_one_line(error))}", err=True)


def for_programs(context: click.Context | None = None) -> ForPrograms:
    """Return the output for programs of the command of *context*, or of the one that runs."""
    context = context or click.get_current_context(silent=True)
    return context.ensure_object(ForPrograms) if context is not None else ForPrograms()


def notice_format(context: click.Context, args: list[str]) -> None:
    """Take note of the format that *args* ask for on the screen, although other arguments may be wrong."""
    option = next((one for one in context.command.params if "--format" in one.opts), None)
    if not isinstance(option, click.Option):
        return
    programs = for_programs(context)
    if option.multiple:  # of reports, any number can be asked for
        programs.format = "text"
    parser = context.command.make_parser(context)
    parser.ignore_unknown_options = True
    with suppress(click.ClickException):
        given, _, _ = parser.parse_args([*args])
        value = given.get(str(option.name), option.value_from_envvar(context))
        for name in [value] if isinstance(value, str) else value or ():
            if name in _FORMATS:
                programs.format = name
