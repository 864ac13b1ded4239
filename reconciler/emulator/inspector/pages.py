"""The pages of the inspector, for a browser on this machine.

    GET  /                                             services, their conversations, the last requests
    GET  /_inspector/{service}?from=KEY                more conversations of a service
    GET  /_inspector/{service}/{conversation}          a conversation as a chat; `before=INDEX` its beginning
    POST /_inspector/{service}/{conversation}/messages   send `body` as `speaker`
    POST /_inspector/{service}/{conversation}/close    close it
    GET  /_inspector/{service}/media/{media}           a picture
    GET  /_inspector/requests                          the log of requests, with the faults that struck
    GET  /_inspector/events                            an event whenever something changed

Looking needs no credentials, as `hosts` keeps away pages that come under another name. Nothing is loaded from
anywhere else, and the browser is told to allow nothing else.
"""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from itertools import islice
from pathlib import Path
from typing import Any, Final, TypeAlias

from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route, Router
from starlette.types import ASGIApp

from reconciler.chat.page import environment, source_hash
from reconciler.chat.style import STYLE
from reconciler.chat.values import Notice, Page
from reconciler.emulator.errors import ApiError, NotFound
from reconciler.emulator.inspector import views
from reconciler.emulator.inspector.address import PREFIX
from reconciler.emulator.inspector.events import follow
from reconciler.emulator.inspector.writes import Writes
from reconciler.emulator.site import Handled, Site

Answer: TypeAlias = Callable[[Request], Awaitable[Response]]

_HERE: Final = Path(__file__).parent
_POLICY: Final = (
    f"default-src 'none'; script-src 'self'; style-src 'self' {source_hash(STYLE)}; img-src 'self' data:; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'"
)
"""The pages have forms, and a script of their own; everything else is as on a page that only shows."""
_HEADERS: Final = {
    "cache-control": "no-store",
    "content-security-policy": f"{_POLICY}; frame-ancestors 'none'",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}
_LOGGED: Final = 200
"""Requests that the log shows."""
_LAST: Final = 12
"""Requests that the first page shows."""


def build(site: Site, is_stopping: Callable[[], bool]) -> ASGIApp:
    """Return the inspector of *site* as an ASGI app; it ends its streams once *is_stopping* returns True."""
    token = secrets.token_urlsafe(32)
    pages, writes = _Pages(site, token), Writes(site, token)

    async def events(request: Request) -> Response:
        del request
        stream = follow(site, is_stopping)
        return StreamingResponse(stream, headers=_HEADERS, media_type="text/event-stream")

    one = f"{PREFIX}/{{service}}/{{conversation}}"
    answers: list[tuple[str, str, Answer]] = [
        ("GET", "/", pages.first),
        ("GET", f"{PREFIX}/events", events),
        ("GET", f"{PREFIX}/requests", pages.requests),
        ("GET", f"{PREFIX}/inspector.css", _file("inspector.css", "text/css")),
        ("GET", f"{PREFIX}/inspector.js", _file("inspector.js", "text/javascript")),
        ("GET", f"{PREFIX}/{{service}}", pages.service),
        ("GET", one, pages.room),
        ("GET", f"{PREFIX}/{{service}}/media/{{media}}", pages.media),
        ("POST", f"{one}/messages", writes.send),
        ("POST", f"{one}/close", writes.close),
    ]
    routes = [Route(path, pages.answering(answer), methods=[method]) for method, path, answer in answers]
    return Router(routes, redirect_slashes=False)


def _file(name: str, media_type: str) -> Answer:
    content = (_HERE / name).read_bytes()

    async def answer(request: Request) -> Response:
        del request
        return Response(content, headers=_HEADERS, media_type=media_type)

    return answer


class _Pages:
    """The pages of one site; *token* goes into their forms."""

    def __init__(self, site: Site, token: str) -> None:
        self._site = site
        self._environment = environment(
            {file.name: file.read_text(encoding="utf-8") for file in (_HERE / "templates").iterdir()}
        )
        self._environment.globals |= {"prefix": PREFIX, "token": token, "policy": Markup(_POLICY)}  # noqa: S704 (our own)

    def answering(self, answer: Answer) -> Answer:
        """Return *answer*, with a page on what the store refuses."""

        async def answered(request: Request) -> Response:
            self._site.catch_up()
            try:
                return await answer(request)
            except NotFound:
                return self._problem(HTTPStatus.NOT_FOUND, "this is not there, or not any more")
            except ApiError as refusal:
                code = f" (code {refusal.code})" if refusal.code is not None else ""
                return self._problem(refusal.status, f"{refusal.message}{code}")

        return answered

    def _problem(self, status: int, text: str) -> Response:
        notice = Notice("refusal", text, "Go back, and load the page again.")
        return self._page("frame.html", Page("This was not done", notices=(notice,)), status)

    async def first(self, request: Request) -> Response:
        """Show all services with their conversations, and the last requests."""
        services, further = views.services(self._site.store, _number(request, "from"))
        page = Page(
            "Conversations",
            footer=f"An emulator of Twilio Conversations, account {self._site.store.account_sid}",
        )
        last = self._last_requests(_LAST)
        return self._page("first.html", page, services=services, further=further, requests=last)

    async def service(self, request: Request) -> Response:
        """Show one service, from a conversation on."""
        sid, start = request.path_params["service"], _number(request, "from")
        service = views.service(self._site.store, sid, start)
        return self._page("service.html", Page(service.name), service=service)

    async def room(self, request: Request) -> Response:
        """Show one conversation."""
        where = request.path_params["service"], request.path_params["conversation"]
        room = views.room(self._site.store, *where, _number(request, "before"))
        speaker = request.query_params.get("as")
        return self._page("room.html", Page(room.chat.title), room=room, speaker=speaker)

    async def requests(self, request: Request) -> Response:
        """Show the last requests."""
        del request
        return self._page("requests.html", Page("Requests"), requests=self._last_requests(_LOGGED))

    async def media(self, request: Request) -> Response:
        """Send a picture; other files are not sent, as a browser could carry them out."""
        where = request.path_params["service"], request.path_params["media"]
        kind = views.picture_type(self._site.store.media.get(*where).content_type)
        if kind is None:
            raise NotFound
        return Response(self._site.store.media.content(*where), headers=_HEADERS, media_type=kind)

    def _last_requests(self, most: int) -> list[Handled]:
        return list(islice(reversed(self._site.requests), most))

    def _page(self, template: str, page: Page, status: int = HTTPStatus.OK, **values: Any) -> Response:
        text = self._environment.get_template(template).render(page=page, **values)
        return Response(text.encode(errors="replace"), status, _HEADERS, "text/html; charset=utf-8")


def _number(request: Request, name: str) -> int | None:
    """Return the number in the query, or None if there is none."""
    text = request.query_params.get(name, "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < len(str(2**63)) else None
