"""What a watch serves over HTTP, from a thread of its own: probes, metrics, and webhooks."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Final
from urllib.parse import parse_qsl

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from reconciler.errors import UsageError
from reconciler.watch.hints import Hints
from reconciler.watch.metrics import Metrics
from reconciler.watch.signature import Signatures

_MOST_BYTES: Final = 256 * 1024
"""The largest body of a webhook: a message of 32 KB, form-encoded, with its attributes."""
_MOST_PARAMETERS: Final = 200
_BODY_SECONDS: Final = 5.0
"""The time limit for the body of a webhook; Twilio itself waits no longer."""
_SHUTDOWN_SECONDS: Final = 1
_LAST_PORT: Final = 65535


class Health:
    """Whether the watch works; the loop writes it, the server reads it."""

    def __init__(self) -> None:
        self.succeeded = False
        """Whether the last round succeeded; False before the first one."""


def probes(metrics: Metrics, health: Health) -> Starlette:
    """Return the application that answers `/healthz`, `/readyz` and `/metrics`."""

    async def healthz(_: Request) -> Response:
        return PlainTextResponse("ok\n")

    async def readyz(_: Request) -> Response:
        if health.succeeded:
            return PlainTextResponse("ok\n")
        return PlainTextResponse("no round has succeeded since the last failure\n", 503)

    async def show(_: Request) -> Response:
        text, kind = metrics.text()
        return Response(text, headers={"Content-Type": kind})

    return Starlette(routes=[Route("/healthz", healthz), Route("/readyz", readyz), Route("/metrics", show)])


def webhooks(signatures: Signatures, hints: Hints) -> Starlette:
    """Return the application that takes Twilio's webhooks, at any path.

    A genuine call marks its conversation. One that was seen before changes nothing. Any other is refused, so
    that nobody else can make this process read.
    """

    async def take(request: Request) -> Response:
        try:
            async with asyncio.timeout(_BODY_SECONDS):
                parameters = _parameters(await _body(request))
        except (ValueError, TimeoutError):
            return PlainTextResponse("this is no webhook\n", 400)
        signature = request.headers.get("X-Twilio-Signature", "")
        if not signatures.is_genuine(signature, parameters):
            return PlainTextResponse("the signature is not that of Twilio for this address\n", 403)
        sid = dict(parameters).get("ConversationSid", "")
        if sid and signatures.is_new(signature):
            hints.mark(sid)
        return Response(status_code=204)

    return Starlette(routes=[Route("/{path:path}", take, methods=["POST"])])


async def _body(request: Request) -> bytes:
    """Return the body of *request*; raises ValueError if it is too large."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > _MOST_BYTES:
            raise ValueError
    return bytes(body)


def _parameters(body: bytes) -> list[tuple[str, str]]:
    """Return the parameters of a form; raises ValueError if it is none."""
    return parse_qsl(
        body.decode("ascii"), keep_blank_values=True, max_num_fields=_MOST_PARAMETERS, errors="strict"
    )


def listening(address: str, option: str) -> socket.socket:
    """Return a socket that listens at *address*, `HOST:PORT`; *option* names it in errors.

    Raises UsageError if it is none, or if it is taken.
    """
    host, _, port = address.rpartition(":")
    try:
        number = int(port)
        if not host or not 0 <= number <= _LAST_PORT:
            raise ValueError  # noqa: TRY301 - one answer for all that is no address
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return socket.create_server((host.strip("[]"), number), family=family)
    except (OSError, OverflowError, ValueError) as error:
        reason = (getattr(error, "strerror", None) or "").lower() or "it is not HOST:PORT"
        raise UsageError(
            f"cannot listen at `{option} {address}`: {reason}", hint="name a free one, such as 127.0.0.1:8080"
        ) from error


@contextmanager
def serving(sites: Sequence[tuple[socket.socket, Starlette]]) -> Iterator[None]:
    """Serve each application at its socket, from threads, inside the block."""
    servers = [_Server(site) for _, site in sites]
    threads = [
        threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        for server, (listener, _) in zip(servers, sites, strict=True)
    ]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        for server in servers:
            server.should_exit = True
        for thread in threads:
            thread.join(_SHUTDOWN_SECONDS + 1)
        for listener, _ in sites:
            listener.close()


class _Server(uvicorn.Server):
    def __init__(self, site: Starlette) -> None:
        super().__init__(
            uvicorn.Config(
                site,
                ws="none",
                lifespan="off",
                log_config=None,
                access_log=False,
                proxy_headers=False,
                server_header=False,
                timeout_graceful_shutdown=_SHUTDOWN_SECONDS,
            )
        )

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals to the watch."""
        yield

    def run(self, sockets: list[socket.socket] | None = None) -> None:
        """Serve until it is asked to stop."""
        with suppress(asyncio.CancelledError):
            super().run(sockets)
