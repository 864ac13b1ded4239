"""The kinds of values that options and arguments take, where click's own let through what makes no sense."""

from __future__ import annotations

import os
from math import isnan
from pathlib import Path
from typing import Any, Final

import click


class NamedPath(click.Path):
    """The path of something; an empty text, such as a variable of a script that is not set, names nothing."""

    def convert(
        self, value: str | os.PathLike[str], param: click.Parameter | None, ctx: click.Context | None
    ) -> Any:
        """Return *value* as a path, or fail."""
        if not os.fspath(value):
            self.fail("it is empty", param, ctx)
        return super().convert(value, param, ctx)


class Number(click.FloatRange):
    """A number in a range; click itself lets `nan` into any."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return *value* as a number of the range, or fail."""
        number: float = super().convert(value, param, ctx)
        if isnan(number):
            self.fail(f"{value!r} is not a number.", param, ctx)
        return number


class BareOptions(click.Command):
    """A command some of whose options, those of `ADDRESSES`, can stand alone.

    What follows such an option is its value, unless it is another option, or names a file or folder.
    """

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Write the value of each such option behind a `=`, and parse that as any command does."""
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


_WORDS: Final = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


def _addresses(value: Any) -> Any:
    return _WORDS.get(value, value) if isinstance(value, str) else value


ADDRESSES: Final = click.types.FuncParamType(_addresses)
"""All addresses, or those that a glob names: the value of an option that can stand alone."""


PATH: Final = NamedPath(path_type=Path)


FILE: Final = NamedPath(path_type=Path, dir_okay=False)


EXISTING_FILE: Final = NamedPath(path_type=Path, dir_okay=False, exists=True)
