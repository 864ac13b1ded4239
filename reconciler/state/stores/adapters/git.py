"""A git ref as a page: its one commit, without parents, holds the document; a push with lease is the swap.

Commits are made by plumbing in a folder of their own, so that nothing of the user's repository changes.
"""

from __future__ import annotations

import asyncio
import re
import shutil
import time
import weakref
from datetime import datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from tempfile import mkdtemp
from typing import Final

from reconciler.errors import StateError
from reconciler.state.stores.adapters.git_program import Git, Ran, inert
from reconciler.state.stores.primitives import CALL_SECONDS, Changed, Sheet, Unheard

_FILE: Final = "state.json"
_BLOB: Final = "100644"
_STALE: Final = (
    *("stale info", "cannot lock ref", "reference already exists", "incorrect old value"),
    "failed to update ref",
)
"""Why a push is refused whose lease does not hold, said by git or by the server."""
_HOPELESS: Final = (
    *("authentication failed", "could not read username", "could not read password", "permission denied"),
    *("returned error: 401", "returned error: 403", "access denied", "write access", "not allowed to push"),
    *("repository not found", "does not appear to be a git repository", "not a git repository"),
    *("host key verification failed", "dubious ownership", "' not allowed", "unable to find remote helper"),
    *("no such remote", "not permitted", "returned error: 404", "returned error: 30"),
    *("unable to update url base from redirection", "ssl certificate", "bad object"),
)
"""What trying again does not mend, in lower case."""


