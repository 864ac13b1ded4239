"""Serve files at their temporary urls."""

from __future__ import annotations

import hmac
from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from reconciler.emulator.errors import ApiError
from reconciler.emulator.media_links import PATH, sign
from reconciler.emulator.site import Site


class Direct:
    """The temporary urls as an ASGI app; they need no credentials."""

    def __init__(self, site: Site) -> None:
        self._site = site

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        await self._response(Request(scope, receive))(scope, receive, send)

    def _response(self, request: Request) -> Response:
        store, names = self._site.store, request.path_params
        expires = request.query_params.get("Expires", "")
        signature = request.query_params.get("Signature", "")
        wanted = sign(store, PATH.format(**names), expires)
        if request.method not in {"GET", "HEAD"}:
            return Response(status_code=HTTPStatus.METHOD_NOT_ALLOWED)
        if not hmac.compare_digest(signature, wanted) or int(expires) <= store.clock().timestamp():
            return Response(status_code=HTTPStatus.FORBIDDEN)
        try:
            media = store.media.get(names["service"], names["media"])
            content = store.media.content(media.service_sid, media.sid)
        except ApiError:
            return Response(status_code=HTTPStatus.NOT_FOUND)
        return Response(content, media_type=media.content_type, headers={"x-content-type-options": "nosniff"})
