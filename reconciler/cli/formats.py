"""The formats of one run: at most one goes to the screen, any number of others into files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypedDict

from msgspec import Struct

from reconciler.cli.streams import say, writing
from reconciler.errors import UsageError
from reconciler.runtime.atomic_file import require_writable, write_whole

if TYPE_CHECKING:
    from reconciler.report.disclosure import Bodies

FORMATS: Final = ("text", "json", "jsonl", "markdown", "github", "html")


class Policy(TypedDict, total=False):
    """How much of texts a report shows."""

    bodies: Bodies
    """The value of `--bodies`."""
    hash_key: str
    """The key of the digests that stand in the place of texts; each run has its own."""


class Format(Struct, frozen=True):
    """One format of the output."""

    name: str
    """One of `FORMATS`."""
    file: Path | None
    """The file that it is written to; None for the screen."""

    def write(self, text: str | Iterator[bytes], *, color: bool | None = None) -> None:
        """Print *text* on the screen, or make it the whole content of the file."""
        if self.file is None:
            for piece in [text] if isinstance(text, str) else text:
                say(piece, nl=False, color=color)
            return
        with writing(self.file):
            write_whole(self.file, text.encode() if isinstance(text, str) else text)


def parse(formats: Sequence[str], known: Sequence[str] = FORMATS) -> list[Format]:
    """Parse `FORMAT[=FILE]…`; without another format for the screen, text goes there.

    Raises UsageError, also for a file that cannot be written: the work would be done before that shows.
    """
    parsed = []
    for item in formats:
        name, _, file = item.partition("=")
        if name not in known:
            raise UsageError(f"unknown format `{name}`", hint=f"this command knows {', '.join(known)}")
        parsed.append(Format(name, Path(file) if file else None))
    shown = [one.name for one in parsed if one.file is None]
    if len(shown) > 1:
        raise UsageError(
            f"`--format {shown[0]}` and `--format {shown[1]}` both go to the screen",
            hint=f"send one to a file: `--format {shown[1]}=FILE`",
        )
    for one in parsed:
        if one.file is not None:
            with writing(one.file):
                require_writable(one.file)
    return parsed if shown else [Format("text", None), *parsed]
