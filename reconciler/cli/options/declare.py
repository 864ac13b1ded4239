"""Declare options, and gather the values of a group of them in one struct.

Every option has an environment variable: `RECONCILER_` and its name in capitals.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeAlias, TypeVar

import click
from msgspec import Struct

Command: TypeAlias = Callable[..., Any]
F = TypeVar("F", bound=Command)


def option(*names: str, **settings: Any) -> Callable[[F], F]:
    """Declare an option and its environment variable; *settings* are those of `click.option`."""
    long = next(name for name in names if name.startswith("--")).partition("/")[0]
    return click.option(*names, envvar=variable_of(long), **settings)


def variable_of(name: str) -> str:
    """Return the environment variable of the option *name*."""
    return "RECONCILER_" + name.removeprefix("--").replace("-", "_").upper()


def together(*decorators: Callable[[F], F]) -> Callable[[F], F]:
    """Apply several option decorators, so that `--help` lists them in this order."""

    def decorate(function: F) -> F:
        for decorator in reversed(decorators):
            function = decorator(function)
        return function

    return decorate


def group(
    name: str, struct: type[Struct], *decorators: Callable[[Command], Command]
) -> Callable[[Command], Command]:
    """Declare several options, and pass their values to the command as one *struct*, in its argument *name*.

    The fields of *struct* are called like the options. A field without an option keeps its default.
    """

    def decorate(command: Command) -> Command:
        @wraps(command)
        def called(*args: Any, **values: Any) -> Any:
            fields = {field: values.pop(field) for field in struct.__struct_fields__ if field in values}
            return command(*args, **{name: struct(**fields)}, **values)

        return together(*decorators)(called)

    return decorate
