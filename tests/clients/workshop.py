"""What all of these runs need: a folder for what is installed, an emulator, and Twilio's OpenAPI document."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

from reconciler.emulator import Emulator
from reconciler.emulator.options import EmulatorOptions
from reconciler.emulator.server import running
from tests.clients.as_twilio import TWILIO
from tests.parts import ROOT, UNAVAILABLE

HERE: Final = Path(__file__).parent
FOLDER: Final = ROOT / "build" / "clients"
_WITH_DOCUMENT: Final = "@twilio/cli-core@8.3.2"
"""The npm package in which Twilio's command line keeps the OpenAPI document."""


@contextmanager
def emulator() -> Iterator[str]:
    """Serve an emulator, and yield its origin; it takes the name of Twilio too, for `as_twilio`."""
    options = EmulatorOptions(allowed_hosts=(TWILIO,))
    with closing(Emulator(options=options)) as made, running(made) as url:
        yield url


def folder(name: str) -> Path:
    """Return a folder for what is installed, with the files of the folder of that name here."""
    made = FOLDER / name
    made.mkdir(parents=True, exist_ok=True)
    if (HERE / name).is_dir():
        shutil.copytree(HERE / name, made, dirs_exist_ok=True)
    return made


def run(
    *command: str | Path,
    cwd: Path | None = None,
    seconds: float = 600,
    environ: Mapping[str, str] = os.environ,
    given: str = "",
) -> str:
    """Run a command that must succeed, *given* on its standard input, and return what it printed.

    This process ends with `UNAVAILABLE` if there is no such program.
    """
    if shutil.which(command[0]) is None:
        sys.stderr.write(f"`{command[0]}` is not installed\n")
        sys.exit(UNAVAILABLE)
    ran = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        input=given,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=seconds,
        check=False,
        env={**environ, "NO_COLOR": "1"},
    )
    if ran.returncode:
        sys.exit(f"`{' '.join(map(str, command))}` ended with {ran.returncode}\n{ran.stdout}{ran.stderr}")
    return ran.stdout


def install(
    *command: str | Path,
    cwd: Path | None = None,
    seconds: float = 150,
    environ: Mapping[str, str] = os.environ,
) -> None:
    """Run a command that fetches programs; if that fails, this process ends with `UNAVAILABLE`.

    A registry that has not answered after *seconds* is not to be had.
    """
    try:
        run(*command, cwd=cwd, seconds=seconds, environ=environ)
    except (SystemExit, subprocess.TimeoutExpired) as error:
        if error.args != (UNAVAILABLE,):  # which is told already
            sys.stderr.write(f"{error}\n")
        sys.exit(UNAVAILABLE)


def npm(into: Path, *packages: str) -> Path:
    """Install packages of npm, and return the folder of their programs."""
    install("npm", "install", "--no-audit", "--no-fund", "--silent", "--prefix", into, *packages)
    return into / "node_modules" / ".bin"


def go_program(name: str, module: str, environ: Mapping[str, str] = os.environ) -> Path:
    """Build the Go program in the folder of that *name* here, which uses *module*; return its path."""
    made = folder(name)
    if not (made / "go.mod").exists():
        run("go", "mod", "init", "program", cwd=made)
    install("go", "get", module, cwd=made)
    run("go", "build", "-o", "program", ".", cwd=made, environ=environ)
    return made / "program"


def document() -> Path:
    """Return Twilio's OpenAPI document of Conversations, as its own command line brings it."""
    into = folder("document")
    npm(into, _WITH_DOCUMENT)
    (found,) = into.glob("node_modules/@twilio/cli-core/src/services/twilio-api/twilio_conversations_v1.json")
    return found
