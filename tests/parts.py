"""Runs parts of the gate one after another and reports each of them; `tests.__main__` lists them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]
UNAVAILABLE: Final = 69
"""The exit status of a command that could not install what it needs; `sysexits.h` has it."""
_PATH: Final = os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)))


@dataclass(frozen=True)
class Part:
    """Commands that run in turn in the root of the clone; the first that fails ends the part."""

    name: str
    usual: str
    """How long it takes on two cores that do nothing else."""
    does: str
    commands: tuple[tuple[str, ...], ...]
    within: str = ""
    """The part that covers this one, which runs by itself only when it is named."""
    only_by_name: str = ""
    """Why a run without names leaves it out; empty if it does not."""


@dataclass(frozen=True)
class Result:
    """One row of the table; *word* is `passed`, `FAILED` or `not run`."""

    name: str
    word: str
    seconds: float
    why: str = ""


def run(parts: Sequence[Part], named: Collection[str], *, if_installed: bool = False) -> int:
    """Run the parts that are *named*, or all without a reason against it; return 1 if one did not pass.

    *if_installed* says that a named part that lacks a program is no failure.
    """
    asked = [part for part in parts if (part.name in named if named else not part.within)]
    results = [
        Result(part.name, "not run", 0, part.only_by_name) if part.only_by_name and not named else _run(part)
        for part in asked
    ]
    width = max(len(result.name) for result in results)
    lines = [f"{row.name:{width}}  {row.word:7}  {row.seconds:6.1f} s  {row.why}".rstrip() for row in results]
    if named:
        lines.append("not named, so not run: " + ", ".join(part.name for part in parts if part not in asked))
    sys.stdout.write("\n" + "\n".join(lines) + "\n")
    optional = {part.name for part in asked if part.only_by_name and not named}
    accepted = {"passed", "not run"} if if_installed else {"passed"}
    return int(any(row.word not in accepted and row.name not in optional for row in results))


def _run(part: Part) -> Result:
    began = time.perf_counter()
    why = next(filter(None, map(_complaint, part.commands)), "")
    word = "not run" if why.endswith("installed") else "FAILED" if why else "passed"
    return Result(part.name, word, time.perf_counter() - began, why)


def _complaint(command: tuple[str, ...]) -> str:
    """Run *command* and return what is wrong, or nothing."""
    said = " ".join(command)
    sys.stderr.write(f"$ {said}\n")
    program = sys.executable if command[0] == "python" else shutil.which(command[0], path=_PATH)
    if program is None:
        return f"`{command[0]}` is not installed"
    ended = subprocess.run([program, *command[1:]], cwd=ROOT, env={**os.environ, "PATH": _PATH}, check=False)
    if ended.returncode == UNAVAILABLE:
        return f"`{said}`: what it needs cannot be installed"
    return f"`{said}` ended with {ended.returncode}" if ended.returncode else ""
