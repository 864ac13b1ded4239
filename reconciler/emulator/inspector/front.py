"""Put the inspector before the API; none of it is imported until a browser asks for a page."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from starlette.types import ASGIApp, Receive, Scope, Send

from reconciler.emulator.inspector.address import PREFIX

if TYPE_CHECKING:
    from reconciler.emulator.site import Site


class WithInspector:
    """Passes requests on to *app*, but for those that the inspector of *site* answers.

    *is_stopping* returns whether the server is about to stop, so that pages which follow it are let go.
    """

    def __init__(self, app: ASGIApp, site: Site, is_stopping: Callable[[], bool]) -> None:
        self._app = app
        self._site = site
        self._is_stopping = is_stopping
        self._pages: ASGIApp | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http" or not (scope["path"] == "/" or scope["path"].startswith(f"{PREFIX}/")):
            await self._app(scope, receive, send)
            return
        if self._pages is None:
            from reconciler.emulator.inspector.pages import build  # noqa: PLC0415 (Jinja2)

            self._pages = build(self._site, self._is_stopping)
        await self._pages(scope, receive, send)
