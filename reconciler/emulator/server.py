"""The emulator over HTTP, on 127.0.0.1 only."""

from __future__ import annotations

import asyncio
import signal
import socket
import struct
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from reconciler.emulator import Emulator
from reconciler.emulator.connection import EXTENSION
from reconciler.emulator.options import EmulatorOptions
from reconciler.errors import UsageError
from reconciler.text.foreign import quoted

HOST: Final = "127.0.0.1"
_KEEP_ALIVE_SECONDS: Final = 60
_SHUTDOWN_SECONDS: Final = 2
_NO_LINGER: Final = struct.pack("ii", 1, 0)


def serve(*, port: int, data: Path | None, options: EmulatorOptions) -> None:
    """Serve until SIGINT or SIGTERM; *port* 0 is a free one, *data* None keeps everything in memory.

    One line on stdout gives the address once it serves. Those after it, on stderr, are for a person who wants
    to use it from another terminal. Raises UsageError if the port is taken, or the file cannot be used. Only
    the main thread can call this; other threads use `running`.
    """
    emulator = Emulator(data, options=options)
    try:
        with _listening(port) as listener:
            store = emulator.store
            line = (
                f"Twilio Conversations emulator on {_url(listener)}"
                f" (account {store.account_sid}, store {store.store_id})\n"
            )

            def announce() -> None:
                sys.stdout.write(line)
                sys.stdout.flush()
                with suppress(OSError):  # nobody may be there to read them
                    sys.stderr.write(_usage(_url(listener), options))

            _Server(emulator, announce).run(sockets=[listener])
    finally:
        emulator.close()


@contextmanager
def running(emulator: Emulator, *, port: int = 0) -> Iterator[str]:
    """Serve *emulator* from a thread inside the block, and yield its origin."""
    ready = threading.Event()
    with _listening(port) as listener:
        server = _Server(emulator, ready.set)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        ready.wait()
        try:
            yield _url(listener)
        finally:
            server.should_exit = True
            thread.join()


@contextmanager
def _listening(port: int) -> Iterator[socket.socket]:
    try:
        listener = socket.create_server((HOST, port))
    except (OSError, OverflowError) as error:
        raise UsageError(
            f"cannot listen on port {port} of {HOST} ({quoted(error)})",
            hint="stop what uses it, or pass `--port 0` for a free one",
        ) from error
    with listener:
        yield listener


def _usage(url: str, options: EmulatorOptions) -> str:
    """Return the lines by which a browser and another terminal use the emulator; no token is printed."""
    token = "any" if options.auth_token is None else "  # the one of --require-token"
    look = f"To look into it: {url}/\n" if options.inspector else ""
    return (
        f"{look}To use it from another terminal:\n"
        f"  export RECONCILER_ENDPOINT={url}\n"
        f"  export TWILIO_ACCOUNT_SID=AC{'0' * 32} TWILIO_AUTH_TOKEN={token}\n"
    )


def _url(listener: socket.socket) -> str:
    return f"http://{HOST}:{listener.getsockname()[1]}"


class _Server(uvicorn.Server):
    def __init__(self, emulator: Emulator, on_ready: Callable[[], None]) -> None:
        super().__init__(
            uvicorn.Config(
                emulator.over_http(lambda: self.should_exit),
                http=_Protocol,
                ws="none",
                lifespan="off",
                interface="asgi3",
                log_config=None,
                access_log=False,
                proxy_headers=False,
                server_header=False,
                date_header=False,
                timeout_keep_alive=_KEEP_ALIVE_SECONDS,
                timeout_graceful_shutdown=_SHUTDOWN_SECONDS,
            )
        )
        self._on_ready = on_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._on_ready()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Stop at a signal, but unlike uvicorn do not raise it again: a stop is no failure."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        previous = {
            number: signal.signal(number, self.handle_exit) for number in (signal.SIGINT, signal.SIGTERM)
        }
        try:
            yield
        finally:
            for number, handler in previous.items():
                signal.signal(number, handler)


class _Protocol(H11Protocol):
    """Lets the app end the connection of the request."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        # asyncio sets TCP_NODELAY only on sockets that name their protocol; without it a request takes 40 ms.
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        app, link = self.app, _Link(transport)

        async def linked(scope: Any, receive: Any, send: Any) -> None:
            scope["extensions"] = {EXTENSION: link}
            await app(scope, receive, send)

        self.app = linked


class _Link:
    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport

    def reset(self) -> None:
        self._transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
        self._transport.abort()

    def refuse(self) -> None:
        self.reset()

    def close(self) -> None:
        self._transport.close()
