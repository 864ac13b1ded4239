"""A repository as a stranger's pull request leaves it: nothing outside is read, written or printed.

Each trick is played on a project that was applied before. The commands of a pipeline run in it, with a home
and a token that are worth stealing, and what they open is written down.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.judges import characters_come_alive, runner_comes_alive, terminal_comes_alive
from tests.support.project import Project

SECRET = "sesame-open-4711"
DRIVER = Path(__file__).with_name("as_a_pull_request.py")
COMMANDS = """\
validate --format text --format json=report.json
plan --out plan.bin --format json
plan --format markdown=report.md
drift --format text --format jsonl=events.jsonl
fmt --diff
fmt
export --out exported --force
export --out exported.yaml --force
"""
MANIFEST = """\
version: 1
services:
  desk:
    conversations:
      order:
        messages:
          - {key: hello, body: Hello}
          - {key: car, author: alice, media: {file: car.png}}
"""
OTHER = "version: 1\nservices: {desk: {conversations: {other: %s}}}\n"
LINKS = {
    "reconciler.yaml": "{outside}/secret",
    "manifests": "{outside}",
    "manifests/desk.yaml": "{outside}/m.yaml",
    "manifests/a.yaml": "{outside}/secret",
    "manifests/b.yaml": "../../outside/secret",
    "manifests/c.yaml": "{outside}/new",
    "manifests/d.yaml": "/proc/self/environ",
    "manifests/e.yml": "{home}/.netrc",
    "manifests/f.yaml": "{home}/.git-credentials",
    "manifests/g.yaml": "/dev/zero",
    "manifests/sub": "{outside}",
    "manifests/deep/sub": "/",
    "manifests/home": "{home}",
    "manifests/car.png": "{outside}/secret",
    "reconciler.state.json": "{outside}/secret",
    "reconciler.state.json.journal": "{outside}/secret",
    "reconciler.state.json.backup": "{outside}/new",
    "reconciler.state.json.lock": "{outside}/new",
    "reconciler.state.json.tmp": "{outside}/new",
    ".reconciler": "{outside}",
    ".reconciler/emulator.db": "{outside}/new.db",
    ".reconciler/emulator.db-wal": "{outside}/new",
    ".reconciler/emulator.db-shm": "{outside}/new",
    ".reconciler/emulator.db-journal": "{outside}/secret",
    ".reconciler/cache": "{outside}",
    "report.json": "{outside}/secret",
    "report.md": "{home}/.profile",
    "events.jsonl": "{outside}/new",
    "plan.bin": "{home}/.netrc",
    "exported": "{outside}",
    "exported/desk": "{outside}",
    "exported/desk/order.yaml": "{outside}/new",
    "exported.yaml": "{outside}/m.yaml",
}
"""By its name, what a link leads to."""
PIPES = (
    *(
        "reconciler.yaml",
        "manifests/x.yaml",
        "manifests/rows.csv",
        "manifests/car.png",
        "reconciler.state.json",
        "plan.bin",
    ),
    *(
        "reconciler.state.json.journal",
        "reconciler.state.json.lock",
        ".reconciler/emulator.db",
        "report.json",
    ),
    *("events.jsonl", "exported.yaml", "exported/desk/order.yaml"),
)
FILES = {
    "rows": "{for_each: {file: %s}}",
    "transcripts": "{messages: [{from: %s}]}",
    "media": "{messages: [{key: a, media: {file: %s, content_type: text/csv}}]}",
}
"""How manifests name the files that lie beside them."""


@dataclass(frozen=True)
class Repo:
    """The checkout, a folder beside it that is none of its business, and the user's home."""

    folder: Path
    outside: Path
    home: Path

    def link(self, name: str, target: str) -> None:
        """Put a link in the place of what is there."""
        self.clear(name).symlink_to(target.format(outside=self.outside, home=self.home))

    def pipe(self, name: str) -> None:
        """Put a named pipe in the place of what is there."""
        os.mkfifo(self.clear(name))

    def clear(self, name: str) -> Path:
        """Return a place of this name, where nothing is any more."""
        path = self.folder / name
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        path.unlink(missing_ok=True)
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def write(self, name: str, text: str) -> None:
        """Write a file."""
        self.clear(name).write_text(text, encoding="utf-8")

    def huge(self, name: str) -> None:
        """Make a file of ten gigabytes that takes no room."""
        with self.clear(name).open("wb") as file:
            file.truncate(10 * 1024**3)


def linked_folders(repo: Repo) -> None:
    """Link twelve folders to each other."""
    names = [f"f{number:02}" for number in range(12)]
    for name in names:
        for other in names:
            repo.link(f"manifests/{name}/{other}", f"../{other}")


def two_links(repo: Repo) -> None:
    """Lead out by way of a link that stays inside."""
    repo.link("manifests/x.yaml", "y")
    repo.link("manifests/y", "{outside}/secret")


def strange_names(repo: Repo) -> None:
    """Call files what a terminal, a runner or a parser of options could act on."""
    names = ("-rf.yaml", "\x1b[2J.yaml", "::error::x.yaml", "a\n::stop-commands::y.yaml", "é" * 120 + ".yaml")
    for name in (*names, os.fsdecode(b"d\xff.yaml")):
        repo.write(f"manifests/{name}", "version: 2\n")


def old_cache(repo: Repo) -> None:
    """Bring along a cache for every process that could write one, as links out and into a device."""
    for number in range(2_000):
        repo.link(f".reconciler/cache/{'0' * 32}.{number}", "{outside}/new")
    repo.link(f".reconciler/cache/{'0' * 32}", "/dev/zero")


