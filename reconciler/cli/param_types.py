"""Types of options and arguments, where those of click accept values that make no sense."""

from __future__ import annotations

import os
from math import isnan, nan
from pathlib import Path
from typing import Any, Final

import click


class NamedPath(click.Path):
    """A path that is not empty: a variable that a script forgot to set must not mean the working folder."""

    def convert(
        self, value: str | os.PathLike[str], param: click.Parameter | None, ctx: click.Context | None
    ) -> Any:
        """Return *value* as a path, or fail."""
        if not os.fspath(value):
            self.fail("it is empty", param, ctx)
        return super().convert(value, param, ctx)


class Number(click.FloatRange):
    """A number in a range; unlike click's own type it refuses `nan`, which is in no range."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return *value* as a number of the range, or fail."""
        number: float = super().convert(value, param, ctx)
        if isnan(number):
            self.fail(f"{value!r} is not a number.", param, ctx)
        return number


class Duration(click.ParamType[float]):
    """A length of time, such as `30s`, `5m`, `2h` or `1d`, as a number of seconds from *least* on.

    With *bare*, a number without a unit is one of seconds.
    """

    name = "duration"

    def __init__(self, *, least: float, bare: bool = False) -> None:
        self._least = least
        self._bare = bare

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return *value* in seconds, or fail."""
        if isinstance(value, float):
            return value
        number, unit = value[:-1], value[-1:]
        if self._bare and unit not in _SECONDS:
            number, unit = value, "s"
        try:
            seconds = float(number) * _SECONDS[unit]
        except (ValueError, KeyError):
            seconds = nan
        if not self._least <= seconds <= _LONGEST:
            self.fail(f"{value!r} is no duration, such as 30s, 5m, 2h or 1d.", param, ctx)
        return seconds


_SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_LONGEST: Final = 100 * 365 * 86_400.0
"""Seconds in a hundred years: a longer time is a mistake."""
DURATION: Final = Duration(least=0.001, bare=True)
"""A pause or a wait."""
AGE: Final = Duration(least=0.0)
"""An age from which on things are deleted. It needs a unit: 2 could mean hours."""


_WORDS: Final = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


def _addresses(value: Any) -> Any:
    return _WORDS.get(value, value) if isinstance(value, str) else value


ADDRESSES: Final = click.types.FuncParamType(_addresses)
"""True for all addresses, False for none, or a glob: the value of an option such as `--adopt`."""


PATH: Final = NamedPath(path_type=Path)


class Place(NamedPath):
    """A file, or the address of a state away from this machine, which stays a text."""

    def convert(
        self, value: str | os.PathLike[str], param: click.Parameter | None, ctx: click.Context | None
    ) -> Any:
        """Return a path or an address, or fail."""
        from reconciler.state.stores.opening import is_address  # noqa: PLC0415

        if isinstance(value, str) and is_address(value):
            return value
        return super().convert(value, param, ctx)


PLACE: Final = Place(path_type=Path, dir_okay=False)


FILE: Final = NamedPath(path_type=Path, dir_okay=False)


EXISTING_FILE: Final = NamedPath(path_type=Path, dir_okay=False, exists=True)


STDIN: Final = Path("-")
INPUT: Final = NamedPath(path_type=Path, dir_okay=False, exists=True, allow_dash=True)
"""A file that exists, or `STDIN` for standard input."""
