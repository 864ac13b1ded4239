"""Draw the pictures of the README from real runs, into `.pictures/`: `python -m tests.pictures`.

The plan in the terminal needs nothing else. The page of chats is drawn by Chromium, if that is installed.
"""

from __future__ import annotations

import os
import pty
import shutil
import subprocess
import sys
from collections.abc import Iterator
from html import escape
from itertools import groupby
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import pyte

from tests.support.project import ROOT, Project
from tests.support.readmes import edit_the_desk

FOLDER: Final = ROOT / ".pictures"
PLAN: Final = FOLDER / "plan.svg"
CHAT: Final = FOLDER / "chat.png"
COMMAND: Final = "reconciler plan desk"
_COLUMNS: Final = 104
_ROWS: Final = 200
_CELL: Final = (8.4, 18)
"""Width and height of a character, in pixels."""
_MARGIN: Final = 16
_INK: Final = "#d0d7de"
_COLORS: Final = {"red": "#ff8e86", "green": "#6fdd8b", "brown": "#f0c060", "cyan": "#7fd4f0"}
"""By pyte's name; text of another colour has that of `_INK`."""
_FONTS: Final = "ui-monospace, SFMono-Regular, Menlo, Consolas, DejaVu Sans Mono, monospace"
_WINDOW: Final = "900,1032"
_PROGRAMS: Final = ("chromium", "chromium-browser", "google-chrome")


def plan_of_the_desk(project: Project) -> str:
    """Apply the support desk, edit it, and return what its plan prints on a terminal."""
    shutil.copytree(ROOT / "examples" / "support-desk", project.folder / "desk")
    project.run("apply", "desk", "--auto-approve", check=0)
    edit_the_desk(project, "desk")
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", *COMMAND.split()],
        cwd=project.folder,
        env={**project.environment(), "TERM": "xterm", "COLUMNS": str(_COLUMNS)},
        stdin=subprocess.DEVNULL,
        stdout=theirs,
        stderr=subprocess.DEVNULL,
    ):
        os.close(theirs)
        written = b"".join(iter(lambda: _read(ours), b""))
    os.close(ours)
    return written.decode()


def rows(written: str) -> list[list[tuple[str, str]]]:
    """Return the rows of a terminal after *written*, each as texts with their colours."""
    screen = pyte.Screen(_COLUMNS, _ROWS)
    pyte.Stream(screen).feed(written)
    found = []
    for row, text in enumerate(screen.display[: screen.cursor.y]):
        cells = [screen.buffer[row][column] for column in range(len(text.rstrip()))]
        runs = groupby(cells, key=lambda one: one.fg)
        found.append([("".join(one.data for one in run), color) for color, run in runs])
    return found


def drawn(found: list[list[tuple[str, str]]]) -> str:
    """Return *found* as a picture of a terminal, below the prompt with the command."""
    wide, high = _CELL
    width, height = _COLUMNS * wide + 2 * _MARGIN, (len(found) + 1) * high + 2 * _MARGIN
    lines = [[(f"$ {COMMAND}", "")], *found]
    texts = [_text(line, _MARGIN + (number + 0.75) * high) for number, line in enumerate(lines) if line]
    head = f'viewBox="0 0 {width:g} {height:g}" font-size="14" font-family="{_FONTS}" fill="{_INK}"'
    body = "\n".join(texts)
    return f"""\
<svg xmlns="http://www.w3.org/2000/svg" {head}>
<title>{COMMAND}</title>
<rect width="100%" height="100%" rx="8" fill="#0d1117"/>
{body}
</svg>
"""


def _text(line: list[tuple[str, str]], baseline: float) -> str:
    long = sum(len(text) for text, _ in line) * _CELL[0]
    return (
        f'<text x="{_MARGIN}" y="{baseline:g}" textLength="{long:g}" xml:space="preserve">'
        + "".join(_spans(line))
        + "</text>"
    )


def _spans(line: list[tuple[str, str]]) -> Iterator[str]:
    for text, color in line:
        ink = _COLORS.get(color)
        yield f'<tspan fill="{ink}">{escape(text, quote=False)}</tspan>' if ink else escape(text, quote=False)


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # Linux says so when the other side is closed
        return b""


def main() -> None:
    """Draw what can be drawn here."""
    FOLDER.mkdir(exist_ok=True)
    with TemporaryDirectory() as folder:
        project = Project(Path(folder) / "clone", {"RECONCILER_ENDPOINT": "emulator"})
        project.folder.mkdir()
        PLAN.write_text(drawn(rows(plan_of_the_desk(project))), encoding="utf-8")
        project.run("plan", "desk", "--format", "html=plan.html", check=0)
        browser = next(filter(None, map(shutil.which, _PROGRAMS)), None)
        if browser is None:
            sys.stderr.write("No Chromium is installed: the page is not drawn.\n")
            return
        flags = ["--headless", "--no-sandbox", "--hide-scrollbars", f"--window-size={_WINDOW}"]
        page = project.folder / "plan.html"
        command = [browser, *flags, f"--screenshot={CHAT}", page.as_uri()]
        subprocess.run(command, check=True, capture_output=True)


if __name__ == "__main__":
    main()
