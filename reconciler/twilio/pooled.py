"""Requests over httpx's own transport: for proxies, for certificates of one's own, and without pyreqwest."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from typing import Final

import httpx

from reconciler.twilio.network import Broken, Reply, Request, Transport

_NEVER_CONNECTED: Final = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
)


class OverHttpx(Transport):
    """Requests over *inner*, any transport of httpx."""

    def __init__(self, inner: httpx.AsyncBaseTransport) -> None:
        self._inner = inner

    async def send(self, request: Request) -> Reply:
        """Send *request* once."""
        timeouts = {"connect": request.connect, "read": request.read, "write": None, "pool": None}
        try:
            response = await self._inner.handle_async_request(
                httpx.Request(
                    request.method,
                    str(request.url),
                    headers=request.headers,
                    content=request.body or None,
                    extensions={"timeout": timeouts},
                )
            )
        except httpx.RequestError as error:
            raise _broken(error) from error
        return _Reply(response)

    async def aclose(self) -> None:
        """Close what it sends over."""
        await self._inner.aclose()


class _Reply(Reply):
    """A reply as it comes."""

    def __init__(self, response: httpx.Response) -> None:
        assert isinstance(response.stream, httpx.AsyncByteStream)  # noqa: S101 -- narrows httpx's union
        self.status = response.status_code
        self.headers = response.headers
        self._response = response
        self._chunks = aiter(response.stream)

    async def chunk(self) -> bytes | None:
        try:
            return await anext(self._chunks, None)
        except httpx.RequestError as error:
            raise _broken(error) from error

    async def aclose(self) -> None:
        await self._response.aclose()


def _broken(error: httpx.RequestError) -> Broken:
    return Broken(str(error), who="httpx", sent=not isinstance(error, _NEVER_CONNECTED))


class OneConnectionEach(httpx.AsyncBaseTransport):
    """As many connections as requests are in flight, each in a pool of its own.

    httpx looks through all connections of a pool for each request, so one big pool gets slower
    the more of them there are. The connection used last is used next, and the others grow idle. A connection
    that is idle for *idle* seconds is closed.
    """

    def __init__(self, *, idle: float, tls: ssl.SSLContext, proxy: str | None) -> None:
        self._idle_seconds = idle
        self._ssl = tls
        self._proxy = proxy
        self._all: list[httpx.AsyncHTTPTransport] = []
        self._idle: list[httpx.AsyncHTTPTransport] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send *request* over an idle connection, or over a new one."""
        connection = self._idle.pop() if self._idle else self._open()
        try:
            response = await connection.handle_async_request(request)
        except BaseException:
            self._idle.append(connection)
            raise
        assert isinstance(response.stream, httpx.AsyncByteStream)  # noqa: S101 -- narrows httpx's union
        response.stream = _Connected(response.stream, connection, self._idle)
        return response

    async def aclose(self) -> None:
        """Close every connection."""
        for connection in self._all:
            await connection.aclose()

    def _open(self) -> httpx.AsyncHTTPTransport:
        connection = httpx.AsyncHTTPTransport(
            verify=self._ssl,
            proxy=self._proxy,
            trust_env=False,
            limits=httpx.Limits(max_connections=1, keepalive_expiry=self._idle_seconds),
        )
        self._all.append(connection)
        return connection


class _Connected(httpx.AsyncByteStream):
    """The body of a reply; its connection becomes idle when it is closed."""

    def __init__(
        self,
        stream: httpx.AsyncByteStream,
        connection: httpx.AsyncHTTPTransport,
        idle: list[httpx.AsyncHTTPTransport],
    ) -> None:
        self._stream = stream
        self._connection = connection
        self._idle = idle

    def __aiter__(self) -> AsyncIterator[bytes]:
        return aiter(self._stream)

    async def aclose(self) -> None:
        await self._stream.aclose()
        self._idle.append(self._connection)
