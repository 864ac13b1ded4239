"""Run the `git` program: no shell, no prompt, no hook of the repository, no redirect, and a time limit."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from msgspec import Struct

from reconciler.errors import UsageError
from reconciler.state.stores.primitives import Unheard

_SETTINGS: Final = {
    "core.hooksPath": os.devnull,
    "core.fsmonitor": "false",
    "fetch.writeCommitGraph": "false",
    "gc.auto": "0",
    "http.followRedirects": "false",
    "maintenance.auto": "false",
    "push.followTags": "false",
    "push.gpgSign": "false",
    "push.recurseSubmodules": "no",
    "safe.bareRepository": "explicit",  # a pull request can bring a folder that looks like a repository
    "submodule.recurse": "false",
}
"""What no setting of the repository or its user changes."""
_IDENTITY: Final = {
    "GIT_AUTHOR_NAME": "reconciler",
    "GIT_AUTHOR_EMAIL": "reconciler@localhost",
    "GIT_COMMITTER_NAME": "reconciler",
    "GIT_COMMITTER_EMAIL": "reconciler@localhost",
}
_NO_PROMPT: Final = {
    "GIT_ASKPASS": "",  # set and empty, it also keeps `core.askPass` and `SSH_ASKPASS` from being asked
    "GIT_TERMINAL_PROMPT": "0",
    "GCM_INTERACTIVE": "never",
    "SSH_ASKPASS_REQUIRE": "never",
}
_ENGLISH: Final = {"LC_ALL": "C", "LANGUAGE": "C"}
_TRACED: Final = {"GIT_TRACE_CURL_NO_DATA": "1", "GIT_TRACE_REDACT": "1"}
_USERINFO: Final = re.compile(r"(?<=://)[^/@\s]*@")
_NOT_FOR_GIT: Final = ("RECONCILER_", "TWILIO_")
"""How variables begin that hold credentials of others than git: its helpers are programs too."""
_SHOWN: Final = 300
_SECONDS: Final = 20.0
_OF_ANOTHER_REPOSITORY: Final = (
    *("GIT_COMMON_DIR", "GIT_DIR", "GIT_INDEX_FILE", "GIT_NAMESPACE", "GIT_OBJECT_DIRECTORY"),
    *("GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_PREFIX", "GIT_WORK_TREE"),
)
"""Variables by which git finds a repository."""


class Ran(Struct, frozen=True):
    """What one run of git ended with."""

    code: int
    out: bytes
    error: str
    """What it wrote to stderr, in one line without credentials and control characters."""


class Git:
    """The program, for the repository around *folder*; *protocols* are the transports that it may use."""

    def __init__(self, folder: Path, environ: Mapping[str, str], *, protocols: str) -> None:
        self._folder = folder
        self._environ = {
            **{name: value for name, value in environ.items() if not name.startswith(_NOT_FOR_GIT)},
            **_IDENTITY,
            **_NO_PROMPT,
            **_ENGLISH,
            "GIT_ALLOW_PROTOCOL": protocols,
            "GIT_NO_REPLACE_OBJECTS": "1",
            "GIT_OPTIONAL_LOCKS": "0",
        }

    def keep_objects_in(self, folder: Path) -> None:
        """Put what is made and fetched from then on into *folder*, not into the repository."""
        found = self.run(("rev-parse", "--git-path", "objects"), seconds=_SECONDS)
        theirs = self._folder / os.fsdecode(found.out.rstrip(b"\n"))
        self._environ["GIT_OBJECT_DIRECTORY"] = str(folder)
        self._environ["GIT_ALTERNATE_OBJECT_DIRECTORIES"] = _quoted(str(theirs))

    def init(self) -> Ran:
        """Make the folder an empty repository, which from then on is used whatever is around it."""
        for name in _OF_ANOTHER_REPOSITORY:
            self._environ.pop(name, None)
        self._environ["GIT_DIR"] = str(self._folder)
        return self.run(("init", "--quiet", "--bare", "--template="), seconds=_SECONDS)

    def run(
        self, arguments: Sequence[str], *, seconds: float, data: bytes = b"", trace: Path | None = None
    ) -> Ran:
        """Run a command with *data* as its input, and return what it ended with.

        The headers that it exchanges over HTTP go to the file *trace*, without credentials. Raises Unheard
        when *seconds* have passed, and UsageError if there is no such program.
        """
        settings = [part for name, value in _SETTINGS.items() for part in ("-c", f"{name}={value}")]
        try:
            process = subprocess.Popen(  # noqa: S603 - no shell, and what is not ours cannot begin with `-`
                ["git", *settings, *arguments],  # noqa: S607 - the git that the user uses
                cwd=self._folder,
                env=self._environ
                if trace is None
                else {**self._environ, **_TRACED, "GIT_TRACE_CURL": str(trace)},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,  # no terminal to prompt at, and Ctrl-C goes to reconciler alone
            )
        except FileNotFoundError as error:
            raise UsageError(
                "a state in a git ref needs the program `git`, which is not installed", hint="install git"
            ) from error
        with process:
            try:
                out, error_text = process.communicate(data, timeout=max(seconds, 0.1))
            except subprocess.TimeoutExpired as error:
                raise Unheard(f"git did not end within {seconds:.0f} s") from error
            finally:
                _end(process)
        return Ran(process.returncode, out, inert(error_text.decode("utf-8", "replace")))


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the process, and those that it started: helpers would go on."""
    if process.poll() is None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


def _quoted(path: str) -> str:
    """Return *path* for a list of paths, in which `:` and a leading quote have a meaning."""
    return '"' + path.replace("\\", "\\\\").replace('"', '\\"') + '"'


def inert(text: str) -> str:
    """Return what git said in one line, without credentials in addresses and without control characters."""
    line = _USERINFO.sub("", " ".join(text.split()))
    return "".join(char if char.isprintable() else "?" for char in line)[:_SHOWN]
