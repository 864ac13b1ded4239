"""Open the state over HTTP: what its address may be, and where its lock is."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import SplitResult, urlsplit

from reconciler.errors import UsageError
from reconciler.state.keys import Keys
from reconciler.state.stores.adapters.terraform import Lock, TerraformPage
from reconciler.state.stores.background import Remote
from reconciler.state.stores.pages import Pages
from reconciler.state.stores.trust import check_host, is_loopback

_USERNAME: Final = "RECONCILER_STATE_USERNAME"
_PASSWORD: Final = "RECONCILER_STATE_PASSWORD"  # noqa: S105 - a name
_LOCK_ADDRESS: Final = "RECONCILER_STATE_LOCK_ADDRESS"
_LOCK_METHOD: Final = "RECONCILER_STATE_LOCK_METHOD"
_UNLOCK_METHOD: Final = "RECONCILER_STATE_UNLOCK_METHOD"
_ADDRESS: Final = re.compile(
    r"https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?(/[A-Za-z0-9._~%!$&'()*+,;=:@-]*)*|https?://\[[0-9a-f:]+\](:[0-9]{1,5})?(/[A-Za-z0-9._~%!$&'()*+,;=:@-]*)*"
)
_METHOD: Final = re.compile(r"[A-Z]{1,20}")
_LONGEST: Final = 1000


def open_store(address: str, environ: Mapping[str, str], *, trusted: bool, keys: Keys) -> Remote:
    """Return the store at *address*; raises UsageError for one that may not be used."""
    parts = _parts(address, "the address of the state")
    check_host(parts.hostname or "", environ, trusted=trusted)
    username, password = environ.get(_USERNAME, ""), environ.get(_PASSWORD, "")
    page = TerraformPage(
        address,
        _lock(address, environ),
        credentials=(username, password) if username or password else None,
    )
    return Remote(Pages(page, keys=keys))


def _lock(address: str, environ: Mapping[str, str]) -> Lock:
    """Return how to lock the state at *address*, by variables alone."""
    where = environ.get(_LOCK_ADDRESS, "")
    if where:
        _parts(where, _LOCK_ADDRESS)
        if where != address and not where.startswith(f"{address.rstrip('/')}/"):
            raise UsageError(
                f"{_LOCK_ADDRESS} is not the address of the state, and is not below it",
                hint=f"the state is at `{address}`; the lock of another would keep nobody out",
            )
    methods = [
        environ.get(name, "") or other for name, other in ((_LOCK_METHOD, "LOCK"), (_UNLOCK_METHOD, "UNLOCK"))
    ]
    if not all(map(_METHOD.fullmatch, methods)):
        raise UsageError(f"{_LOCK_METHOD} and {_UNLOCK_METHOD} are methods of HTTP, such as `POST`")
    return Lock(where, *methods)


def _parts(address: str, what: str) -> SplitResult:
    """Return the parts of an address; raises UsageError, which shows none of it, for what is none."""
    if len(address) > _LONGEST or not _ADDRESS.fullmatch(address):
        raise UsageError(
            f"{what} cannot be used: it is no `https://HOST/PATH` without user, password and query",
            hint=f"give credentials by {_USERNAME} and {_PASSWORD}; `examples/state/README.md` says more",
        )
    try:
        parts = urlsplit(address)
        parts.port  # noqa: B018 - a number out of range is a ValueError
    except ValueError as error:
        raise UsageError(f"{what} cannot be used: it is no address") from error
    if parts.scheme == "http" and not is_loopback(parts.hostname or ""):
        raise UsageError(
            f"{what} is not encrypted", hint="use `https://`; `http://` serves on this machine alone"
        )
    return parts
