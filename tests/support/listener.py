"""An application that is told of events: it keeps what it gets, and answers as it is told to."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TypeAlias
from urllib.parse import parse_qsl

Answer: TypeAlias = tuple[int, bytes]


@dataclass(frozen=True)
class Heard:
    """One request."""

    method: str
    url: str
    headers: dict[str, str]
    body: bytes

    @property
    def form(self) -> dict[str, str]:
        """The parameters in the body."""
        return dict(parse_qsl(self.body.decode(), keep_blank_values=True))


@dataclass
class Listener:
    """What was heard at `url`, and the answer to it."""

    url: str
    answer: Callable[[Heard], Answer] = lambda _: (200, b"")
    heard: list[Heard] = field(default_factory=list)

    @property
    def events(self) -> list[str]:
        """The events, in order of arrival."""
        return [one.form["EventType"] for one in self.heard]


@contextmanager
def listening() -> Iterator[Listener]:
    """Serve a listener on a free port."""

    class Handler(BaseHTTPRequestHandler):
        def _hear(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            url = f"http://{self.headers['Host']}{self.path}"
            one = Heard(self.command, url, dict(self.headers), body)
            listener.heard.append(one)
            status, answered = listener.answer(one)
            self.send_response(status)
            if 300 <= status < 400:
                self.send_header("Location", answered.decode())
            self.send_header("Content-Length", str(len(answered)))
            self.end_headers()
            self.wfile.write(answered)

        do_POST = do_GET = do_PUT = do_DELETE = _hear  # noqa: N815 (names of the standard library)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (likewise)
            """Print nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    listener = Listener(f"http://127.0.0.1:{server.server_port}/hook")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield listener
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
