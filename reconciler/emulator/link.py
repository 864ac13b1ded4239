"""One request to the emulator's app inside this process, without a socket."""

from __future__ import annotations

from collections.abc import Iterable

from starlette.types import ASGIApp, Message

from reconciler.emulator.connection import EXTENSION


class Link:
    """One connection inside this process: it collects what the app sends, and how it ends the connection."""

    def __init__(self, body: bytes) -> None:
        self._body: bytes | None = body
        self.status = 0
        """The status of the reply; 0 if there is none."""
        self.headers: list[tuple[bytes, bytes]] = []
        """Names are in lower case."""
        self.parts: list[bytes] = []
        self.is_reset = False
        self.is_refused = False
        self.is_truncated = False

    def reset(self) -> None:
        """Take note that the connection is dropped without a reply."""
        self.is_reset = True

    def refuse(self) -> None:
        """Take note that there is no connection."""
        self.is_refused = True

    def close(self) -> None:
        """Take note that nothing follows what was sent."""
        self.is_truncated = True

    async def receive(self) -> Message:
        """Return the whole request, and then that the client is gone."""
        body, self._body = self._body, None
        if body is None:
            return {"type": "http.disconnect"}
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(self, message: Message) -> None:
        """Take note of a part of the reply."""
        if message["type"] == "http.response.start":
            self.status, self.headers = message["status"], message["headers"]
        else:
            self.parts.append(message["body"])


async def ask(
    app: ASGIApp,
    method: str,
    url: tuple[str, str, int | None],
    target: bytes,
    headers: Iterable[tuple[bytes, bytes]],
    body: bytes,
) -> Link:
    """Return the reply of *app* to one request.

    *url* is scheme, host and port; *target* are path and query, percent-encoded. The names of *headers* are
    in lower case.
    """
    link = Link(body)
    scheme, host, port = url
    path, _, query = target.partition(b"?")
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": scheme,
        "path": path.decode("ascii"),  # the app takes the raw path too
        "raw_path": path,
        "query_string": query,
        "root_path": "",
        "headers": headers,
        "server": (host, port),
        "client": ("127.0.0.1", 0),
        "extensions": {EXTENSION: link},
    }
    await app(scope, link.receive, link.send)
    return link
