"""A bare repository on disk, and clones of it, away from the settings of whoever runs the tests."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

REF = "refs/reconciler/production"


def environ(home: Path) -> dict[str, str]:
    """Return variables under which git reads no settings but those of its repository."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    return {**kept, "HOME": str(home), "GIT_CONFIG_NOSYSTEM": "1", "XDG_CONFIG_HOME": str(home / "none")}


class Repository:
    """A bare repository `hub.git` in *folder*."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = folder / "hub.git"
        self._environ = environ(folder)
        if not self.path.exists():
            self.git("init", "--quiet", "--bare", str(self.path), at=folder)

    def clone(self, name: str) -> Path:
        """Return a repository in the folder, made once, whose remote `origin` it is."""
        made = self.folder / name
        if not made.exists():
            self.git("init", "--quiet", str(made), at=self.folder)
            self.git("remote", "add", "origin", str(self.path), at=made)
        return made

    def refs(self) -> str:
        """Return all refs, with what they point at."""
        return self.git("for-each-ref", at=self.path)

    def document(self, ref: str = REF) -> bytes:
        """Return the file in the commit of *ref*."""
        return self.git("show", f"{ref}:state.json", at=self.path).encode()

    def git(self, *command: str, at: Path, data: str = "") -> str:
        """Run git in a folder, and return what it prints."""
        return subprocess.run(
            ["git", "-c", "user.name=ann", "-c", "user.email=ann@example.com", *command],
            cwd=at,
            env=self._environ,
            input=data,
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        ).stdout
