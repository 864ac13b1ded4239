"""The ASGI app: read a request, authenticate it, and send the reply."""

from __future__ import annotations

import base64
import binascii
import hmac
import secrets
from collections.abc import Mapping
from email.utils import formatdate
from http import HTTPStatus
from typing import IO, Final
from urllib.parse import parse_qsl, unquote

from starlette.requests import ClientDisconnect
from starlette.routing import BaseRoute, Route, Router
from starlette.types import ASGIApp, Receive, Scope, Send

from reconciler.emulator import wire
from reconciler.emulator.call import Call, new_body
from reconciler.emulator.connection import EXTENSION, Connection
from reconciler.emulator.control import Control
from reconciler.emulator.decisions import MEDIA_BYTES
from reconciler.emulator.direct import Direct
from reconciler.emulator.errors import ApiError, NotFound
from reconciler.emulator.exchange import Ending, Outcome, carry_out
from reconciler.emulator.fault_text import described
from reconciler.emulator.faults import Action
from reconciler.emulator.fields import is_sid
from reconciler.emulator.media_links import PATH
from reconciler.emulator.routes import PATHS, Operation
from reconciler.emulator.site import Handled, Site
from reconciler.emulator.wire import Reply

_FORM: Final = "application/x-www-form-urlencoded"
_LARGEST_FORM: Final = 4 * 1024 * 1024
"""Bytes of a request at most, unless it is an upload."""


def build(site: Site) -> ASGIApp:
    """Return the ASGI app of one emulator."""
    routes: list[BaseRoute] = [Route(path, Endpoint(site, operations)) for path, operations in PATHS.items()]
    routes += [Route("/_emulator/{subject}", Control(site)), Route(PATH, Direct(site))]
    router = Router(routes, redirect_slashes=False, default=Endpoint(site, None))

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            # Still percent-encoded: a segment may hold a slash.
            scope = {**scope, "path": scope["raw_path"].decode("ascii")}
        await router(scope, receive, send)

    return app


