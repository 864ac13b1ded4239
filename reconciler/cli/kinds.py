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


PATH: Final = NamedPath(path_type=Path)
FILE: Final = NamedPath(path_type=Path, dir_okay=False)
EXISTING_FILE: Final = NamedPath(path_type=Path, dir_okay=False, exists=True)
