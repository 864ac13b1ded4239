"""A folder to work in, and the command line as its users meet it: a process with output and an exit code."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[2]
ACCOUNT = "AC" + "0" * 32
_SID = re.compile(r"\b(AC|IS|CH|IM|ME|MB|MG|RQ|SK)[0-9a-f]{32}\b")


@dataclass
class Ran:
    """What a command printed, and how it ended."""

    code: int
    out: str
    err: str

    @property
    def normalized(self) -> str:
        """All that a user saw, with each SID replaced by its kind and order of appearance."""
        return normalized(f"{self.out}--- stderr\n{self.err}--- exit {self.code}\n")


def normalized(text: str) -> str:
    """Return *text* with every sid, time and lineage replaced by a stable stand-in."""
    seen: dict[str, str] = {}
    kinds: dict[str, int] = {}

    def stand_in(match: re.Match[str]) -> str:
        sid, kind = match[0], match[1]
        if sid not in seen:
            kinds[kind] = kinds.get(kind, 0) + 1
            seen[sid] = f"{kind}#{kinds[kind]}"
        return seen[sid]

    return _SID.sub(stand_in, text)


@dataclass
class Project:
    """A folder with manifests and a state, and the environment that commands run in."""

    folder: Path
    environ: dict[str, str] = field(default_factory=dict)

    def run(self, *arguments: str, stdin: str = "", check: int | None = None) -> Ran:
        """Run `reconciler ARGUMENTS` in the folder; with *check*, the exit code must be that."""
        ran = subprocess.run(
            [sys.executable, "-m", "reconciler", *arguments],
            cwd=self.folder,
            env=self.environment(),
            input=stdin,
            capture_output=True,
            text=True,
            encoding="utf-8",
            check=False,
            timeout=120,
        )
        result = Ran(ran.returncode, ran.stdout, ran.stderr)
        assert "Traceback" not in result.err, result.err
        if check is not None:
            assert result.code == check, f"exit {result.code}\n{result.out}\n{result.err}"
        return result

    def write(self, name: str, text: str) -> Path:
        """Write a file of the project."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def edit(self, name: str, old: str, new: str) -> None:
        """Replace the one place where a file says *old*."""
        path = self.folder / name
        text = path.read_text(encoding="utf-8")
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {name}"
        path.write_text(text.replace(old, new), encoding="utf-8")

    def files(self) -> set[str]:
        """Return the names of everything in the folder."""
        return {str(path.relative_to(self.folder)) for path in self.folder.rglob("*")}

    def environment(self) -> dict[str, str]:
        """Return the variables of its processes."""
        keep = {name: value for name, value in os.environ.items() if _is_neutral(name)}
        caches = f"{self.folder}.caches"  # beside the folder: nothing in it is the user's own
        return {**keep, "PYTHONPATH": str(ROOT), "XDG_CACHE_HOME": caches, **self.environ}


def environ_of(url: str) -> dict[str, str]:
    """Return the variables of a user whose commands go to *url*."""
    return {"RECONCILER_ENDPOINT": url, "TWILIO_ACCOUNT_SID": ACCOUNT, "TWILIO_AUTH_TOKEN": "sesame-open"}


def _is_neutral(name: str) -> bool:
    return not name.startswith(("RECONCILER_", "TWILIO_", "GITHUB_", "CI_")) and name not in {
        "CI",
        "NO_COLOR",
        "PYTHONUNBUFFERED",  # what is buffered can be lost on the way out
    }
