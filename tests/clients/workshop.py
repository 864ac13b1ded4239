"""What all of these runs need: a folder for what is installed, an emulator, and Twilio's OpenAPI document."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

from reconciler.emulator import Emulator
from reconciler.emulator.server import running
from tests.parts import ROOT

HERE: Final = Path(__file__).parent
FOLDER: Final = ROOT / "build" / "clients"
_WITH_DOCUMENT: Final = "@twilio/cli-core@8.3.2"
"""The npm package in which Twilio's command line keeps the OpenAPI document."""


@contextmanager
def emulator() -> Iterator[str]:
    """Serve an emulator, and yield its origin."""
    with closing(Emulator()) as made, running(made) as url:
        yield url


def folder(name: str) -> Path:
    """Return a folder for what is installed, with the files of the folder of that name here."""
    made = FOLDER / name
    made.mkdir(parents=True, exist_ok=True)
    if (HERE / name).is_dir():
        shutil.copytree(HERE / name, made, dirs_exist_ok=True)
    return made


def run(*command: str | Path, cwd: Path | None = None, seconds: float = 600) -> str:
    """Run a command that must succeed, and return what it printed."""
    ran = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=seconds,
        check=False,
        env={**os.environ, "NO_COLOR": "1"},
    )
    if ran.returncode:
        sys.exit(f"`{' '.join(map(str, command))}` ended with {ran.returncode}\n{ran.stdout}{ran.stderr}")
    return ran.stdout


def npm(into: Path, *packages: str) -> Path:
    """Install packages of npm, and return the folder of their programs."""
    run("npm", "install", "--no-audit", "--no-fund", "--silent", "--prefix", into, *packages)
    return into / "node_modules" / ".bin"


def document() -> Path:
    """Return Twilio's OpenAPI document of Conversations, as its own command line brings it."""
    into = folder("document")
    npm(into, _WITH_DOCUMENT)
    (found,) = into.glob("node_modules/@twilio/cli-core/src/services/twilio-api/twilio_conversations_v1.json")
    return found
