"""The README files: their sentences, their links, and their commands, which run as a newcomer types them."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from markdown_it import MarkdownIt
from markdown_it.token import Token

from tests.support.project import ROOT, Project

_MARKED: Final = re.compile(r"# (on|with) \S")
"""How a block begins that needs more than a clone: `# on Twilio`, `# with the address of the repository`."""
_PROMISES: Final = (
    "Apply complete!",
    "Plan: ",
    "Destroy complete!",
    "Sweep complete!",
    "No changes.",
    "No drift.",
)
_PORT: Final = "8010"
_END: Final = "@@ended "


def readmes() -> list[Path]:
    """Return every README of the project, that of the root first."""
    return [
        ROOT / "README.md",
        ROOT / "reconciler" / "README.md",
        *sorted((ROOT / "examples").rglob("README.md")),
    ]


@dataclass(frozen=True)
class Block:
    """Lines of a shell that stand together in a README."""

    lines: tuple[str, ...]

    @property
    def is_marked(self) -> bool:
        """Whether its first line says what it needs besides a clone."""
        return bool(_MARKED.match(self.lines[0]))


def blocks(text: str) -> list[Block]:
    """Return the blocks of a README that are to be typed into a shell, in order."""
    return [
        Block(tuple(filter(None, token.content.splitlines())))
        for token in MarkdownIt("commonmark").parse(text)
        if token.type == "fence" and token.info == "sh"
    ]


def sentences(text: str) -> Iterator[str]:
    """Yield each sentence of paragraphs, list items and cells of tables; what code says ends none."""
    for token in MarkdownIt("commonmark").enable("table").parse(text):
        if token.type == "inline":
            words = "".join(map(_words, token.children or []))
            yield from filter(None, (each.strip() for each in re.split(r"(?<=[.!?])\s+", words)))


def _words(token: Token) -> str:
    if token.type == "code_inline":
        return re.sub(r"[.!?](?=\s|$)", "", token.content)
    return " " if token.type == "softbreak" else token.content if token.type == "text" else ""


def links(text: str) -> Iterator[str]:
    """Yield where links and images of a README lead."""
    for token in MarkdownIt("commonmark").enable("table").parse(text):
        for child in token.children or []:
            yield from (str(child.attrs[name]) for name in ("href", "src") if name in child.attrs)


def anchors(text: str) -> set[str]:
    """Return the names that GitHub gives to the headings of a README."""
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", each.lower()).replace(" ", "-") for each in headings}


def edit_the_desk(project: Project, folder: str) -> None:
    """Make the three edits whose plan is shown, in the copy of the support desk at *folder*."""
    orders = f"{folder}/orders.yaml"
    project.edit(orders, "Great, thank you!", "Great, thanks a lot!")
    text = (project.folder / orders).read_text(encoding="utf-8")
    label = text[text.index("          - key: label") :]
    question = "          - key: anything-else\n            author: bob\n            body: Anything else?\n"
    project.edit(orders, label, question)


@dataclass(frozen=True)
class Typed:
    """A line that was typed, and what came of it."""

    line: str
    code: int
    shown: str

    def check(self) -> None:
        """Assert what its comment promises; without a promise, that it succeeded."""
        promised = self.line.partition(" # ")[2].strip()
        assert self.code == int(promised.startswith("refused")), f"{self.line}\n{self.shown}"
        if promised[:1].isdigit() or promised.startswith(_PROMISES):
            assert promised in self.shown, f"{self.line}\n{self.shown}"


class Terminal:
    """One shell in a copy of the clone, in which a newcomer types line after line.

    Whoever is asked there answers `yes`. Programs are those of this interpreter: where a README makes a
    virtual environment, one is made that holds them, and pip has nothing to do.
    """

    def __init__(self, project: Project) -> None:
        self._project = project
        for name in ("examples", "schemas"):
            shutil.copytree(ROOT / name, project.folder / name)
        self._programs = Path(f"{project.folder}.programs")
        self._programs.mkdir()
        self._program("python3", f'[ "$1 $2" = "-m venv" ] || exec {sys.executable} "$@"\n{self._venv()}')

    def activate(self) -> None:
        """Put the programs of the virtual environment before those of the machine."""
        subprocess.run(
            [self._programs / "python3", "-m", "venv", ".venv"], cwd=self._project.folder, check=True
        )
        self._project.environ["PATH"] = f"{self._project.folder}/.venv/bin:{os.environ['PATH']}"

    def type(self, lines: list[str]) -> list[Typed]:
        """Type *lines* one after another; what was started in the background ends with the shell."""
        port = str(_free_port())
        script = "".join(map(_typed, (line.replace(_PORT, port) for line in lines)))
        environ = self._project.environment()
        environ["PATH"] = f"{self._programs}:{environ['PATH']}"
        output = self._programs / "output"
        with output.open("wb") as out:
            shell = subprocess.Popen(
                ["sh"],
                cwd=self._project.folder,
                env=environ,
                stdin=subprocess.PIPE,
                stdout=out,
                stderr=out,
                start_new_session=True,
            )
            try:
                shell.communicate(script.encode(), timeout=300)
            finally:
                with suppress(ProcessLookupError):  # nothing was left in the background
                    os.killpg(shell.pid, signal.SIGTERM)
        shown = output.read_text(encoding="utf-8", errors="replace")
        ended = re.findall(rf"(.*?){_END}(\d+)\n", shown, re.DOTALL)
        assert len(ended) == len(lines), shown
        return [Typed(line, int(code), text) for line, (text, code) in zip(lines, ended, strict=True)]

    def _program(self, name: str, script: str) -> None:
        path = self._programs / name
        path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        path.chmod(0o700)

    def _venv(self) -> str:
        """Return the lines of a shell that make `$3` look like a virtual environment."""
        made = {
            "pip": "exit 0",
            "python": f'exec "{sys.executable}" "$@"',
            "pytest": f'exec "{sys.executable}" -m pytest -p no:cacheprovider "$@"',
            "reconciler": f'exec "{sys.executable}" -m reconciler "$@"',
        }
        for name, script in made.items():
            self._program(name, script)
        moved = " ".join(f'"{self._programs / name}"' for name in made)
        return (
            f'mkdir -p "$3/bin" && cp {moved} "$3/bin" && echo "PATH=$PWD/$3/bin:\\$PATH" > "$3/bin/activate"'
        )


def _typed(line: str) -> str:
    """Return the script that runs *line* in this very shell, tells its exit code, and waits for a server."""
    ready = ""
    if line.rstrip().endswith("&") and (port := re.search(r"--port (\d+)|--listen \S+:(\d+)", line)):
        ready = f'"{sys.executable}" -m tests.support.readmes {port[1] or port[2]}\n'
    return f"{{ {line}\n}} <<'ANSWER'\nyes\nANSWER\necho \"{_END}$?\"\n{ready}"


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
    return port


def _wait_for(port: int) -> None:
    """Return once somebody listens on *port* of this machine."""
    while True:
        with socket.socket() as client:
            if client.connect_ex(("127.0.0.1", port)) == 0:
                return


if __name__ == "__main__":
    _wait_for(int(sys.argv[1]))
