"""Check the Host header: by DNS rebinding, a page in a browser reaches this machine under its own name."""

from __future__ import annotations

from collections.abc import Collection
from ipaddress import ip_address
from urllib.parse import urlsplit

import msgspec
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send


class OwnHostsOnly:
    """Passes requests on to *app* if their Host is this machine, or one of the *allowed* names."""

    def __init__(self, app: ASGIApp, allowed: Collection[str] = ()) -> None:
        self._app = app
        self._allowed = {name.lower() for name in allowed}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        given = [value.decode("latin-1") for name, value in scope["headers"] if name == b"host"]
        if all(is_loopback(host) or _name(host) in self._allowed for host in given):
            await self._app(scope, receive, send)
            return
        text = "this Host is not the emulator's; `--allow-host NAME` lets others in"
        refusal = Response(msgspec.json.encode({"error": text}), 403, media_type="application/json")
        await refusal(scope, receive, send)


def is_loopback(host: str) -> bool:
    """Return whether the Host header *host* names this machine, with any port."""
    name = _name(host)
    try:
        return name == "localhost" or ip_address(name).is_loopback
    except ValueError:
        return False


def _name(host: str) -> str:
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""
