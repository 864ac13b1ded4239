"""A transport of httpx that calls the emulator's app in this process, without a socket."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
from starlette.types import ASGIApp, Message, Scope

from reconciler.emulator.connection import EXTENSION


class _Link:
    """One connection inside this process: it collects the bytes that the app sends."""

    def __init__(self, request: httpx.Request, body: bytes) -> None:
        self._request = request
        self._body: bytes | None = body
        self.start: Message = {}
        self.parts: list[bytes] = []
        self.error: httpx.TransportError | None = None
        self.truncated = False

    def reset(self) -> None:
        self.error = httpx.ReadError("connection reset by the emulator", request=self._request)

    def refuse(self) -> None:
        self.error = httpx.ConnectError("connection refused by the emulator", request=self._request)

    def close(self) -> None:
        self.truncated = True

    async def receive(self) -> Message:
        body, self._body = self._body, None
        if body is None:
            return {"type": "http.disconnect"}
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.start = message
        else:
            self.parts.append(message["body"])


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
        link = _Link(request, await request.aread())
        await self._app(_scope(request, link), link.receive, link.send)
        if link.error is not None:
            raise link.error
        if not link.start:
            raise httpx.RemoteProtocolError("the emulator closed the connection", request=request)
        content: dict[str, Any] = {"content": b"".join(link.parts)}
        if link.truncated:
            content = {"stream": _CutStream(link.parts)}
        return httpx.Response(link.start["status"], headers=link.start["headers"], **content)


def _scope(request: httpx.Request, link: _Link) -> Scope:
    path, _, query = request.url.raw_path.partition(b"?")
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": request.method,
        "scheme": request.url.scheme,
        "path": request.url.path,
        "raw_path": path,
        "query_string": query,
        "root_path": "",
        "headers": [(name.lower(), value) for name, value in request.headers.raw],
        "server": (request.url.host, request.url.port),
        "client": ("127.0.0.1", 0),
        "extensions": {EXTENSION: link},
    }
