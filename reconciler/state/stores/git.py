"""Open the state in a git ref: what its address may be, and what a stranger's may not."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final
from urllib.parse import parse_qsl, urlsplit

from msgspec import Struct

from reconciler.errors import UsageError
from reconciler.state.keys import Keys
from reconciler.state.stores.adapters.git import GitPage
from reconciler.state.stores.adapters.git_program import Git
from reconciler.state.stores.background import Remote
from reconciler.state.stores.pages import Pages
from reconciler.state.stores.trust import check_host, is_loopback
from reconciler.text.words import cut

_REF: Final = re.compile(r"refs(/[A-Za-z0-9][A-Za-z0-9_-]*(\.[A-Za-z0-9_-]+)*){2,}")
_TAKEN: Final = ("heads", "tags", "remotes", "notes", "pull", "merge-requests", "changes", "replace", "stash")
"""Parts of `refs/` that belong to others: branches, tags, and what hosts keep."""
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_ADDRESS: Final = re.compile(
    r"(https|ssh|http)://[A-Za-z0-9@._~:/%+-]+|(https|ssh|http)://\[[0-9a-f:]+\][A-Za-z0-9._~:/%+-]*"
)
_LONGEST: Final = 1000
_SECONDS: Final = 20.0


class GitAddress(Struct, frozen=True):
    """`git:REF` or `git:REMOTE?ref=REF`, taken apart."""

    remote: str
    """The name of a remote, or an address."""
    ref: str

    @property
    def is_name(self) -> bool:
        """Whether the remote is a name, which the repository explains."""
        return "://" not in self.remote


def open_store(address: str, environ: Mapping[str, str], *, trusted: bool, keys: Keys) -> Remote:
    """Return the store at *address*; raises UsageError for one that may not be used."""
    parsed = parse(address)
    if parsed.is_name:
        url, folder = _url_of(parsed, environ, address), Path.cwd()
    else:
        url, folder = parsed.remote, None
        check_host(_host(url), environ, trusted=trusted)
    page = GitPage(
        address,
        parsed.remote,
        parsed.ref,
        environ=dict(environ),
        folder=folder,
        protocols=_protocols(url),
    )
    return Remote(Pages(page, keys=keys))


def parse(address: str) -> GitAddress:
    """Return the parts of *address*; raises UsageError, which shows no password, for any other form."""
    remote, found, query = address.removeprefix("git:").partition("?")
    if not found:
        remote, query = "origin", f"ref={remote}"
    given = parse_qsl(query, keep_blank_values=True)
    if len(address) > _LONGEST or [name for name, _ in given] != ["ref"]:
        raise _malformed("it has another form")
    _check_ref(given[0][1])
    if not _NAME.fullmatch(remote):
        _check_remote(remote)
    return GitAddress(remote, given[0][1])


def _check_ref(ref: str) -> None:
    if not _REF.fullmatch(ref) or ref.endswith(".lock"):
        raise _malformed(f"`{cut(ref)}` is no name of a ref such as `refs/reconciler/production`")
    if ref.split("/")[1] in _TAKEN:
        raise _malformed(f"`{cut(ref)}` belongs to branches, tags or a host, and no state is written there")


def _check_remote(remote: str) -> None:
    if not _ADDRESS.fullmatch(remote):
        raise _malformed("its remote is no name, and no address that begins with `https://` or `ssh://`")
    try:
        parts = urlsplit(remote)
    except ValueError as error:
        raise _malformed("its remote is no address") from error
    if parts.password is not None:
        raise _malformed("its remote holds a password; let a credential helper of git give it")
    if not parts.hostname or parts.hostname.startswith("-") or (parts.username or "").startswith("-"):
        raise _malformed("its remote names no host")
    if parts.scheme == "http" and not is_loopback(parts.hostname):
        raise _malformed("its remote is not encrypted: use `https://` or `ssh://`")


def _url_of(address: GitAddress, environ: Mapping[str, str], place: str) -> str:
    """Return the address behind the name of a remote; raises UsageError unless `git remote` lists it."""
    git = Git(Path.cwd(), environ, protocols="")
    listed = git.run(("remote",), seconds=_SECONDS)
    if listed.code:
        raise UsageError(
            f"the state `{place}` is in the repository around this folder, and there is none: {listed.error}",
            hint="run the command in a clone, or name the remote: `git:https://HOST/PATH?ref=REF`",
        )
    names = listed.out.decode("utf-8", "replace").split("\n")
    if address.remote not in names:
        raise UsageError(
            f"the repository around this folder has no remote `{address.remote}`",
            hint="`git remote -v` lists those that it has; or name one: `git:https://HOST/PATH?ref=REF`",
        )
    pushed = git.run(("remote", "get-url", "--push", "--all", address.remote), seconds=_SECONDS)
    urls = pushed.out.decode("utf-8", "replace").splitlines()
    if len(urls) != 1:
        raise UsageError(
            f"the remote `{address.remote}` is pushed to {len(urls)} places, and a state is kept in one",
            hint="name the address of one: `git:https://HOST/PATH?ref=REF`",
        )
    return urls[0]


def _protocols(url: str) -> str:
    """Return the transports that git may use for *url*: none that runs a program of its choice."""
    allowed = "file:https:ssh"
    return f"{allowed}:http" if url.startswith("http://") and is_loopback(_host(url)) else allowed


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def _malformed(why: str) -> UsageError:
    return UsageError(
        f"the address of the state in git cannot be used: {why}",
        hint="write `git:refs/reconciler/NAME`, or `git:REMOTE?ref=refs/reconciler/NAME`; "
        "`examples/state/README.md` says more",
    )