class GitPage:
    """The ref *ref* at *remote*, a name or an address, reached from the repository in *folder*.

    Without a *folder* an empty repository is used, which has no settings of its own.
    """

    swaps = True

    def __init__(
        self,
        place: str,
        remote: str,
        ref: str,
        *,
        environ: dict[str, str],
        folder: Path | None,
        protocols: str,
    ) -> None:
        self.place = place
        self._remote = remote
        self._ref = ref
        self._environ = environ
        self._folder = folder
        self._protocols = protocols
        self._forget: weakref.finalize[..., GitPage] | None = None
        """Removes the objects that were read and made, at the latest when the process ends."""
        self._git: Git | None = None
        self._trace = Path()
        self._known = ("", b"")
        """The commit that was read or pushed last, and its document."""

    async def read(self) -> Sheet:
        """Return the document; raises StateError if the ref holds something else."""
        return await asyncio.to_thread(self._read)

    async def replace(self, data: bytes, version: str) -> str:
        """Push a commit that holds *data* in the place of *version*."""
        return await asyncio.to_thread(self._replace, data, version)

    async def lock(self, info: bytes) -> None:
        """Do nothing: the push compares."""

    async def unlock(self, info: bytes) -> None:
        """Do nothing."""

    async def close(self) -> None:
        """Remove the objects that were read and made."""
        if self._forget is not None:
            self._forget()

    # In a thread.

    def _read(self) -> Sheet:
        until = time.monotonic() + CALL_SECONDS
        while True:
            commit, date = self._tip(until)
            if not commit:
                return Sheet(None, date=date)
            if commit != self._known[0]:
                self._remotely(until, "fetch", *_FETCH, self._remote, self._ref)
                if self._here("cat-file", "-e", commit).code:
                    continue  # pushed since: the newer one was fetched
                self._known = (commit, self._document(commit))
            return Sheet(self._known[1], commit, date)

    def _tip(self, until: float) -> tuple[str, datetime | None]:
        """Return the commit of the ref, empty if there is no such ref, and the date of an HTTP server."""
        git = self._program()
        trace = self._trace
        listed = git.run(
            ("ls-remote", "--quiet", self._remote, self._ref), seconds=until - time.monotonic(), trace=trace
        )
        headers = trace.read_bytes() if trace.exists() else b""
        trace.unlink(missing_ok=True)
        self._check(listed)
        lines = (line.partition("\t") for line in listed.out.decode("utf-8", "replace").splitlines())
        tips = [commit for commit, _, name in lines if name == self._ref]
        return "".join(tips[:1]), _date_in(headers)

    def _document(self, commit: str) -> bytes:
        found = self._here("cat-file", "commit", commit)
        if not found.code and b"\nparent " not in found.out.partition(b"\n\n")[0]:
            files = self._here("ls-tree", "-z", "--name-only", commit)
            blob = self._here("cat-file", "blob", f"{commit}:{_FILE}")
            if not blob.code and files.out == f"{_FILE}\0".encode():
                return blob.out
        raise StateError(
            f"what is at `{self.place}` is no state of reconciler",
            hint="name another ref with `--state`; this one was left as it is",
        )

    def _replace(self, data: bytes, version: str) -> str:
        until = time.monotonic() + CALL_SECONDS
        blob = self._made("hash-object", "-w", "--stdin", data=data)
        tree = self._made("mktree", data=f"{_BLOB} blob {blob}\t{_FILE}\n".encode())
        commit = self._made("commit-tree", "-m", "reconciler state", tree)
        pushed = self._ran(
            until,
            "push",
            "--porcelain",
            "--no-verify",
            f"--force-with-lease={self._ref}:{version}",
            self._remote,
            f"{commit}:{self._ref}",
        )
        refused = next(
            (line for line in pushed.out.decode("utf-8", "replace").splitlines() if line[:1] == "!"), ""
        )
        if refused:
            if any(reason in refused.lower() for reason in _STALE):
                raise Changed(inert(refused[1:]))
            raise self._error(f"{inert(refused[1:])}; {pushed.error}")
        self._check(pushed)
        self._known = (commit, data)
        return commit

    def _made(self, *command: str, data: bytes = b"") -> str:
        made = self._here(*command, data=data)
        if made.code:
            raise self._error(made.error)
        return made.out.decode().strip()

    def _here(self, *command: str, data: bytes = b"") -> Ran:
        """Run what needs no network."""
        return self._program().run(command, seconds=CALL_SECONDS, data=data)

    def _remotely(self, until: float, *command: str) -> Ran:
        """Run what asks the server; raises StateError or Unheard unless it succeeds."""
        ran = self._ran(until, *command)
        self._check(ran)
        return ran

    def _ran(self, until: float, *command: str) -> Ran:
        return self._program().run(command, seconds=until - time.monotonic())

    def _check(self, ran: Ran) -> None:
        if ran.code:
            if any(reason in ran.error.lower() for reason in _HOPELESS):
                raise self._error(ran.error)
            raise Unheard(ran.error or f"git ended with {ran.code}")

    def _error(self, why: str) -> StateError:
        return StateError(
            f"the state `{self.place}` cannot be reached or written: {why}",
            hint=f"try `git ls-remote {self._remote}`: git must get there without asking for a password",
        )

    def _program(self) -> Git:
        """Return git in its repository, made with the first call."""
        if self._git is None:
            own = Path(mkdtemp(prefix="reconciler-"))
            self._trace = own / "headers"
            self._forget = weakref.finalize(self, shutil.rmtree, own, ignore_errors=True)
            git = Git(self._folder or own, self._environ, protocols=self._protocols)
            if self._folder is None:
                self._check(git.init())
            else:
                git.keep_objects_in(own)
            self._git = git
        return self._git


def _date_in(headers: bytes) -> datetime | None:
    """Return the date that the server gave last, None if it gave none: over ssh, or from a path."""
    found = _DATE.findall(headers)
    try:
        return parsedate_to_datetime(found[-1].decode("ascii")) if found else None
    except ValueError:
        return None


_DATE: Final = re.compile(rb"(?im)<= Recv header: date: ([A-Za-z0-9:, +-]+)")
_FETCH: Final = (
    *("--quiet", "--no-tags", "--no-write-fetch-head", "--refmap=", "--no-recurse-submodules"),
    *("--no-auto-maintenance", "--no-prune", "--no-show-forced-updates", "--no-filter", "--force"),
)
