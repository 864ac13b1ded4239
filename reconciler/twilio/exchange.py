"""Exchange one request and its reply, or page after page: paced, counted, checked and decoded."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from functools import partial
from typing import Final, Generic, TypeVar, overload

from msgspec import Struct, field
from msgspec.json import Decoder

from reconciler.errors import RemoteError
from reconciler.model import RemoteConversation, RemoteMessage, RemoteParticipant, RemoteService
from reconciler.state.deadlines import REQUEST_SECONDS
from reconciler.twilio import body, failures, identity, wire
from reconciler.twilio.failures import Idempotency
from reconciler.twilio.masking import Mask, mask_of, mask_of_proxy
from reconciler.twilio.network import Broken, Request, Transport, Url
from reconciler.twilio.pace import Pace
from reconciler.twilio.server_clock import ServerClock

ATTEMPT_SECONDS: Final = REQUEST_SECONDS
"""The time limit in seconds of one attempt: to wait for a connection, connect, send and receive."""
_CONNECT_SECONDS: Final = 10.0
_LEAST_SECONDS: Final = 4.0
"""The least time in seconds for an attempt or a listing, however little of `--max-wait` is left."""
_HEADERS: Final = {"Accept": "application/json", "Accept-Encoding": body.ENCODING}
_MOST_EMPTY: Final = 100
"""The most pages without items in a row: pages whose items were all deleted."""

Resource = TypeVar("Resource", RemoteConversation, RemoteMessage, RemoteParticipant, RemoteService)
T = TypeVar("T")


class Counters(Struct):
    """The numbers of requests sent so far; *retried* counts the repeated ones among them."""

    read: int = 0
    write: int = 0
    retried: int = 0
    statuses: Counter[int] = field(default_factory=Counter)
    """The number of replies with each status; a request without a reply is in none."""


class Call(Struct, frozen=True):
    """One request, with everything that is needed to send it again."""

    operation: str
    """The name of the request in errors, such as `create message`."""
    path: str
    """The path of the resource: shown in errors, and compared with what the reply is about."""
    url: Url
    """The address that the request goes to."""
    idempotency: Idempotency = Idempotency.SAFE
    """What sending it twice does."""
    method: str = "GET"
    bucket: str | None = None
    """The sid that the rate limit counts by; None for a read, which is not limited."""
    content: bytes | Callable[[], AsyncIterator[bytes]] = b""
    """The body, or a function that returns it anew for each attempt."""
    headers: Mapping[str, str] = {}
    seconds: float = ATTEMPT_SECONDS
    """The time limit of one attempt, from connecting to the end of the reply."""
    guarded: bool = True
    """Whether `Exchange.may_send` is asked, unless it is a read."""


class Listing(Struct, Generic[Resource], frozen=True):
    """A listing of *path*, from *query* on; *decoder* decodes its pages."""

    operation: str
    path: str
    query: str
    decoder: Decoder[wire.Page[Resource]]


class Exchange:
    """Sends requests over *http* within the limits of *pace*."""

    def __init__(self, http: Transport, *, base_url: str, pace: Pace) -> None:
        self._http = http
        self._base = Url.parse(base_url)
        self._pace = pace
        self.counters = Counters()
        self.may_send: Callable[[], None] = _always
        """Called right before a guarded request is handed to the transport; raises NotSent to prevent it."""
        self.clock = ServerClock()

    def url(self, path: str) -> Url:
        """Return the URL of *path*, which `wire.path` has made, and perhaps a query."""
        return Url(self._base.origin, self._base.target + path)

    @overload
    async def send(self, call: Call, decoder: Decoder[T]) -> T: ...
    @overload
    async def send(self, call: Call, decoder: None) -> None: ...
    async def send(self, call: Call, decoder: Decoder[T] | None) -> T | None:
        """Send *call* and return its decoded reply; None without a decoder.

        Raises `NotSent`, `Refused` or `OutcomeUnknown` when sending again does not help or is not safe.
        """

        def decode(data: bytes) -> T | None:
            return None if decoder is None else _decoded(data, decoder, call)

        value, _ = await self._timed(call, decode)
        return value

    async def _timed(self, call: Call, decode: Callable[[bytes], T]) -> tuple[T, float]:
        """Return the decoded reply, and the seconds since the first attempt began."""
        clock = asyncio.get_running_loop().time
        began: float | None = None

        async def attempt() -> T:
            nonlocal began
            self._count(call, again=began is not None)
            began = clock() if began is None else began
            left = began + self._pace.max_wait - clock()
            return await self._attempt(call, decode, min(call.seconds, max(left, _LEAST_SECONDS)))

        value = await self._pace.run(attempt, call.idempotency, bucket=call.bucket)
        return value, 0.0 if began is None else clock() - began

    async def pages(self, listing: Listing[Resource]) -> AsyncIterator[wire.Page[Resource]]:
        """Yield the pages of *listing*, one request each.

        Raises `RemoteError` if the next page is on another origin, or if the listing does not end. So each
        page must have a URL of its own and begin with an item that no other page began with. At most 100 in a
        row may be empty, and the requests may take `--max-wait` seconds together.
        """
        taken = 0.0
        url = self.url(listing.path + listing.query)
        seen: set[str] = {str(url)}
        starts: set[str] = set()
        empty = 0
        while True:
            call = Call(operation=listing.operation, path=listing.path, url=url)
            page, seconds = await self._timed(call, partial(_page, listing))
            taken += seconds
            start = page.items[0].sid if page.items else ""
            url_text = page.meta.next_page_url
            empty = 0 if start else empty + 1
            if url_text is not None and (url_text in seen or start in starts):
                raise listing_error(listing, "the listing does not end: its pages repeat")
            if empty > _MOST_EMPTY:
                raise listing_error(listing, f"the listing does not end: {empty} pages in a row are empty")
            yield page
            if url_text is None:
                return
            if taken > max(self._pace.max_wait, _LEAST_SECONDS):
                raise listing_error(
                    listing,
                    f"the listing has not ended after {taken:.0f} s",
                    hint="if it is as long as that, pass a longer `--max-wait`",
                )
            seen.add(url_text)
            starts |= {start} if start else set()
            url = self._next(listing, url_text)

    def _next(self, listing: Listing[Resource], text: str) -> Url:
        try:
            url = self._base.join(text)
        except ValueError:
            raise listing_error(listing, "the address of the next page cannot be read") from None
        if url.origin != self._base.origin:
            raise listing_error(listing, f"the next page is said to be on another server, `{url.netloc}`")
        return url

    def _count(self, call: Call, *, again: bool) -> None:
        if call.idempotency is Idempotency.SAFE:
            self.counters.read += 1
        else:
            self.counters.write += 1
        self.counters.retried += again

    async def _attempt(self, call: Call, decode: Callable[[bytes], T], seconds: float) -> T:
        """Send *call* once; the attempt ends after *seconds*, whatever the transport does."""
        request, reply = self._request(call, seconds), None
        try:
            async with asyncio.timeout(seconds) as deadline:
                if call.guarded and call.idempotency is not Idempotency.SAFE:
                    self.may_send()
                reply = await self._http.send(request)
                self.counters.statuses[reply.status] += 1
                try:
                    data = await body.read(reply)
                finally:
                    await reply.aclose()
        except Broken as error:
            _mask(request).clean(error)
            mask_of_proxy().clean(error)
            raise failures.of_broken(
                error, call.url, operation=call.operation, where=call.path
            ) from error.__cause__
        except TimeoutError:
            if not deadline.expired():
                raise
            raise failures.of_deadline(seconds, call.url, operation=call.operation, where=call.path) from None
        except wire.Unreadable as error:
            assert reply is not None  # noqa: S101 -- it is its body that cannot be read
            raise failures.of_unreadable(error, reply, operation=call.operation, where=call.path) from error
        mask = _mask(request)
        data = mask.data(data)  # before anything of it can be shown or kept
        self.clock.see(reply.headers.get("date"))
        failure = failures.of_reply(
            reply, data, call.url, hide=mask.whole, operation=call.operation, where=call.path
        )
        if failure is not None:
            raise failure
        try:
            return decode(data)
        except wire.Unreadable as error:
            raise failures.of_unreadable(error, reply, operation=call.operation, where=call.path) from error

    def _request(self, call: Call, seconds: float) -> Request:
        # A failure to connect must show before the time limit of the attempt: it means that nothing was sent.
        # There may be three waits for it: for the proxy, for the server, and for their handshake.
        return Request(
            call.method,
            call.url,
            {**_HEADERS, **call.headers},
            call.content() if callable(call.content) else call.content,
            connect=min(_CONNECT_SECONDS, seconds / 4),
            read=seconds / 2,
        )


def _always() -> None:
    """Let every request be sent."""


def _mask(request: Request) -> Mask:
    """Return the mask for the credentials of *request*."""
    return mask_of(request.headers.get("Authorization", ""))


def _decoded(data: bytes, decoder: Decoder[T], call: Call) -> T:
    value = wire.decode(data, decoder)
    if call.idempotency is not Idempotency.SAFE:
        wire.check_sid(value)  # its sid will be bound
    identity.check_object(call.path, value)
    return value


def _page(listing: Listing[Resource], data: bytes) -> wire.Page[Resource]:
    page = wire.decode(data, listing.decoder)
    wire.check_sids([item.sid for item in page.items])
    identity.check_parents(listing.path, page.items)
    return page


def listing_error(
    listing: Listing[Resource],
    problem: str,
    hint: str = "report this with the name of the server behind `--endpoint`",
) -> RemoteError:
    """Return the error for a *listing* that cannot be read to its end."""
    return RemoteError(
        f"{listing.operation} failed at `{listing.path}`: {problem}",
        hint=hint,
        operation=listing.operation,
        where=listing.path,
    )
