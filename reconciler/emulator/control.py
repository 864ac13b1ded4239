"""The emulator's own urls, for tests that reach it over HTTP.

    GET    /_emulator/store      {"store_id", "account_sid"}
    GET    /_emulator/requests   {"requests": [{"method", "path", "kind", "status", "faults"}…]}
    DELETE /_emulator/requests   empty the log
    GET    /_emulator/webhooks   {"webhooks": [{"event", "method", "url", "parameters", "status", "error"}…]}
    POST   /_emulator/faults     {"faults": ["create_message:3:reset_after"…]} puts more rules in force
    DELETE /_emulator/faults     drop every rule

The log of webhooks comes once all of them are answered. These urls need no credentials. A POST must have
the content type JSON, which browsers send to another origin only with its consent. A rule that is posted here
may not name a file.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from reconciler.emulator.fault_text import parse_fault
from reconciler.emulator.faults import Pause
from reconciler.emulator.site import Site
from reconciler.emulator.webhooks.outbox import Sent
from reconciler.errors import UsageError
from reconciler.text.foreign import json_fault

_PATIENCE: Final = 60.0
"""Seconds after which webhooks that are still being sent are not waited for."""
_LARGEST: Final = 1024 * 1024
"""Bytes of a request at most."""


class _Faults(msgspec.Struct, forbid_unknown_fields=True):
    faults: list[str]


class Control:
    """`/_emulator/…` as an ASGI app."""

    def __init__(self, site: Site) -> None:
        self._site = site

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        request = Request(scope, receive)
        body = bytearray()
        async for part in request.stream():
            body += part[: _LARGEST + 1 - len(body)]
        if len(body) > _LARGEST:
            response = _json({"error": "the request is too large"}, 413)
        else:
            if request.path_params["subject"] == "webhooks":
                await asyncio.to_thread(self._site.webhooks.outbox.wait, _PATIENCE)
            response = self._respond(request, bytes(body))
        await response(scope, receive, send)

    def _respond(self, request: Request, body: bytes) -> Response:
        site = self._site
        match request.method, request.path_params["subject"]:
            case "GET", "store":
                return _json({"store_id": site.store.store_id, "account_sid": site.store.account_sid})
            case "GET", "requests":
                return _json({"requests": [handled._asdict() for handled in site.requests]})
            case "DELETE", "requests":
                site.requests.clear()
            case "GET", "webhooks":
                return _json({"webhooks": [_shown(sent) for sent in site.webhooks.outbox.log.copy()]})
            case "POST", "faults":
                return self._add_faults(request, body)
            case "DELETE", "faults":
                site.faults.clear()
            case _:
                return _json({"error": "no such control"}, 404)
        return Response(status_code=204)

    def _add_faults(self, request: Request, body: bytes) -> Response:
        if request.headers.get("content-type", "").partition(";")[0] != "application/json":
            return _json({"error": "`content-type` must be `application/json`"}, 415)
        try:
            texts = msgspec.json.decode(body, type=_Faults).faults
            faults = [parse_fault(text) for text in texts]
            if any(isinstance(fault.action, Pause) for fault in faults):
                return _json(
                    {"error": "a fault that names a file can be scripted on the command line only"}, 400
                )
        except msgspec.DecodeError as error:
            return _json({"error": f"the body cannot be read: {json_fault(body, error)}"}, 400)
        except UsageError as error:
            return _json({"error": str(error)}, 400)
        self._site.faults.add(*faults)
        return Response(status_code=204)


def _shown(sent: Sent) -> dict[str, Any]:
    hook, answer = sent
    return {
        "event": hook.event,
        "method": hook.method,
        "url": hook.url,
        "parameters": hook.parameters,
        "status": answer.status,
        "error": answer.error,
    }


def _json(value: dict[str, Any], status: int = 200) -> Response:
    return Response(msgspec.json.encode(value), status, media_type="application/json")
