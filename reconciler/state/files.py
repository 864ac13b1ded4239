"""Where the files of a state lie, how each is written, and what the disk's refusals mean for the user."""

from __future__ import annotations

import errno
import os
from pathlib import Path

from reconciler.errors import StateError
from reconciler.runtime.atomic_file import PRIVATE, Files, write_whole
from reconciler.runtime.regular_file import open_regular

__all__ = ["Files", "beside", "put", "require_folder", "resolve", "unusable"]

_ADVICE = {
    errno.ENOSPC: "free some space on that disk, then run the command again",
    errno.EDQUOT: "free some of your quota, then run the command again",
    errno.EFBIG: "raise the limit on the size of files (`ulimit -f`), then run the command again",
    errno.EROFS: "use a folder that can be written to, with `--state`",
    errno.EACCES: "make the file and its folder writable for you, or use another place with `--state`",
    errno.EPERM: "make the file and its folder writable for you, or use another place with `--state`",
    errno.ENOENT: "create that folder, or correct `--state`",
    errno.ENOTDIR: "correct `--state`: a part of that path is a file",
    errno.EISDIR: "correct `--state`: it must name a file",
    errno.ENOLCK: "that file system has no locks: keep the state on another one, with `--state`",
    errno.ENOSYS: "that file system has no locks: keep the state on another one, with `--state`",
    errno.EOPNOTSUPP: "that file system has no locks: keep the state on another one, with `--state`",
    errno.ELOOP: "remove the link, or use another place with `--state`",
    errno.EINVAL: "correct `--state`: it and its neighbours must be regular files",
    errno.EIO: "check that disk before running the command again",
}
_SIGN = b'"format_version"'
"""What each state begins with, after a brace and white space."""
_SIGN_WITHIN = 64


def put(files: Files, path: Path, data: bytes) -> None:
    """Make *data* the durable content of *path*, for its owner alone: wholly, or not at all.

    The draft beside it has a fixed name, so what a crash leaves is removed by the next call; the
    state's lock keeps others away. Raises OSError; then *path* has the old or the new content.
    """
    draft = beside(path, ".tmp")
    write_whole(path, data, mode=PRIVATE, draft=draft, follow_folders=True, files=files)


def beside(path: Path, suffix: str) -> Path:
    """Return the neighbour of *path* whose name is longer by *suffix*."""
    return path.with_name(path.name + suffix)


def resolve(path: Path) -> Path:
    """Return what *path* stands for: a link's target, so that its neighbours are the same for all.

    Raises StateError for a link to anything but a state or nothing: even the lock beside it is not made.
    """
    if not os.path.islink(path):  # noqa: PTH114 - Path.is_symlink raises where a folder is closed to us
        return path
    target = Path(os.path.realpath(path))
    try:
        with open_regular(target) as file:
            is_state = _SIGN in file.read(_SIGN_WITHIN)
    except FileNotFoundError:
        return target
    except OSError as error:
        raise unusable("read", path, error) from error
    if not is_state:
        raise StateError(
            f"`{path}` is a link to `{target}`, which is no state",
            hint="remove the link, or name the state with `--state`",
        )
    return target


def require_folder(path: Path) -> None:
    """Raise StateError unless the folder of *path* is there; a mistyped `--state` makes no folder."""
    try:
        path.parent.stat()
    except OSError as error:
        raise unusable("open", path.parent, error) from error


def unusable(verb: str, path: Path, error: OSError) -> StateError:
    """Return the error for "cannot *verb* *path*", with the system's reason and what to do."""
    reason = error.strerror or str(error)
    return StateError(f"cannot {verb} `{path}`: {reason}", hint=_ADVICE.get(error.errno or 0))
