"""Where output goes: one format to the screen, any number of others into files, in one run."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from msgspec import Struct

from reconciler.cli.streams import say, writing
from reconciler.errors import UsageError
from reconciler.runtime.atomic_file import require_writable, write_whole

FORMATS: Final = ("text", "json", "jsonl", "markdown", "github")


class Format(Struct, frozen=True):
    """A format and where it goes; None is the screen."""

    name: str
    file: Path | None

    def write(self, text: str, *, color: bool | None = None) -> None:
        """Put *text* on the screen, or in the place of what the file held."""
        if self.file is None:
            say(text, nl=False, color=color)
            return
        with writing(self.file):
            write_whole(self.file, text.encode())


def parse(formats: Sequence[str], known: Sequence[str] = FORMATS) -> list[Format]:
    """Read `FORMAT[=FILE]…`; text goes to the screen where nothing else does.

    Raises UsageError, also for a file that could not be written once there is something to write.
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
