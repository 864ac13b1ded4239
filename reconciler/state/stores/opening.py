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

_KINDS: Final = {
    "az": "reconciler.state.stores.cloud",
    "git": "reconciler.state.stores.git",
    "gs": "reconciler.state.stores.cloud",
    "http": "reconciler.state.stores.https",
    "https": "reconciler.state.stores.https",
    "postgresql": "reconciler.state.stores.postgres",
    "s3": "reconciler.state.stores.cloud",
}
"""By scheme, the module with `open_store(address, environ, *, trusted, keys) -> Store`.

What only sends requests lies in `adapters/`: `Blobs` for `cloud` and `postgres`, else a `Page`.
"""
_GROUPED: Final = frozenset({"postgresql"})
"""The schemes of states that are kept by group of conversations; `open_store` takes *groups* there."""
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
    groups: frozenset[int] | None = None,
) -> Store:
    """Return the store at *where*; nothing is read yet.

    *files* is the file system of a path; None is the real one. *environ* has the credentials. An address
    that is not *trusted* comes from a settings file, which anyone who opens a pull request may have written:
    credentials go to its host only if `RECONCILER_STATE_HOST` names it. *keys* seal and open what is stored;
    None are those of *environ*. *groups* are the only groups of conversations that may be changed, and what
    belongs to services if `SERVICES` is among them; None are all. Nothing else but that is read.

    Raises UsageError for an address of an unknown kind or form, for *groups* of a state that is kept as a
    whole, for one that is not trusted where it must be,
    and where a package is missing, with the extra that brings it.
    """
    found = _SCHEME.match(where) if isinstance(where, str) else None
    if groups is not None and (found is None or found[1].lower() not in _GROUPED):
        raise UsageError(
            f"the state `{where}` is kept as a whole, so its parts cannot be worked on by several machines",
            hint="keep it in PostgreSQL: `reconciler state migrate FROM postgresql://…`",
        )
    if found is None:
        return FileStore(where, files=files, keys=keys_of(environ) if keys is None else keys)
    scheme = (found[1] or found[2]).lower()
    if scheme not in _KINDS:
        known = ", ".join(f"`{one}:`" for one in sorted(_KINDS))
        raise UsageError(
            f"a state cannot be kept at `{scheme}:`",
            hint=f"name a path, or an address of {known}; `examples/state/README.md` says what each needs",
        )
    keys = keys_of(environ) if keys is None else keys
    opened: Callable[..., Store] = import_module(_KINDS[scheme]).open_store
    if scheme in _GROUPED:
        return opened(str(where), environ, trusted=trusted, keys=keys, groups=groups)
    return opened(str(where), environ, trusted=trusted, keys=keys)
