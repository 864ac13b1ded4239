"""Tell a command what a plan would change, and ask it whether that may be applied."""

from __future__ import annotations

import asyncio
import os
import shlex
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Final

from reconciler.errors import ReconcilerError, UsageError

if TYPE_CHECKING:
    from reconciler.runtime.interrupts import Interrupts

SECONDS: Final = 60.0
"""The time limit of a command; one that takes longer is killed, and refuses."""
_SECRETS: Final = ("TWILIO_AUTH_TOKEN", "TWILIO_API_SECRET", "RECONCILER_STATE_PASSWORD")
_SECRET_BEGINNINGS: Final = ("RECONCILER_ENCRYPTION_",)


class Command:
    """A command that gets plans as JSON on its standard input; it runs without a shell.

    Our own credentials are not in its environment. Raises UsageError if *line* cannot be taken apart.
    """

    def __init__(self, line: str, environ: Mapping[str, str]) -> None:
        try:
            self._words = shlex.split(line)
        except ValueError as error:
            raise UsageError(f"`--on-change` cannot be read: {str(error).lower()}") from None
        if not self._words:
            raise UsageError("`--on-change` is empty", hint="name a command, such as `./policy.sh`")
        self._environ = {
            name: value
            for name, value in environ.items()
            if name not in _SECRETS and not name.startswith(_SECRET_BEGINNINGS)
        }

    async def permits(self, plan: bytes, interrupts: Interrupts) -> bool:
        """Run the command with *plan* as its input; return whether it ended with 0.

        What it prints goes to our standard error. The time limit or a signal ends it, with all that it
        started. Raises ReconcilerError if it cannot be started.
        """
        try:
            process = await asyncio.create_subprocess_exec(
                *self._words, stdin=PIPE, stdout=DEVNULL, env=self._environ, start_new_session=True
            )
        except (OSError, ValueError) as error:
            reason = (getattr(error, "strerror", None) or str(error)).lower()
            raise ReconcilerError(
                f"cannot run `{self._words[0]}`: {reason}", hint="correct `--on-change`"
            ) from error
        interrupts.stop_gently(partial(_end, process))
        try:
            async with asyncio.timeout(SECONDS):
                await process.communicate(plan)
        except TimeoutError:
            return False
        finally:
            _end(process)
            await process.wait()
        return process.returncode == 0


def _end(process: Process) -> None:
    """End the process, and those that it started: they would go on."""
    if process.returncode is not None:
        return
    with suppress(ProcessLookupError):
        if sys.platform == "win32":
            process.kill()
        else:
            os.killpg(process.pid, signal.SIGKILL)
