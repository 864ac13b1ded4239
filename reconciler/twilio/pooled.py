"""Requests over httpx's own transport: for proxies, for certificates of one's own, and without pyreqwest."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator

import httpx


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
        response.stream = _Reply(response.stream, connection, self._idle)
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


class _Reply(httpx.AsyncByteStream):
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
