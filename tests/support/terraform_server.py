"""A small server of Terraform's HTTP protocol, as GitLab serves it: locks by POST and DELETE, ids compare."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple
from urllib.parse import parse_qs, urlsplit

import httpx

USERNAME, PASSWORD = "gitlab-ci-token", "sesame-state"
PATH = "/api/v4/projects/7/terraform/state/production"


class Asked(NamedTuple):
    """One request."""

    method: str
    target: str
    """Path and query."""
    headers: Mapping[str, str]
    body: bytes


class Answer(NamedTuple):
    """One reply."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = {}


class TerraformServer:
    """One state. *now* gives its date, in seconds since 1970."""

    def __init__(self, now: Callable[[], float] | None = None) -> None:
        self.data: bytes | None = None
        self.lock: bytes | None = None
        self.serials: list[int] = []
        """The `serial` of every write; GitLab keeps one version for each."""
        self.asked: list[Asked] = []
        self.trouble: Callable[[Asked], Answer | None] = lambda _: None
        """Is asked before each request; what it returns is the answer."""
        self._now = now or (lambda: datetime.now(UTC).timestamp())
        self._guard = threading.Lock()

    def answer(self, asked: Asked) -> Answer:
        """Answer a request, with a date in whole seconds."""
        with self._guard:
            self.asked.append(asked)
            found = self.trouble(asked) or self._answer(asked)
            date = datetime.fromtimestamp(int(self._now()), UTC)
            return found._replace(headers={"Date": format_datetime(date, usegmt=True), **found.headers})

    def _answer(self, asked: Asked) -> Answer:
        given = base64.b64encode(f"{USERNAME}:{PASSWORD}".encode()).decode()
        if asked.headers.get("authorization") != f"Basic {given}":
            return Answer(401)
        parts = urlsplit(asked.target)
        if parts.path == f"{PATH}/lock":
            return self._lock(asked) if asked.method == "POST" else self._unlock(asked)
        if parts.path != PATH:
            return Answer(404)
        if asked.method == "GET":
            return Answer(204) if self.data is None else Answer(200, self.data)
        return self._write(asked, parse_qs(parts.query).get("ID", [""])[0])

    def _write(self, asked: Asked, given: str) -> Answer:
        if given != id_in(self.lock):
            return Answer(423)
        serial = json.loads(asked.body)["serial"]
        if serial in self.serials:
            return Answer(422)
        self.serials.append(serial)
        self.data = asked.body
        return Answer(200)

    def _lock(self, asked: Asked) -> Answer:
        given = json.loads(asked.body)
        if not {"ID", "Operation", "Info", "Who", "Version", "Created", "Path"} <= given.keys():
            return Answer(400)
        if self.lock is not None:
            return Answer(409, self.lock)
        self.lock = asked.body
        return Answer(200, asked.body)

    def _unlock(self, asked: Asked) -> Answer:
        if asked.body and id_in(asked.body) != id_in(self.lock):
            return Answer(409)
        self.lock = None
        return Answer(200)

    def transport(self) -> httpx.AsyncBaseTransport:
        """Return a way to this server that needs no network."""

        def handle(request: httpx.Request) -> httpx.Response:
            target = request.url.raw_path.decode()
            found = self.answer(Asked(request.method, target, request.headers, request.content))
            return httpx.Response(found.status, headers=dict(found.headers), content=found.body)

        return httpx.MockTransport(handle)

    @contextmanager
    def serving(self) -> Iterator[dict[str, str]]:
        """Serve on this machine, and yield the variables of who keeps a state there."""
        server = self

        class Handler(BaseHTTPRequestHandler):
            def _handle(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                headers = {name.lower(): value for name, value in self.headers.items()}
                found = server.answer(Asked(self.command, self.path, headers, body))
                self.send_response_only(found.status)
                for name, value in found.headers.items():
                    self.send_header(name, value)
                if found.status != 204:
                    self.send_header("Content-Length", str(len(found.body)))
                self.end_headers()
                self.wfile.write(found.body)

            do_GET = do_POST = do_DELETE = _handle  # noqa: N815 - the library's names

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        listener = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        thread = threading.Thread(target=listener.serve_forever, daemon=True)
        thread.start()
        address = f"http://127.0.0.1:{listener.server_address[1]}{PATH}"
        try:
            yield {
                "RECONCILER_STATE": address,
                "RECONCILER_STATE_USERNAME": USERNAME,
                "RECONCILER_STATE_PASSWORD": PASSWORD,
                "RECONCILER_STATE_LOCK_ADDRESS": f"{address}/lock",
                "RECONCILER_STATE_LOCK_METHOD": "POST",
                "RECONCILER_STATE_UNLOCK_METHOD": "DELETE",
            }
        finally:
            listener.shutdown()
            listener.server_close()
            thread.join()


def id_in(info: bytes | None) -> str:
    """Return the id in lock info; empty for none."""
    return "" if not info else str(json.loads(info)["ID"])
