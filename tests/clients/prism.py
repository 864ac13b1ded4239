"""Prism stands between the caller and the emulator, and says where a reply is not as the document has it."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from contextlib import closing
from http import HTTPStatus
from typing import Any, Final

import httpx

from tests.clients.workshop import document, folder, npm
from tests.support.api import ACCOUNT
from tests.support.reference import NOWHERE, OPERATIONS, Scene

_PRISM: Final = "@stoplight/prism-cli@5.16.0"
_START_SECONDS: Final = 60.0


class Caller:
    """Makes requests at an origin."""

    def __init__(self, origin: str) -> None:
        self._client = httpx.Client(base_url=origin, auth=(ACCOUNT, "emulator"), trust_env=False, timeout=60)

    def __call__(self, method: str, url: str, **more: Any) -> httpx.Response:
        """Return the reply to one request."""
        return self._client.request(method, url, **more)

    def get(self, url: str, **query: str) -> dict[str, Any]:
        """Return what a GET shows."""
        return self._shown(self("GET", url, params=query))

    def post(self, url: str, **form: str) -> dict[str, Any]:
        """Return what a POST made; `Timers_Inactive` stands for `Timers.Inactive`."""
        return self._shown(self("POST", url, data={name.replace("_", "."): form[name] for name in form}))

    def _shown(self, reply: httpx.Response) -> dict[str, Any]:
        shown: dict[str, Any] = reply.raise_for_status().json()
        return shown


def run_prism(url: str) -> list[str]:
    """Try each operation of the document through Prism, and return its violations."""
    programs = npm(folder("prism"), _PRISM)
    with closing(socket.create_server(("127.0.0.1", 0))) as free:
        port = free.getsockname()[1]
    command = [str(programs / "prism"), "proxy", "--port", str(port), str(document()), url]
    prism = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        _wait(port)
        return _violations(Caller(url), Caller(f"http://127.0.0.1:{port}"))
    finally:
        prism.terminate()
        prism.wait()


def _wait(port: int) -> None:
    until = time.monotonic() + _START_SECONDS
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            if time.monotonic() > until:
                sys.exit("Prism did not start")
            time.sleep(0.1)
        else:
            return


def _violations(direct: Caller, through: Caller) -> list[str]:
    findings = []
    for number, operation in enumerate(OPERATIONS):
        _, path, form, query = Scene(direct, number=number).trial(operation)
        reply = through(operation.method, path, data=form, params=query)
        is_nowhere = (operation.method, operation.path.split("/")[-2]) in NOWHERE
        if is_nowhere and reply.status_code == HTTPStatus.NOT_FOUND:
            continue
        for one in json.loads(reply.headers.get("sl-violations", "[]")):
            place = one.get("location", ["response"])
            if place[0] == "response":  # it takes a list of one value in a form for a text
                said = f"{'.'.join(map(str, place))}: {one['message']}"
                findings.append(f"{operation.method} {operation.path}: {said}")
    sys.stdout.write(f"prism   {len(OPERATIONS)} operations tried\n")
    return findings
