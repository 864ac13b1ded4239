"""Tell a command what a plan would change, and ask it whether that may be applied."""

from __future__ import annotations

import asyncio
import shlex
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import Mapping
from typing import Final

from reconciler.errors import ReconcilerError, UsageError

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

    async def permits(self, plan: bytes) -> bool:
        """Run the command with *plan* as its input; return whether it ended with 0.

        What it prints goes to our standard error. Raises ReconcilerError if it cannot be started.
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
        try:
            async with asyncio.timeout(SECONDS):
                await process.communicate(plan)
        except TimeoutError:
            return False
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        return process.returncode == 0
