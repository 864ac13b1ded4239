"""Groups of options: the struct that a command is given, against what the command line declares."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

import click
import pytest
from click.testing import CliRunner
from msgspec import Struct

from reconciler.cli.options.declare import group, option
from reconciler.cli.root import cli


class Sizes(Struct, frozen=True):
    """A group of two options, one of which not every command declares."""

    width: int
    depth: int = 7


def test_a_group_becomes_one_argument() -> None:
    """Other options are arguments of their own, and a field without an option keeps its default."""
    given: dict[str, Any] = {}

    @click.command()
    @group("sizes", Sizes, option("--width", type=int))
    @option("--color")
    def command(sizes: Sizes, color: str) -> None:
        given.update(sizes=sizes, color=color)

    CliRunner().invoke(command, ["--width", "3", "--color", "red"], catch_exceptions=False)

    assert given == {"sizes": Sizes(3, 7), "color": "red"}


def commands() -> Iterator[click.Command]:
    """Yield every command of the command line."""
    context = click.Context(cli)
    for name in cli.list_commands(context):
        command = cli.get_command(context, name)
        assert command is not None
        yield from command.commands.values() if isinstance(command, click.Group) else (command,)


@pytest.mark.parametrize("command", [*commands()], ids=lambda command: str(command.name))
def test_a_command_takes_the_options_that_it_declares(command: click.Command) -> None:
    """Each is an argument of the function, or a field of a struct among them, and no field lacks a value."""
    assert command.callback is not None
    function = inspect.unwrap(command.callback)
    declared = {option.name for option in command.params if option.expose_value}
    taken: set[str] = set()
    for name, parameter in inspect.signature(function).parameters.items():
        struct = function.__globals__.get(parameter.annotation)
        if isinstance(struct, type) and issubclass(struct, Struct):
            fields = struct.__struct_fields__
            taken.update(fields)
            required = fields[: len(fields) - len(struct.__struct_defaults__)]
            assert declared.issuperset(required)
        elif parameter.kind is not parameter.POSITIONAL_ONLY:
            taken.add(name)
            assert name in declared

    assert declared <= taken
