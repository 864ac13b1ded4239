"""A transport of httpx that calls the emulator's app in this process, without a socket."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
from starlette.types import ASGIApp

from reconciler.emulator.link import ask


class _CutStream(httpx.AsyncByteStream):
    def __init__(self, parts: list[bytes]) -> None:
        self._parts = parts

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for part in self._parts:
            yield part
        raise httpx.RemoteProtocolError("the emulator closed the connection within the body")


class EmulatorTransport(httpx.AsyncBaseTransport):
    """Passes requests to the app directly. It ignores the time-outs of the client."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Return the reply of the app, or raise the httpx error of a scripted fault."""
        url = request.url
        headers = [(name.lower(), value) for name, value in request.headers.raw]
        link = await ask(
            self._app,
            request.method,
            (url.scheme, url.host, url.port),
            url.raw_path,
            headers,
            await request.aread(),
        )
        if link.is_reset:
            raise httpx.ReadError("connection reset by the emulator", request=request)
        if link.is_refused:
            raise httpx.ConnectError("connection refused by the emulator", request=request)
        if not link.status:
            raise httpx.RemoteProtocolError("the emulator closed the connection", request=request)
        content: dict[str, Any] = {"content": b"".join(link.parts)}
        if link.is_truncated:
            content = {"stream": _CutStream(link.parts)}
        return httpx.Response(link.status, headers=link.headers, **content)
