"""Requests over pyreqwest, which wraps the Rust libraries reqwest and hyper: at a tenth of httpx's CPU.

What reqwest does unasked is switched off: redirects, the environment's proxies, decompression, HTTP/2. hyper
takes another connection where the server closed an idle one before a byte of the request was written to it;
a request of which a byte was written is never written again.

A thread of pyreqwest hands each result to Python, and lets go of it afterwards. If Python ends in between,
its process is aborted (SIGABRT) although all work is done. So a process that has imported this module waits
for that thread at exit; the command line ends without Python's own end.
"""

from __future__ import annotations

import atexit
import os
import threading
import time
from collections.abc import Iterable
from datetime import timedelta
from typing import Final

from msgspec import Struct
from pyreqwest.client import Client, ClientBuilder
from pyreqwest.exceptions import BuilderError, DetailedPyreqwestError, PyreqwestError
from pyreqwest.http import HeaderMap
from pyreqwest.request import StreamRequest
from pyreqwest.response import Response

from reconciler.twilio.network import Broken, Reply, Request, Transport

_WHO: Final = "pyreqwest"
_NEVER_CONNECTED: Final = "client error (Connect)"
"""hyper's words for a failure before the request was written: no connection, no tunnel, no handshake.

The classes of pyreqwest do not tell: its `ConnectError` is also raised for a connection that broke later."""


_MOST_WAITS: Final = 100
"""Milliseconds at exit: other libraries may have threads in Python that never leave it."""

_process: int | None = None
"""The process that has begun to use pyreqwest: one that is forked from it lacks the thread that sends."""


def is_usable() -> bool:
    """Return whether requests can be sent in this process."""
    global _process  # noqa: PLW0603
    _process = _process or os.getpid()
    return _process == os.getpid()


def wait_for_threads() -> None:
    """Return when no thread is in Python but those that Python started, or after a tenth of a second."""
    import ctypes  # noqa: PLC0415 - only at exit

    api = ctypes.pythonapi
    interpreter, first, following = (
        getattr(api, name)
        for name in ("PyInterpreterState_Get", "PyInterpreterState_ThreadHead", "PyThreadState_Next")
    )
    for function, arguments in (
        (interpreter, []),
        (first, [ctypes.c_void_p]),
        (following, [ctypes.c_void_p]),
    ):
        function.restype, function.argtypes = ctypes.c_void_p, arguments

    def inside() -> int:
        count, thread = 0, first(interpreter())
        while thread:
            count, thread = count + 1, following(thread)
        return count

    for _ in range(_MOST_WAITS):
        time.sleep(0.001)  # lets them go on
        if inside() <= threading.active_count():
            return


atexit.register(wait_for_threads)


class _Kind(Struct, frozen=True):
    """What belongs to a client and its connections, not to a request."""

    tls: bool
    """Whether its requests go to `https:`."""
    connect: int
    """The most seconds until a request is written."""
    read: int | None
    """The most seconds that the server may be silent; None for uploads."""


class Direct(Transport):
    """Connections to servers without a proxy; a connection that is idle for *idle* seconds is closed.

    Over TLS the certificates *roots* (PEM, one each) are trusted besides those of the system. Both time-outs
    of a request are taken as whole seconds.
    """

    def __init__(self, *, idle: float, roots: Iterable[bytes] = ()) -> None:
        self._idle = timedelta(seconds=idle)
        self._roots = list(roots)
        self._clients: dict[_Kind, Client] = {}

    async def send(self, request: Request) -> Reply:
        """Send *request* over an idle connection, or over a new one."""
        sending = self._prepared(request)
        try:
            response = await sending.__aenter__()
        except PyreqwestError as error:
            broken = _broken(error)
        else:
            return _Reply(response, sending)
        raise broken  # without the library's error as its context, which holds the address

    async def aclose(self) -> None:
        """Close every connection."""
        while self._clients:
            _, client = self._clients.popitem()
            await client.close()

    def _prepared(self, request: Request) -> StreamRequest:
        client = self._client(request)
        try:
            builder = client.request(request.method, str(request.url)).headers(request.headers)
            if isinstance(request.body, bytes):
                builder = builder.body_bytes(request.body)
            else:
                builder = builder.body_stream(request.body)
            return builder.build_streamed()
        except ValueError:  # a header that cannot be written
            broken = Broken("the request cannot be written", who=_WHO, sent=True)
        raise broken

    def _client(self, request: Request) -> Client:
        # The time-outs belong to a client and its connections, not to a request. Nearly all requests have the
        # same; few seconds are given to those at the end of `--max-wait` only.
        upload = not isinstance(request.body, bytes)  # reqwest counts the time of sending it as silence
        kind = _Kind(
            tls=not request.url.origin.startswith("http:"),
            connect=max(int(request.connect), 1),
            read=None if upload else max(int(request.read), 1),
        )
        if kind not in self._clients:
            self._clients[kind] = self._open(kind)
        return self._clients[kind]

    def _open(self, kind: _Kind) -> Client:
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
            .connect_timeout(timedelta(seconds=kind.connect))
            .pool_idle_timeout(self._idle)
        )
        if kind.read is not None:
            builder = builder.read_timeout(timedelta(seconds=kind.read))
        if not kind.tls:
            # The client is given requests over plain HTTP alone. Unless told that it need not look at
            # certificates, reqwest reads all those of the system first, which costs more than ten requests.
            return builder.danger_accept_invalid_certs(enable=True).build()
        try:
            for root in self._roots:
                builder = builder.add_root_certificate_pem(root)
            return builder.build()
        except BuilderError as error:
            raise Broken(_causes(error)[-1], who=_WHO, sent=False) from None


class _Reply(Reply):
    """A reply as it comes."""

    def __init__(self, response: Response, sending: StreamRequest) -> None:
        self.status = response.status
        self.headers = _headers(response.headers)
        self._reader = response.body_reader
        self._sending = sending

    async def chunk(self) -> memoryview | None:
        try:
            chunk = await self._reader.read_chunk()
        except PyreqwestError as error:
            broken = _broken(error)
        else:
            return None if chunk is None else memoryview(chunk)  # without a copy
        raise broken

    async def aclose(self) -> None:
        await self._sending.__aexit__(None, None, None)


def _headers(headers: HeaderMap) -> dict[str, str]:
    try:
        return dict(headers.items())
    except ValueError:  # one of them is not ASCII, and spoils them all
        return {name: value for name in headers for value in _values(headers, name)}


def _values(headers: HeaderMap, name: str) -> list[str]:
    try:
        values: list[str] = headers.getall(name)
    except ValueError:
        return []
    return values


def _broken(error: PyreqwestError) -> Broken:
    """Return *error* as one that means "not sent" only if hyper says so."""
    causes = _causes(error)
    return Broken(causes[-1], who=_WHO, sent=_NEVER_CONNECTED not in causes)


def _causes(error: PyreqwestError) -> list[str]:
    """Return the texts of *error*, the deepest cause last; there is one at least."""
    details = error.details if isinstance(error, DetailedPyreqwestError) else None
    causes = details["causes"] if details is not None else None
    texts: list[str] = [error.message]
    texts += [cause["message"] for cause in causes or ()]
    return texts