def modules(repo: Repo) -> None:
    """Bring along Python modules, which would run if the folder were looked at for some."""
    for name in ("click", "yaml", "sitecustomize", "platformdirs", "reconciler"):
        repo.write(f"{name}.py", f"open({str(repo.outside / 'new')!r}, 'w')\n")


def huge_rows(repo: Repo) -> None:
    """Let a manifest name ten gigabytes as rows, and as a picture."""
    repo.huge("manifests/rows.csv")
    repo.huge("manifests/car.png")
    repo.write("manifests/other.yaml", OTHER % "{for_each: {file: rows.csv}}")


def linked(name: str, target: str) -> Callable[[Repo], None]:
    """Return what puts a link in place of a file."""
    return lambda repo: repo.link(name, target)


def piped(name: str) -> Callable[[Repo], None]:
    """Return what puts a pipe in place of a file."""
    return lambda repo: repo.pipe(name)


def linked_files(kind: str, target: str) -> Callable[[Repo], None]:
    """Return what lets a manifest name a file that leads to *target*."""

    def play(repo: Repo) -> None:
        repo.link("manifests/rows.csv", target)
        repo.write("manifests/other.yaml", OTHER % (FILES[kind] % "rows.csv"))

    return play


def named_files(kind: str, name: str) -> Callable[[Repo], None]:
    """Return what lets a manifest name the file *name*."""
    return lambda repo: repo.write("manifests/other.yaml", OTHER % (FILES[kind] % name))


TRICKS: dict[str, Callable[[Repo], None]] = {
    **{f"{name} is a link to {to}": linked(name, to) for name, to in LINKS.items()},
    **{f"{name} is a pipe": piped(name) for name in PIPES},
    **{
        f"{kind} are a link to {target}": linked_files(kind, target)
        for kind in FILES
        for target in ("{outside}/rows.csv", "/proc/self/environ", "/dev/zero", "rows.csv")
    },
    **{
        f"{kind} are named {name}": named_files(kind, name)
        for kind in FILES
        for name in ("../../outside/rows.csv", "/etc/passwd", "/proc/self/environ")
    },
    **{
        one.__name__: one for one in (linked_folders, two_links, strange_names, old_cache, modules, huge_rows)
    },
}
FOLLOWED = "reconciler.state.json is a link to {outside}/secret"
"""The one link that is followed: a look at its first bytes tells whether it leads to a state."""


@pytest.fixture(scope="module")
def applied(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project that was applied, to be copied."""
    project = Project(tmp_path_factory.mktemp("applied") / "repo", {"RECONCILER_ENDPOINT": "emulator"})
    project.write("manifests/desk.yaml", MANIFEST)
    (project.folder / "manifests" / "car.png").write_bytes(b"\x89PNG")
    project.run("apply", "--auto-approve", check=0)
    return project.folder


@pytest.fixture
def repo(applied: Path, tmp_path: Path) -> Repo:
    """A copy of it, beside a folder with manifests, rows and secrets, and a home with more of these."""
    repo = Repo(tmp_path / "repo", tmp_path / "outside", tmp_path / "home")
    shutil.copytree(applied, repo.folder)
    for folder in (repo.outside, repo.home):
        folder.mkdir()
        for name in ("secret", ".netrc", ".git-credentials", ".profile"):
            (folder / name).write_text(f"machine example.com password {SECRET}\n")
        (folder / "m.yaml").write_text(f"version: 1\ntoken:   {SECRET}\n")
        (folder / "rows.csv").write_text(f"key,body\na,{SECRET}\n")
    return repo


def contents(*folders: Path) -> dict[str, bytes]:
    """Return what the files in *folders* hold, but for the user's caches."""
    files = (path for folder in folders for path in folder.rglob("*") if ".cache" not in path.parts)
    return {str(path): path.read_bytes() if path.is_file() else b"" for path in files}


def leaks(folder: Path) -> list[str]:
    """Return the files of ours below *folder* that hold the secret."""
    files = (path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
    small = (path for path in files if path.stat().st_size < 10_000_000)
    return [str(path) for path in small if SECRET.encode() in path.read_bytes()]


@pytest.mark.parametrize("trick", TRICKS)
def test_nothing_outside_is_read_written_or_printed(repo: Repo, tmp_path: Path, trick: str) -> None:
    """Every command ends in its own words, and what it touched is in the checkout or in the user's cache."""
    before = contents(repo.outside, repo.home)
    TRICKS[trick](repo)
    log = tmp_path / "log"

    ran = subprocess.run(
        [sys.executable, str(DRIVER), str(log), str(repo.outside), str(repo.home)],
        cwd=repo.folder,
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(repo.home),
            "XDG_CACHE_HOME": str(repo.home / ".cache"),
            "RECONCILER_ENDPOINT": "emulator",
            "TWILIO_ACCOUNT_SID": "AC" + "0" * 32,
            "TWILIO_AUTH_TOKEN": SECRET,
        },
        input=COMMANDS,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        check=True,
        timeout=120,
    )

    assert ran.stdout.count("$ ") == len(COMMANDS.splitlines())
    assert "Traceback" not in ran.stdout
    assert SECRET not in ran.stdout
    assert leaks(repo.folder) == leaks(repo.home / ".cache") == []
    opened = set(log.read_text().splitlines())
    assert opened <= ({f"open {repo.outside}/secret"} if trick == FOLLOWED else set())
    assert contents(repo.outside, repo.home) == before
    assert characters_come_alive(ran.stdout) == runner_comes_alive(ran.stdout) == []
    assert terminal_comes_alive(ran.stdout) == []
