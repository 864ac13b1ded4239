"""Requests to an emulator in this process: its app is called, without a socket and without httpx."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.emulator.link import Link, ask
from reconciler.twilio.network import Broken, Reply, Request, Transport, Url

if TYPE_CHECKING:
    from starlette.types import ASGIApp

_WHO = "the emulator"


class InProcess(Transport):
    """Passes requests to *app* directly. It ignores the time-outs of requests."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def send(self, request: Request) -> Reply:
        """Return the reply of the app, or raise `Broken` for a scripted fault."""
        body = request.body
        if not isinstance(body, bytes):
            body = b"".join([part async for part in body])
        headers = [(b"host", request.url.netloc.encode())]
        headers += [(name.lower().encode(), value.encode()) for name, value in request.headers.items()]
        link = await ask(
            self._app, request.method, _server(request.url), request.url.target.encode(), headers, body
        )
        if link.is_reset:
            raise Broken("connection reset", who=_WHO, sent=True)
        if link.is_refused:
            raise Broken("connection refused", who=_WHO, sent=False)
        if not link.status:
            raise Broken("connection closed", who=_WHO, sent=True)
        return _Reply(link)

    async def aclose(self) -> None:
        """Do nothing: the emulator belongs to the caller."""


class _Reply(Reply):
    """A reply that is there as a whole."""

    def __init__(self, link: Link) -> None:
        self.status = link.status
        self.headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in link.headers}
        self._parts = iter(link.parts)
        self._is_truncated = link.is_truncated

    async def chunk(self) -> bytes | None:
        part = next(self._parts, None)
        if part is None and self._is_truncated:
            raise Broken("connection closed within the body", who=_WHO, sent=True)
        return part

    async def aclose(self) -> None:
        pass


def _server(url: Url) -> tuple[str, str, int | None]:
    return url.origin.partition("://")[0], url.host, url.port
