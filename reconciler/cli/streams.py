"""Print, complain and ask on the standard streams, also on closed ones and those of few characters."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import TextIOWrapper, UnsupportedOperation
from pathlib import Path
from typing import Final, TextIO

import click

from reconciler.errors import ReconcilerError, UsageError

_NO: Final = frozenset(("", "0", "f", "false", "n", "no", "off"))
"""The values of a variable that click takes for no."""
_COLUMNS: Final = 80
_HINTS: Final = {
    errno.ELOOP: "name the file itself, or remove the link",
    errno.EINVAL: "name a file; devices and pipes are not written",
    errno.ENOENT: "make its folder first, or name another place",
    errno.ENOTDIR: "a part of its path is a file: name another place",
    errno.EEXIST: "a part of its path is a file: name another place",
    errno.EISDIR: "it is a folder: name a file",
    errno.EACCES: "make its folder writable for you, or name another place",
    errno.EPERM: "make its folder writable for you, or name another place",
    errno.EROFS: "name a place in a folder that can be written to",
    errno.ENOSPC: "free some space on that disk, or name another place",
    errno.EDQUOT: "free some of your quota, or name another place",
    errno.ENAMETOOLONG: "give it a shorter name",
}


def prepare() -> None:
    """Make the standard streams usable: a closed one is empty, and any text can be written and read."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            # It takes the descriptor of the closed stream, which the next file that is opened would get.
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: PTH123, SIM115
        stream = getattr(sys, name)
        if isinstance(stream, TextIOWrapper):
            with suppress(UnsupportedOperation):  # something was read already
                stream.reconfigure(errors="backslashreplace")


def finish() -> None:
    """Drop buffered output that cannot be written, as the disk is full or the reader is gone.

    Python would try once more as it exits, print a traceback, and exit with 120.
    """
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def colored(stream: TextIO) -> bool:
    """Return whether *stream* is a terminal that may show colour.

    This looks at `sys.argv` and not at parsed options, as errors in the options are coloured too.
    """
    plain = os.environ.get("RECONCILER_NO_COLOR", "").lower() not in _NO
    return obeys_escapes(stream) and not (plain or "NO_COLOR" in os.environ or "--no-color" in sys.argv)


def obeys_escapes(stream: TextIO) -> bool:
    """Return whether *stream* is a terminal that obeys escape sequences; one without a name may not."""
    unnamed = "" if os.name == "posix" else "windows"
    return stream.isatty() and os.environ.get("TERM", unnamed) not in {"", "dumb"}


def columns(stream: TextIO) -> int:
    """Return how many cells a line of the terminal *stream* has now; 80 where it does not tell."""
    try:
        return os.get_terminal_size(stream.fileno()).columns or _COLUMNS
    except (OSError, ValueError):
        return _COLUMNS


def say(text: str | bytes, *, nl: bool = True, color: bool | None = None) -> None:
    """Print *text* on standard output; raises UsageError if it cannot be written."""
    with writing(None):
        click.echo(text, nl=nl, color=color)


def complain(error: ReconcilerError) -> None:
    """Print an error and its hint on stderr; if that cannot be written, only the exit code tells of it."""
    from reconciler.report.errors import render_error  # noqa: PLC0415  # only when it went wrong

    with suppress(OSError):
        click.echo(render_error(error, color=colored(sys.stderr)), err=True, nl=False)


def ask(question: str) -> bool:
    """Ask a person on stderr, and return whether the answer is `yes`.

    Raises UsageError if nobody can answer: standard input is no terminal, and has ended.
    """
    click.echo(f"{question} Only `yes` approves: ", err=True, nl=False)
    answer = sys.stdin.readline()
    if not answer and not sys.stdin.isatty():
        click.echo(err=True)
        raise UsageError(
            "nobody can approve this: standard input is no terminal, and has ended",
            hint="pass `--auto-approve` where nobody is to be asked",
        )
    return answer.strip() == "yes"


@contextmanager
def writing(file: Path | None) -> Iterator[None]:
    """Raise UsageError if *file*, or standard output (None), cannot be written.

    BrokenPipeError passes: the reader of a pipe went away, which is no error of the user.
    """
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        place = "the output" if file is None else f"`{file}`"
        hint = None if file is None else hint_of(error)
        raise UsageError(f"cannot write {place}: {reason_of(error)}", hint=hint) from error


def reason_of(error: OSError) -> str:
    """Return the reason that the system gives, as the end of a sentence."""
    text = error.strerror or str(error)
    return text[:1].lower() + text[1:]


def hint_of(error: OSError) -> str | None:
    """Return what to do about a file that cannot be written, or None if the reason alone tells it."""
    return _HINTS.get(error.errno or 0)
