"""Open the store that a path or an address names; its kind is imported only now."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Final

from reconciler.errors import UsageError
from reconciler.state.keys import Keys, keys_of
from reconciler.state.stores.file_store import FileStore

if TYPE_CHECKING:
    from reconciler.state.files import Files
    from reconciler.state.stores.interface import Store

_KINDS: Final[dict[str, str]] = {}
"""By scheme, the module whose function opens it, named here once it is there.

`open_store(address, environ, *, trusted, keys) -> Store`; what it stores passes `SealedBlobs`, or is sealed
in another way. What only sends requests lies in `adapters/`: `adapters/obstore.py` (s3, az, gs) has
`open_blobs(address, environ, *, trusted) -> Blobs`; `adapters/git.py` (git) and `adapters/http.py` (https,
and http to this machine) have `open_page(address, environ, *, trusted) -> Page`.
"""
_SCHEME: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://|(git):")


def is_address(text: str) -> bool:
    """Return whether *text* is an address; anything else is a path. `git:` needs no slashes."""
    return _SCHEME.match(text) is not None


def open_store(
    where: str | Path,
    *,
    files: Files | None = None,
    environ: Mapping[str, str] = os.environ,
    trusted: bool = True,
    keys: Keys | None = None,
) -> Store:
    """Return the store at *where*; nothing is read yet.

    *files* is the file system of a path; None is the real one. *environ* has the credentials. An address
    that is not *trusted* comes from a settings file, which anyone who opens a pull request may have written:
    credentials go to its host only if `RECONCILER_STATE_HOST` names it. *keys* seal and open what is stored;
    None are those of *environ*.

    Raises UsageError for an address of an unknown kind or form, for one that is not trusted where it must be,
    and where a package is missing, with the extra that brings it.
    """
    found = _SCHEME.match(where) if isinstance(where, str) else None
    if found is None:
        return FileStore(where, files=files, keys=keys_of(environ) if keys is None else keys)
    scheme = (found[1] or found[2]).lower()
    if scheme not in _KINDS:
        known = ", ".join(f"`{one}:`" for one in sorted(_KINDS))
        hint = f"name a path, or an address of {known}" if known else "name a path"
        raise UsageError(f"a state cannot be kept at `{scheme}:`", hint=hint)
    keys = keys_of(environ) if keys is None else keys
    opened: Callable[..., Store] = import_module(_KINDS[scheme]).open_store
    return opened(str(where), environ, trusted=trusted, keys=keys)
