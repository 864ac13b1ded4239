"""The group of all commands, and what ends a run: it catches all errors and decides the exit code.

0 done · 1 error, wrong usage too · 2 only with `--detailed-exitcode`: changes pending · 130/143 interrupted.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import os
import sys
from keyword import iskeyword
from signal import SIGINT
from typing import Final, NoReturn

import click

from reconciler._version import __version__
from reconciler.cli.for_programs import ForPrograms
from reconciler.cli.help_text import HelpFormatter
from reconciler.cli.streams import complain, finish, prepare
from reconciler.errors import SIGNALLED, Interrupted, ReconcilerError, UsageError

_COMMANDS: Final = {
    "init": "Write the first files of a project.",
    "validate": "Check manifests, offline.",
    "plan": "Show what would change, and why.",
    "apply": "Make the messages what the manifests say.",
    "destroy": "Delete every managed message.",
    "drift": "Compare what is live with what was last applied.",
    "watch": "Plan, or apply, again and again.",
    "show": "Show a saved plan, or the state.",
    "transcript": "Show live conversations as chats.",
    "import": "Bind an existing message to an address.",
    "export": "Write manifests from live conversations.",
    "state": "Inspect, repair and move what the state remembers.",
    "output": "Print the sid of every address, for others to use.",
    "sweep": "Delete services that tests left behind.",
    "fmt": "Put manifests into canonical form.",
    "emulator": "Serve a local Twilio Conversations.",
    "schema": "Print a JSON Schema.",
    "version": "Print the version.",
}
"""The name of each command with its line in `--help`; the file in `commands` is called like it."""


_COMPLETION: Final = "_RECONCILER_COMPLETE"
"""The variable by which shells ask for completion."""


_WITHIN: Final[dict[tuple[str, ...], str]] = {("plan", "merge"): "plan_merge"}
"""Commands that begin with the name of another one, each with its file in `commands`."""


class _Lazy(click.Group):
    """A group that imports the module of a command only when that command runs: start-up stays short."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in the order in which people need them."""
        del ctx
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return a command."""
        del ctx
        if cmd_name not in _COMMANDS:
            return None
        name = f"{cmd_name}_" if iskeyword(cmd_name) else cmd_name
        command: click.Command = getattr(importlib.import_module(f"reconciler.cli.commands.{name}"), name)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the command that *args* begin with; for a misspelt one, the error names those alike."""
        if (within := _WITHIN.get(tuple(args[:2]))) is not None:
            module = importlib.import_module(f"reconciler.cli.commands.{within}")
            inner: click.Command = getattr(module, within)
            return inner.name, inner, args[2:]
        try:
            return super().resolve_command(ctx, args)
        except click.NoSuchCommand as error:
            raise click.NoSuchCommand(error.command_name, possibilities=_COMMANDS, ctx=ctx) from None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without importing them."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl(list(_COMMANDS.items()))


@click.group(
    cls=_Lazy,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Every option has an environment variable: RECONCILER_ and its name.\n\n"
    "Exit codes: 0 done, 1 error, 2 changes pending (only with --detailed-exitcode), 130 or 143 interrupted "
    "while something was left to do.\n\n"
    "Example: reconciler plan examples/quickstart --endpoint emulator",
)
@click.version_option(__version__, "--version", message="reconciler %(version)s")
def cli() -> None:
    """Keep the messages of Twilio Conversations as code."""


def run() -> NoReturn:
    """Run the command line and exit."""
    prepare()
    code = _run()
    finish()
    _exit(code)


def _exit(code: int) -> NoReturn:
    """End the process with *code*: at once after what is to be done at exit, where pyreqwest has a thread."""
    if (direct := sys.modules.get("reconciler.twilio.direct")) is None:
        gc.freeze()  # else Python looks for cycles once more as it exits
        sys.exit(code)
    atexit.unregister(direct.wait_for_threads)
    atexit._run_exitfuncs()  # noqa: SLF001 - nothing public runs them
    finish()
    os._exit(code)


def _run() -> int:
    """Run the command that is asked for, answer every error, and return the exit code."""
    if _COMPLETION in os.environ:
        from reconciler.cli.options.completion import use_our_zsh  # noqa: PLC0415 - only shells ask

        use_our_zsh()
    click.Context.formatter_class = HelpFormatter  # of each command
    programs = ForPrograms()
    try:
        return cli.main(standalone_mode=False, obj=programs) or 0
    except click.ClickException as error:
        _tell_of_usage(error, programs)
    except ReconcilerError as error:
        _tell(error, programs)
    except Interrupted as signal:
        return _interrupted(signal, programs)
    except (KeyboardInterrupt, click.Abort):
        return _interrupted(Interrupted(SIGINT), programs)
    except BrokenPipeError:  # the reader of the output is gone
        pass
    except OSError as error:  # the command itself had no better sentence for it
        place = f"cannot use `{error.filename}`" if error.filename else "the system refuses"
        _tell(ReconcilerError(f"{place}: {(error.strerror or str(error)).lower()}"), programs)
    return 1


def _tell(error: ReconcilerError, programs: ForPrograms) -> None:
    """Print the error that ended the command: for people on stderr, for *programs* where they read."""
    complain(error)
    programs.tell(error)


def _interrupted(signal: Interrupted, programs: ForPrograms) -> int:
    """Print that a signal ended the command, and return the exit code."""
    click.echo(f"interrupted: {signal.advice}" if signal.advice else "interrupted", err=True)
    programs.tell(signal)
    return SIGNALLED + signal.signum


def _tell_of_usage(error: click.ClickException, programs: ForPrograms) -> None:
    """Print what click finds wrong in the command line; where no command is named, that is the help."""
    context = getattr(error, "ctx", None)
    text = error.format_message()
    if context is not None and text == context.get_help():
        click.echo(text, err=True)
        return
    hint = f"run `{context.command_path} --help`" if context is not None else None
    _tell(UsageError(text[:1].lower() + text[1:], hint=hint), programs)
