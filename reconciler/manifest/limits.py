"""The limits of one run. The command line or the caller sets them, never a manifest."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Final

from msgspec import Struct

from reconciler.errors import UsageError
from reconciler.manifest.own_files import refuse_own
from reconciler.runtime.regular_file import read_regular

_MB: Final = 1_000_000


class Limits(Struct, frozen=True):
    """The limits of one run."""

    file_mb: int = 100
    """Size of one file of manifests or values, in MB (10^6 bytes)."""
    all_mb: int = 1_000
    """Size of all manifests together, in MB."""
    messages: int = 250_000
    """Messages that `for_each`, templates and transcripts make, in all files together."""
    nesting: int = 100
    """Depth of lists and mappings inside one another."""


_USUAL: Final = Limits()
_current: Final[ContextVar[Limits]] = ContextVar("limits", default=_USUAL)


def limits() -> Limits:
    """Return the limits in force."""
    return _current.get()


@contextmanager
def limited(to: Limits) -> Iterator[None]:
    """Put the limits *to* in force inside the block."""
    token = _current.set(to)
    try:
        yield
    finally:
        _current.reset(token)


class Reading:
    """Reads files, and adds up their sizes."""

    def __init__(self) -> None:
        self._bytes = 0

    def read(self, path: Path) -> bytes:
        """Return the bytes of *path*.

        Raises OSError, and UsageError where a limit is exceeded, or where it is a saved plan or a state.
        """
        most = limits().file_mb
        try:
            data = read_regular(path, most=most * _MB)
        except OSError as error:
            if error.errno != errno.EFBIG:
                raise
            raise UsageError(
                f"`{path}` has more than {most:,} MB",
                hint="split it, or pass a larger `--max-manifest-size`",
            ) from error
        self._bytes += len(data)
        if self._bytes > limits().all_mb * _MB:
            raise UsageError(
                f"the manifests have more than {limits().all_mb:,} MB together",
                hint="give fewer of them, or pass a larger `--max-total-size`",
            )
        refuse_own(path, data)
        return data
