"""Requests over pyreqwest, which wraps the Rust libraries reqwest and hyper: cheaper than httpx's transport.

What reqwest does unasked is switched off: redirects, the environment's proxies, decompression, HTTP/2. hyper
takes another connection where the server closed an idle one before a byte of the request was written to it;
a request of which a byte was written is never written again.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Iterable
from datetime import timedelta
from typing import Final

import httpx
from pyreqwest.client import Client, ClientBuilder
from pyreqwest.exceptions import (
    BuilderError,
    DecodeError,
    DetailedPyreqwestError,
    PyreqwestError,
    RequestTimeoutError,
)
from pyreqwest.http import HeaderMap, Url
from pyreqwest.request import StreamRequest
from pyreqwest.response import Response

_NEVER_CONNECTED: Final = "client error (Connect)"
"""hyper's words for a failure before the request was written: no connection, no tunnel, no handshake.

The classes of pyreqwest do not tell: its `ConnectError` is also raised for a connection that broke later."""


_process: int | None = None
"""The process that has begun to use pyreqwest: one that is forked from it lacks the thread that sends."""


def is_usable() -> bool:
    """Return whether requests can be sent in this process."""
    global _process  # noqa: PLW0603
    _process = _process or os.getpid()
    return _process == os.getpid()


class Direct(httpx.AsyncBaseTransport):
    """Connections to servers without a proxy; a connection that is idle for *idle* seconds is closed.

    Over TLS the certificates *roots* (PEM, one each) are trusted besides those of the system. The time-out
    `connect` of a request bounds everything before it is written, in whole seconds; `read` bounds each wait
    for a part of the reply.
    """

    def __init__(self, *, idle: float, roots: Iterable[bytes] = ()) -> None:
        self._idle = timedelta(seconds=idle)
        self._roots = list(roots)
        self._clients: dict[int, Client] = {}

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send *request* over an idle connection, or over a new one."""
        timeouts: dict[str, float | None] = request.extensions.get("timeout", {})
        connect, read = timeouts.get("connect") or 0.0, timeouts.get("read")
        sending = self._prepared(request, connect)
        uploads = not isinstance(request.stream, httpx.ByteStream)  # and may take longer than an answer
        failure: httpx.RequestError
        try:
            async with asyncio.timeout(None if uploads or read is None else connect + read):
                response = await sending.__aenter__()
        except PyreqwestError as error:
            failure = _failure(error, request)
        except TimeoutError:
            failure = httpx.ReadTimeout("no answer in time", request=request)
        else:
            return httpx.Response(
                response.status,
                headers=_headers(response.headers),
                stream=_Body(response, sending, read, request),
            )
        raise failure  # without the library's error as its context, which holds the address

    async def aclose(self) -> None:
        """Close every connection."""
        while self._clients:
            _, client = self._clients.popitem()
            await client.close()

    def _prepared(self, request: httpx.Request, connect: float) -> StreamRequest:
        url = Url(str(request.url))
        path, _, query = request.url.raw_path.decode("ascii").partition("?")
        if (url.path, url.query_string or "") != (path, query):  # such as `/%2E%2E`, which it resolves
            raise httpx.LocalProtocolError("the address would be changed", request=request)
        client = self._client(connect, request)
        try:
            headers = [(name.decode("ascii"), value.decode("ascii")) for name, value in request.headers.raw]
            builder = client.request(request.method, url).headers(headers)
            if isinstance(request.stream, httpx.ByteStream):
                builder = builder.body_bytes(request.content)
            else:
                assert isinstance(request.stream, httpx.AsyncByteStream)  # noqa: S101 -- narrows httpx's union
                builder = builder.body_stream(request.stream)
            return builder.build_streamed()
        except ValueError:  # a header that cannot be written
            failure = httpx.LocalProtocolError("the request cannot be written", request=request)
        raise failure

    def _client(self, connect: float, request: httpx.Request) -> Client:
        # The time to connect belongs to a client and its connections, not to a request. Nearly all requests
        # have the same; few seconds are given to those at the end of `--max-wait` only.
        seconds = max(int(connect), 1)
        if seconds not in self._clients:
            builder = (
                ClientBuilder()
                .http1_only()
                .no_proxy()
                .follow_redirects(enable=False)
                .referer(enable=False)
                .gzip(enable=False)
                .brotli(enable=False)
                .zstd(enable=False)
                .deflate(enable=False)
                .connect_timeout(timedelta(seconds=seconds))
                .pool_idle_timeout(self._idle)
            )
            try:
                for root in self._roots:
                    builder = builder.add_root_certificate_pem(root)
                self._clients[seconds] = builder.build()
            except BuilderError as error:
                raise httpx.ConnectError(_causes(error)[-1], request=request) from None
        return self._clients[seconds]


class _Body(httpx.AsyncByteStream):
    """The body of a reply, as it comes."""

    def __init__(
        self, response: Response, sending: StreamRequest, read: float | None, request: httpx.Request
    ) -> None:
        self._reader = response.body_reader
        self._sending = sending
        self._read = read
        self._request = request

    async def __aiter__(self) -> AsyncIterator[bytes]:
        failure: httpx.RequestError
        try:
            while True:
                async with asyncio.timeout(self._read):
                    chunk = await self._reader.read_chunk()
                if chunk is None:
                    return
                yield bytes(chunk)
        except PyreqwestError as error:
            failure = _failure(error, self._request)
        except TimeoutError:
            failure = httpx.ReadTimeout("the reply stopped coming", request=self._request)
        raise failure

    async def aclose(self) -> None:
        await self._sending.__aexit__(None, None, None)


def _headers(headers: HeaderMap) -> list[tuple[str, str]]:
    try:
        return list(headers.items())
    except ValueError:  # one of them is not ASCII, and spoils them all
        return [(name, value) for name in dict.fromkeys(headers.keys()) for value in _values(headers, name)]


def _values(headers: HeaderMap, name: str) -> list[str]:
    try:
        values: list[str] = headers.getall(name)
    except ValueError:
        return []
    return values


def _failure(error: PyreqwestError, request: httpx.Request) -> httpx.RequestError:
    """Return httpx's error for *error*: one that means "not sent" only if hyper says so."""
    causes = _causes(error)
    cause = causes[-1]
    if _NEVER_CONNECTED in causes:
        if isinstance(error, RequestTimeoutError):
            return httpx.ConnectTimeout(cause, request=request)
        return httpx.ConnectError(cause, request=request)
    if isinstance(error, DecodeError):
        return httpx.RemoteProtocolError(cause, request=request)
    return httpx.ReadError(cause, request=request)


def _causes(error: PyreqwestError) -> list[str]:
    """Return the texts of *error*, the deepest cause last; there is one at least."""
    details = error.details if isinstance(error, DetailedPyreqwestError) else None
    causes = details["causes"] if details is not None else None
    texts: list[str] = [error.message]
    texts += [cause["message"] for cause in causes or ()]
    return texts
