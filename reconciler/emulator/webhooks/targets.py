"""Which addresses a webhook may go to: this machine's own, unless its name is allowed."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Collection
from ipaddress import IPv6Address, ip_address
from typing import Final
from urllib.parse import urlsplit

_PORTS: Final = {"http": 80, "https": 443}


class Forbidden(Exception):
    """A webhook that is not sent, and why."""


def is_url(text: str) -> bool:
    """Return whether *text* is an http(s) url with a host."""
    try:
        parts = urlsplit(text)
        return parts.scheme in _PORTS and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


async def addresses(url: str, allowed: Collection[str]) -> list[str]:
    """Return the IP addresses to which a webhook for *url* may be sent, after its name was resolved.

    Raises Forbidden if it leads to another machine and its name is not in *allowed*.
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    port = parts.port or _PORTS[parts.scheme]
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise Forbidden(f"the host `{host}` has no address ({error})") from error
    every = list(dict.fromkeys(str(address[0]) for *_, address in found))
    if host in {name.lower() for name in allowed}:
        return every
    own = [address for address in every if is_own(address)]
    if not own:
        raise Forbidden(f"`{host}` is another machine; `--allow-webhook-host {host}` lets webhooks go there")
    return own


def is_own(address: str) -> bool:
    """Return whether an IP address is of this machine's loopback interface."""
    parsed = ip_address(address.partition("%")[0])
    if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped is not None:
        return parsed.ipv4_mapped.is_loopback
    return parsed.is_loopback
