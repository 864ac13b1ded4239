"""A bare repository over HTTP: git's own backend behind a server of this machine."""

from __future__ import annotations

import base64
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.support.repository import Repository, environ

USERNAME, PASSWORD = "x-access-token", "sesame-git"


class GitServer:
    """Serves *there* to who has the password; its clock is *off* by so much."""

    def __init__(self, there: Repository, *, off: timedelta = timedelta()) -> None:
        self.there = there
        self.off = off
        self.redirect = ""
        """Where every request is sent instead; empty for nowhere."""
        self.status = 0
        """What every request is answered with; 0 for what git answers."""
        self.asked: list[tuple[str, str]] = []
        self.url = ""

    @contextmanager
    def serving(self) -> Iterator[str]:
        """Serve, and yield the address of the repository."""
        listener = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        thread = threading.Thread(target=listener.serve_forever, daemon=True)
        thread.start()
        self.url = f"http://127.0.0.1:{listener.server_address[1]}"
        try:
            yield f"{self.url}/{self.there.path.name}"
        finally:
            listener.shutdown()
            listener.server_close()
            thread.join()


def _handler(server: GitServer) -> type[BaseHTTPRequestHandler]:
    """Return what answers for *server*."""

    class Handler(BaseHTTPRequestHandler):
        def _handle(self) -> None:
            server.asked.append((self.command, self.path))
            given = base64.b64encode(f"{USERNAME}:{PASSWORD}".encode()).decode()
            body = _body(self)
            if server.status or server.redirect:
                self._reply(server.status or 302, {"Location": server.redirect + self.path}, b"")
            elif self.headers.get("Authorization") != f"Basic {given}":
                self._reply(401, {"WWW-Authenticate": 'Basic realm="git"'}, b"")
            else:
                self._backend(body)

        do_GET = do_POST = _handle  # noqa: N815 - the library's names

        def _backend(self, body: bytes) -> None:
            path, _, query = self.path.partition("?")
            ran = subprocess.run(
                ["git", "-c", "http.receivepack=true", "http-backend"],
                env={
                    **environ(server.there.folder),
                    "GIT_PROJECT_ROOT": str(server.there.folder),
                    "GIT_HTTP_EXPORT_ALL": "1",
                    "REQUEST_METHOD": self.command,
                    "PATH_INFO": path,
                    "QUERY_STRING": query,
                    "CONTENT_TYPE": self.headers.get("Content-Type", ""),
                    "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
                    "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
                    "REMOTE_USER": USERNAME,
                },
                input=body,
                capture_output=True,
                check=True,
            )
            head, _, content = ran.stdout.partition(b"\r\n\r\n")
            headers = dict(line.split(": ", 1) for line in head.decode().splitlines())
            self._reply(int(headers.pop("Status", "200").split()[0]), headers, content)

        def _reply(self, status: int, headers: dict[str, str], content: bytes) -> None:
            self.send_response_only(status)
            date = datetime.now(UTC) + server.off
            self.send_header("Date", format_datetime(date, usegmt=True))
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    return Handler


def _body(request: BaseHTTPRequestHandler) -> bytes:
    """Return the body of *request*, also one that git sends in chunks."""
    if request.headers.get("Transfer-Encoding") != "chunked":
        return request.rfile.read(int(request.headers.get("Content-Length", 0)))
    found = b""
    while size := int(request.rfile.readline(), 16):
        found += request.rfile.read(size)
        request.rfile.readline()
    return found


def header(url: str) -> dict[str, str]:
    """Return the variables by which git sends the password to *url*, and to no other server."""
    given = base64.b64encode(f"{USERNAME}:{PASSWORD}".encode()).decode()
    return {
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"http.{url}/.extraHeader",
        "GIT_CONFIG_VALUE_0": f"Authorization: Basic {given}",
    }
