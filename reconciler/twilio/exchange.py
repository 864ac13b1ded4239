"""One request and its reply: sent in its turn, counted, judged, decoded; and page after page."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Final, Generic, TypeVar, overload

import httpx
from msgspec import Struct
from msgspec.json import Decoder

from reconciler.errors import RemoteError
from reconciler.model import RemoteConversation, RemoteMessage, RemoteParticipant, RemoteService
from reconciler.twilio import failures, wire
from reconciler.twilio.failures import Kind
from reconciler.twilio.pace import Pace

Resource = TypeVar("Resource", RemoteConversation, RemoteMessage, RemoteParticipant, RemoteService)
T = TypeVar("T")


class Counters(Struct):
    """Requests sent so far; *retried* counts those of them that were sent again."""

    read: int = 0
    write: int = 0
    retried: int = 0


class Call(Struct, frozen=True):
    """One request: its name in errors, and everything needed to send it once more.

    *path* is shown in errors; *url* is where it goes. *lane* names what the rate is counted by.
    """

    operation: str
    path: str
    url: str | httpx.URL
    kind: Kind = Kind.READ
    method: str = "GET"
    lane: str | None = None
    content: bytes | Callable[[], AsyncIterator[bytes]] | None = None
    headers: Mapping[str, str] = {}
    timeout: httpx.Timeout | None = None


class Listing(Struct, Generic[Resource], frozen=True):
    """A listing of *path*, starting with *query*; the decoder is of its pages."""

    operation: str
    path: str
    query: str
    decoder: Decoder[wire.Page[Resource]]


class Exchange:
    """Requests over *http* at the pace of *pace*."""

    def __init__(self, http: httpx.AsyncClient, *, base_url: str, pace: Pace) -> None:
        self._http = http
        self._base_url = base_url
        self._origin = _origin(httpx.URL(base_url))
        self._pace = pace
        self.counters = Counters()
        self.date: str | None = None
        """The `Date` of the last reply."""
        self.date_seen = 0.0
        """When it came, by the loop's clock."""

    def url(self, path: str) -> str:
        """Return the address of *path*."""
        return self._base_url + path

    @overload
    async def send(self, call: Call, decoder: Decoder[T]) -> T: ...
    @overload
    async def send(self, call: Call, decoder: None) -> None: ...
    async def send(self, call: Call, decoder: Decoder[T] | None) -> T | None:
        """Return what the reply to *call* holds; None is returned without a decoder.

        Raises `NotSent`, `Refused` or `OutcomeUnknown` when trying again does not help or is not safe.
        """
        attempts = 0

        async def attempt() -> T | None:
            nonlocal attempts
            attempts += 1
            self._count(call, again=attempts > 1)
            return await self._attempt(call, decoder)

        return await self._pace.run(attempt, call.kind, lane=call.lane)

    async def pages(self, listing: Listing[Resource]) -> AsyncIterator[wire.Page[Resource]]:
        """Yield the pages of *listing* to its end, one request each.

        Raises `RemoteError` if the next page is said to be on another origin, and if the pages do
        not end: each must have an address of its own and begin with an item that no other began with.
        """
        url: str | httpx.URL = self.url(listing.path + listing.query)
        seen: set[str] = {str(url)}
        starts: set[str] = set()
        while True:
            call = Call(operation=listing.operation, path=listing.path, url=url)
            page = await self.send(call, listing.decoder)
            start = page.items[0].sid if page.items else ""
            url_text = page.meta.next_page_url
            if url_text is not None and (url_text in seen or not start or start in starts):
                raise _listing_error(listing, "the listing does not end: its pages repeat")
            yield page
            if url_text is None:
                return
            seen.add(url_text)
            starts.add(start)
            url = self._next(listing, url_text)

    def _next(self, listing: Listing[Resource], text: str) -> httpx.URL:
        try:
            url = httpx.URL(self._base_url).join(text)
        except httpx.InvalidURL:
            raise _listing_error(listing, "the address of the next page cannot be read") from None
        if _origin(url) != self._origin or url.userinfo:
            raise _listing_error(listing, f"the next page is said to be on another server, `{url.host}`")
        return url

    def _count(self, call: Call, *, again: bool) -> None:
        if call.kind is Kind.READ:
            self.counters.read += 1
        else:
            self.counters.write += 1
        self.counters.retried += again

    async def _attempt(self, call: Call, decoder: Decoder[T] | None) -> T | None:
        content = call.content() if callable(call.content) else call.content
        request = self._http.build_request(
            call.method,
            call.url,
            content=content,
            headers=call.headers,
            timeout=call.timeout if call.timeout is not None else httpx.USE_CLIENT_DEFAULT,
        )
        try:
            response = await self._http.send(request, stream=True)
            try:
                # Not `aread`: the response, part of a cycle, would keep its body until the collector runs.
                body = b"".join([chunk async for chunk in response.aiter_bytes()])
            finally:
                await response.aclose()
        except httpx.RequestError as error:
            raise failures.of_exception(
                error, request.url, operation=call.operation, where=call.path
            ) from error
        if (date := response.headers.get("Date")) is not None:
            self.date, self.date_seen = date, asyncio.get_running_loop().time()
        failure = failures.of_reply(response, body, operation=call.operation, where=call.path)
        if failure is not None:
            raise failure
        if decoder is None:
            return None
        try:
            value = wire.decode(body, decoder)
            if call.kind is not Kind.READ:
                wire.check_sid(value)  # it will be bound
        except wire.Unreadable as error:
            raise failures.of_unreadable(
                error, response, operation=call.operation, where=call.path
            ) from error
        return value


_SCHEME_PORTS: Final = {"http": 80, "https": 443}


def _origin(url: httpx.URL) -> tuple[str, str, int | None]:
    """Return what two addresses must share; asked of the URL as it will be requested."""
    return url.scheme, url.host, url.port or _SCHEME_PORTS.get(url.scheme)


def _listing_error(listing: Listing[Resource], problem: str) -> RemoteError:
    return RemoteError(
        f"{listing.operation} failed at `{listing.path}`: {problem}",
        hint="report this with the name of the server behind `--endpoint`",
        operation=listing.operation,
        where=listing.path,
    )
