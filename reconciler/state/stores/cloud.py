"""Stores in buckets: their addresses, and what the environment may say about the way to them.

An address names a bucket and a prefix, and nothing that leads elsewhere: the environment alone says to which
host requests and signatures go. So an address of a settings file needs no trust.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from ipaddress import ip_address
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from msgspec import Struct

from reconciler.errors import UsageError
from reconciler.state.keys import Keys
from reconciler.state.stores.background import Remote
from reconciler.state.stores.objects import Objects
from reconciler.state.stores.sealed_blobs import SealedBlobs
from reconciler.text.inert import escape
from reconciler.text.words import cut

if TYPE_CHECKING:
    from reconciler.state.stores.interface import Store

_BUCKETS: Final = {
    "s3": re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]"),
    "az": re.compile(r"(?=.{3,63}$)[a-z0-9]+(-[a-z0-9]+)*"),
    "gs": re.compile(r"[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]"),
}
"""The names that the providers allow."""
_PREFIX: Final = re.compile(r"(?!.*(^|/)\.{1,2}(/|$))[A-Za-z0-9._=-]+(/[A-Za-z0-9._=-]+)*")
_LONGEST: Final = 512
_ENDPOINTS: Final = {
    "s3": ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT"),
    "az": ("AZURE_STORAGE_ENDPOINT", "AZURE_ENDPOINT", "AZURITE_BLOB_STORAGE_URL"),
    "gs": ("GOOGLE_BASE_URL",),
}
"""The variables that can lead to a server of another address."""


class Location(Struct, frozen=True):
    """A folder of objects."""

    scheme: str
    """`s3`, `az` or `gs`."""
    bucket: str
    prefix: str
    """Without slashes at its ends."""


def open_store(address: str, environ: Mapping[str, str], *, trusted: bool, keys: Keys) -> Store:
    """Return the store at *address*; the client reads its credentials from the environment of the process.

    Raises UsageError for a wrong address, for an endpoint without TLS and where the extra is missing, and
    StateError if the environment names no account.
    """
    del trusted  # nothing in the address leads to another host
    location = located(address)
    allow_http = is_local(location.scheme, environ)
    try:
        from reconciler.state.stores.adapters.obstore import open_blobs  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise UsageError(
            f"a state at `{location.scheme}:` needs a package that is not installed",
            hint='install the extra: `pip install "conversations-reconciler[cloud] @ …"`',
        ) from error
    blobs = open_blobs(location.scheme, location.bucket, location.prefix, allow_http=allow_http)
    return Remote(Objects(SealedBlobs(blobs, keys)))


def located(address: str) -> Location:
    """Return what *address* names; raises UsageError if it is more or less than a bucket and a prefix."""
    scheme, _, rest = address.partition("://")
    bucket, _, prefix = rest.partition("/")
    prefix = prefix.removesuffix("/")
    found = Location(scheme.lower(), bucket, prefix)
    pattern = _BUCKETS[found.scheme]
    if pattern.fullmatch(bucket) and _PREFIX.fullmatch(prefix) and len(prefix) <= _LONGEST:
        return found
    shown = "" if re.search("[@?#]", address) else f" `{escape(cut(address))}`"  # which may hold a secret
    raise UsageError(
        f"the address{shown} of the state is not a bucket and a prefix",
        hint=f"write it as `{found.scheme}://BUCKET/PREFIX`, in letters, digits and `._=-`; credentials, "
        "region and endpoint come from the environment",
    )


def is_local(scheme: str, environ: Mapping[str, str]) -> bool:
    """Return whether *environ* leads to a server of this machine, which needs no TLS.

    Raises UsageError, which names the variable, for one elsewhere without TLS.
    """
    ways = {name: environ[name] for name in _ENDPOINTS[scheme] if environ.get(name)}
    kinds = {name: _way(url) for name, url in ways.items()}
    for name, kind in kinds.items():
        if kind == "":
            raise UsageError(
                f"{name} is no `https://` address", hint="only a server of this machine may do without TLS"
            )
    return "local" in kinds.values() or (scheme == "az" and bool(environ.get("AZURE_STORAGE_USE_EMULATOR")))


def _way(url: str) -> str:
    """Return `secure` or `local`, or nothing for an address that is neither."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        if parts.scheme == "https" and host:
            return "secure"
        is_local = host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return ""
    return "local" if is_local and parts.scheme == "http" else ""
