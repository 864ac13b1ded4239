"""The files of a state: where they are, how each is written, and hints for errors of the disk."""

from __future__ import annotations

import errno
import os
import stat
from contextlib import suppress
from pathlib import Path

from reconciler.errors import StateError
from reconciler.runtime.atomic_file import PRIVATE, Files, write_whole
from reconciler.runtime.regular_file import open_regular, require_regular

__all__ = ["PARTS", "Files", "beside", "meet", "put", "require_folder", "resolve", "unusable"]

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
PARTS = {
    ".backup.tmp": "draft",
    ".journal.tmp": "draft",
    ".backup": "backup",
    ".journal": "journal",
    ".lock": "lock",
    ".tmp": "draft",
    "": "state",
}
"""By what their names have behind that of the state: the files of one, with longer ends first."""
_SIGNS = (b'"format_version"', b'"reconciler_sealed"')
"""The first keys of states: of a clear one, and of a sealed one."""
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
    """Return the file behind *path*: the target of a link, so that its neighbours are the same for everyone.

    Raises StateError if it is no regular file, and for a link to anything but a state or nothing: then not
    even the lock beside it is created.
    """
    try:
        status = path.lstat()
    except OSError:  # whoever opens the file reports it
        return path
    is_link = stat.S_ISLNK(status.st_mode)
    target = Path(os.path.realpath(path)) if is_link else path
    try:
        require_regular(target, target.stat())
        is_state = not is_link or _begins_like_a_state(target)
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


def meet(path: Path) -> None:
    """Open the files of the state at *path* once, before the process handles signals.

    A file system that hangs blocks a process that opens a file; only a signal without a handler ends it.
    Raises StateError as `resolve` does; other faults are reported when the files are read.
    """
    target = resolve(path)
    for file in (target, beside(target, ".journal")):
        with suppress(OSError), open_regular(file, follow=False) as opened:
            opened.read(1)


def _begins_like_a_state(path: Path) -> bool:
    with open_regular(path) as file:
        beginning = file.read(_SIGN_WITHIN)
    return any(sign in beginning for sign in _SIGNS)


def require_folder(path: Path) -> None:
    """Raise StateError unless the folder of *path* exists; a mistyped `--state` creates no folder."""
    try:
        path.parent.stat()
    except OSError as error:
        raise unusable("open", path.parent, error) from error


def unusable(verb: str, path: Path, error: OSError) -> StateError:
    """Return the error for "cannot *verb* *path*", with the system's reason and what to do."""
    reason = error.strerror or str(error)
    hint = _ADVICE.get(error.errno or 0)
    if verb == "read" and error.errno == errno.EFBIG:
        hint = "no state is that large: put a backup back, or correct `--state`"
    return StateError(f"cannot {verb} `{path}`: {reason}", hint=hint)
