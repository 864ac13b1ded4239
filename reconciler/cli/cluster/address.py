"""The address of a Dask scheduler, and whether it may be used."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import urlsplit

from reconciler.errors import UsageError

LOCAL: Final = "local"
"""Stands for a cluster of this machine's cores, which is started for the command."""
_LOOPBACK: Final = re.compile(r"localhost|127(\.\d{1,3}){3}|::1")


def check(address: str, allowed_host: str | None) -> None:
    """Raise UsageError for an *address* that is none, or that is neither encrypted, nor of this machine.

    *allowed_host* may be used without encryption.
    """
    if address == LOCAL:
        return
    try:
        parts = urlsplit(address)
        host, port = parts.hostname, parts.port
    except ValueError:
        host = port = None
    if host is None or port is None or parts.scheme not in {"tcp", "tls"}:
        raise UsageError(
            f"`--dask {address}` is no address of a Dask scheduler",
            hint="write tls://HOST:PORT, tcp://HOST:PORT, or local for a cluster of this machine's cores",
        )
    if parts.scheme == "tcp" and host != allowed_host and _LOOPBACK.fullmatch(host) is None:
        raise UsageError(
            f"texts of messages would go to `{address}` unencrypted, and whoever reaches it runs code there",
            hint=f"use tls://, or pass `--allow-insecure-endpoint {host}` if the network is yours alone",
        )
