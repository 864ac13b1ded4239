"""A proxy that is Twilio to the programs behind it: what they send there arrives at an emulator."""

from __future__ import annotations

import os
import socket
import socketserver
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import trustme

TWILIO: Final = "conversations.twilio.com"
_HEAD: Final = 4096
_CHUNK: Final = 65_536


@contextmanager
def as_twilio(url: str, folder: Path) -> Iterator[dict[str, str]]:
    """Yield the environment of programs whose HTTPS requests to Twilio go to the emulator at *url*.

    They trust a certificate authority made for this, whose certificate is in *folder*; no other host can be
    reached.
    """
    authority = trustme.CA()
    trusted = folder / "authority.pem"
    authority.cert_pem.write_to_path(str(trusted))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert(TWILIO).configure_cert(context)
    origin = urlsplit(url)
    with _Proxy(context, (origin.hostname or "", origin.port or 0)) as proxy:
        thread = threading.Thread(target=proxy.serve_forever)
        thread.start()
        try:
            own = {name: value for name, value in os.environ.items() if not name.startswith("TWILIO_")}
            address = f"http://127.0.0.1:{proxy.server_address[1]}"
            yield {
                **own,
                "HTTPS_PROXY": address,
                "NO_PROXY": "",
                "no_proxy": "",
                "SSL_CERT_FILE": str(trusted),
            }
        finally:
            proxy.shutdown()
            thread.join()


class _Proxy(socketserver.ThreadingTCPServer):
    daemon_threads = True

    def __init__(self, context: ssl.SSLContext, emulator: tuple[str, int]) -> None:
        self.context = context
        self.emulator = emulator
        super().__init__(("127.0.0.1", 0), _Tunnel)


class _Tunnel(socketserver.BaseRequestHandler):
    server: _Proxy

    def handle(self) -> None:
        """Answer one CONNECT, and carry what follows to the emulator and back."""
        head = b""
        while b"\r\n\r\n" not in head and len(head) < _HEAD and (more := self.request.recv(_HEAD)):
            head += more
        if not head.startswith(f"CONNECT {TWILIO}:443 ".encode()):
            self.request.sendall(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
            return
        self.request.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        with (
            self.server.context.wrap_socket(self.request, server_side=True) as client,
            socket.create_connection(self.server.emulator) as emulator,
        ):
            back = threading.Thread(target=_carry, args=(emulator, client), daemon=True)
            back.start()
            _carry(client, emulator)
            back.join()


def _carry(source: socket.socket, target: socket.socket) -> None:
    """Carry bytes from *source* to *target* until one of them is closed."""
    with suppress(OSError):
        while chunk := source.recv(_CHUNK):
            target.sendall(chunk)
    with suppress(OSError):
        target.shutdown(socket.SHUT_RDWR)