class Endpoint:
    """One path as an ASGI app; without *operations* it answers for all paths that do not exist."""

    def __init__(self, site: Site, operations: Mapping[str, Operation] | None) -> None:
        self._site = site
        self._operations = operations

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or end its connection."""
        site, method = self._site, scope["method"]
        operation = (self._operations or {}).get(method)
        outcome = None
        struck: list[Action] = []
        site.in_flight += 1
        try:
            try:
                site.catch_up()
                with await _body(receive, operation) as body:
                    outcome = await self._outcome(scope, body, operation, struck)
            except ApiError as refusal:
                outcome = Outcome(wire.error(refusal, scope["path"]))
            except ClientDisconnect:
                return
            finally:  # before the reply, so that a client that has it finds its request in the log
                kind = operation.kind if operation else ""
                status = outcome.reply.status if outcome and outcome.reply else None
                faults = tuple(map(described, struck))
                site.requests.append(Handled(method, scope["path"], kind, status, faults))
            await _send(outcome, scope, receive, send, site)
        finally:
            site.in_flight -= 1

    async def _outcome(
        self, scope: Scope, body: IO[bytes], operation: Operation | None, struck: list[Action]
    ) -> Outcome:
        """Carry out a request; the actions of the faults that hit it are added to *struck*."""
        call = _read(self._site, scope, body)
        if self._operations is None:
            raise NotFound
        if operation is None:
            raise ApiError(20004, "Method not allowed", HTTPStatus.METHOD_NOT_ALLOWED)
        struck += self._site.faults.draw(scope["method"], operation.kind)
        return await carry_out(self._site, operation, call, struck)


async def _body(receive: Receive, operation: Operation | None) -> IO[bytes]:
    """Return the body of a request, on disk if it is large; a body over the limit is read but not kept."""
    is_upload = operation is not None and operation.kind == "upload_media"
    most = MEDIA_BYTES if is_upload else _LARGEST_FORM
    body = new_body()
    received, goes_on = 0, True
    while goes_on:
        message = await receive()
        if message["type"] == "http.disconnect":
            body.close()
            raise ClientDisconnect  # half a request is no request
        part = message.get("body", b"")
        received += len(part)
        if received <= most:
            body.write(part)
        goes_on = message.get("more_body", False)
    if received > most:
        body.close()
        if is_upload:
            raise ApiError(50512, "Message media size is too large")
        raise ApiError(None, "Request entity too large", HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
    body.seek(0)
    return body


def _read(site: Site, scope: Scope, body: IO[bytes]) -> Call:
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    content_type = headers.get("content-type", "")
    host, port = scope["server"]
    is_form = content_type.partition(";")[0].strip().lower() == _FORM
    pairs = _pairs(body.read()) if is_form else []
    return Call(
        store=site.store,
        options=site.options,
        origin=f"{scope['scheme']}://{headers.get('host') or f'{host}:{port}'}",
        path=scope["path"],
        account_sid=_account(site, headers),
        names={name: unquote(value) for name, value in scope.get("path_params", {}).items()},
        query=dict(_pairs(scope["query_string"])),
        form=dict(pairs),
        pairs=pairs,
        body=body,
        content_type=content_type,
        webhooks=headers.get("x-twilio-webhook-enabled", "").lower() == "true",
    )


def _pairs(encoded: bytes) -> list[tuple[str, str]]:
    if not encoded:
        return []
    try:
        return parse_qsl(encoded.decode("ascii"), keep_blank_values=True, errors="strict")
    except UnicodeDecodeError:
        raise ApiError(20001, "Invalid parameters: not percent-encoded UTF-8") from None


def _account(site: Site, headers: Mapping[str, str]) -> str:
    """Return the account that the credentials name; refuse invalid ones."""
    wanted = site.options.auth_token
    token = headers.get("x-twilio-token")  # of a chat client, which has no other credentials
    if token and (wanted is None or hmac.compare_digest(token.encode(), wanted.encode())):
        return str(site.store.account_sid)
    scheme, _, encoded = headers.get("authorization", "").partition(" ")
    try:
        user, _, password = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        user = password = ""
    admitted = password != "" if wanted is None else hmac.compare_digest(password.encode(), wanted.encode())
    if scheme.lower() != "basic" or not (is_sid("AC", user) or is_sid("SK", user)) or not admitted:
        raise ApiError(20003, "Authenticate", 401)
    return user if is_sid("AC", user) else site.store.account_sid


async def _send(outcome: Outcome, scope: Scope, receive: Receive, send: Send, site: Site) -> None:
    reply, ending = outcome
    sent = b"" if reply is None else reply.body
    if ending is Ending.TRUNCATED:
        sent = sent[: len(sent) // 2]
    if reply is not None and (sent or ending is None):
        headers = _headers(reply, site)
        await send({"type": "http.response.start", "status": reply.status, "headers": headers})
        await send({"type": "http.response.body", "body": sent, "more_body": ending is not None})
    if ending is not None:
        _end(ending, scope["extensions"][EXTENSION])
        while (await receive())["type"] != "http.disconnect":
            pass  # the server knows now that the client is gone, and does not report a missing reply


def _end(ending: Ending, connection: Connection) -> None:
    match ending:
        case Ending.RESET:
            connection.reset()
        case Ending.REFUSED:
            connection.refuse()
        case Ending.TRUNCATED:
            connection.close()


def _headers(reply: Reply, site: Site) -> list[tuple[bytes, bytes]]:
    headers = [
        ("date", formatdate(site.store.clock().timestamp(), usegmt=True)),
        ("twilio-request-id", f"RQ{secrets.token_hex(16)}"),
        ("twilio-concurrent-requests", str(site.in_flight)),
        *reply.headers,
    ]
    if reply.status == HTTPStatus.UNAUTHORIZED:
        headers.append(("www-authenticate", 'Basic realm="Twilio API"'))
    if reply.status != HTTPStatus.NO_CONTENT:
        headers += [("content-type", reply.content_type), ("content-length", str(len(reply.body)))]
    return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]
