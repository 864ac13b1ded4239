"""The `reconciler` command: one place that catches errors and decides exit codes.

0 done · 1 error, wrong usage too · 2 only with `--detailed-exitcode`: changes pending · 130/143 interrupted.
"""

from __future__ import annotations

import gc
import importlib
import sys
from keyword import iskeyword
from typing import Final, NoReturn

import click

from reconciler._version import __version__
from reconciler.cli.streams import complain, finish, prepare
from reconciler.errors import ReconcilerError, UsageError

_COMMANDS: Final = {
    "validate": "reconciler.cli.validate",
    "plan": "reconciler.cli.changes",
    "apply": "reconciler.cli.changes",
    "destroy": "reconciler.cli.changes",
    "drift": "reconciler.cli.drift",
    "show": "reconciler.cli.states",
    "import": "reconciler.cli.repair",
    "export": "reconciler.cli.exports",
    "state": "reconciler.cli.states",
    "fmt": "reconciler.cli.fmt",
    "output": "reconciler.cli.outputs",
    "sweep": "reconciler.cli.sweeps",
    "emulator": "reconciler.cli.offline",
    "schema": "reconciler.cli.offline",
    "version": "reconciler.cli.offline",
}
_SUMMARIES: Final = {
    "validate": "Check manifests, offline.",
    "plan": "Show what would change, and why.",
    "apply": "Make the messages what the manifests say.",
    "destroy": "Delete every managed message.",
    "drift": "Compare what is live with what was last applied.",
    "show": "Show a saved plan, or the state.",
    "import": "Bind an existing message to an address.",
    "export": "Write manifests from live conversations.",
    "state": "Inspect and repair what the state remembers.",
    "output": "Print the sid of every address, for others to use.",
    "sweep": "Delete services that tests left behind.",
    "fmt": "Put manifests into canonical form.",
    "emulator": "Serve a local Twilio Conversations.",
    "schema": "Print a JSON Schema.",
    "version": "Print the version.",
}


class _Lazy(click.Group):
    """A group that imports a command's module when the command is asked for: start-up stays short."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in the order in which they are used."""
        del ctx
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return a command."""
        del ctx
        if cmd_name not in _COMMANDS:
            return None
        module = importlib.import_module(_COMMANDS[cmd_name])
        command: click.Command = getattr(module, f"{cmd_name}_" if iskeyword(cmd_name) else cmd_name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without importing them."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl(list(_SUMMARIES.items()))


@click.group(
    cls=_Lazy,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Example: reconciler plan examples/quickstart --endpoint emulator",
)
@click.version_option(__version__, "--version", message="reconciler %(version)s")
def cli() -> None:
    """Keep the messages of Twilio Conversations as code."""


def main() -> NoReturn:
    """Run the command line and exit."""
    # Commands make millions of values and few cycles: at Python's own pace, after 700 new containers,
    # looking for cycles among them doubles the cost of a plan.
    gc.set_threshold(100_000, 50, 100)
    prepare()
    code = _run()
    finish()
    gc.freeze()  # else Python looks through everything once more on its way out
    sys.exit(code)


def _run() -> int:
    try:
        return cli.main(standalone_mode=False) or 0
    except click.ClickException as error:
        context = getattr(error, "ctx", None)
        text = error.format_message()
        if context is not None and text == context.get_help():  # so click answers where no command is named
            click.echo(text, err=True)
            return 1
        hint = f"run `{context.command_path} --help`" if context is not None else None
        complain(UsageError(text[:1].lower() + text[1:], hint=hint))
        return 1
    except ReconcilerError as error:
        complain(error)
        return 1
    except (KeyboardInterrupt, click.Abort):
        click.echo("interrupted", err=True)
        return 130
    except OSError as error:  # what the system refuses, and nobody has a better sentence for
        if not isinstance(error, BrokenPipeError):  # else nobody reads any more
            place = f"cannot use `{error.filename}`" if error.filename else "the system refuses"
            complain(ReconcilerError(f"{place}: {(error.strerror or str(error)).lower()}"))
        return 1
