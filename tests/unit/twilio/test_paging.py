"""Listings: every page once, in order, to the end, and no further."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any, TypeVar

import httpx
import pytest

from reconciler.errors import RemoteError
from reconciler.model import RemoteMessage
from reconciler.twilio.client import Twilio
from reconciler.twilio.pace import Pace
from reconciler.twilio.pooled import OverHttpx

ORIGIN = "https://conversations.twilio.com"
PATH = "/v1/Services/IS1/Conversations/CH1/Messages"

T = TypeVar("T")


def page(*numbers: int, following: str | None = None, key: str = "messages") -> httpx.Response:
    """Return a page with the messages of these indexes."""
    items = [{"sid": f"IM{number}", "index": number} for number in numbers]
    return httpx.Response(200, json={"meta": {"key": key, "next_page_url": following}, key: items})


class Server:
    """Answers by a function of the query, and keeps what was asked."""

    def __init__(self, answer: Callable[[httpx.QueryParams], httpx.Response]) -> None:
        self.answer = answer
        self.asked: list[str] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        """Stand for the network."""
        self.asked.append(str(request.url).removeprefix(ORIGIN + PATH))
        return self.answer(request.url.params)

    def client(self) -> Twilio:
        """Return a client of this server."""
        http = OverHttpx(httpx.MockTransport(self))
        return Twilio(http, base_url=ORIGIN + "/v1", media_url=ORIGIN + "/v1", pace=Pace())


async def everything(pages: AsyncIterator[Sequence[T]]) -> list[T]:
    """Return the items of all pages."""
    return [item async for items in pages for item in items]


def holding(count: int, *, granted: int) -> Callable[[httpx.QueryParams], httpx.Response]:
    """Answer as a conversation of *count* messages whose pages hold *granted* at most."""

    def answer(query: httpx.QueryParams) -> httpx.Response:
        size = min(int(query["PageSize"]), granted)
        start = int(query.get("PageToken", "PT0")[2:])
        end = min(start + size, count)
        following = f"{ORIGIN}{PATH}?PageSize={size}&PageToken=PT{end}" if end < count else None
        return page(*range(start, end), following=following)

    return answer


def test_conversation_of_one_page_is_one_request() -> None:
    """A thousand messages are asked for at once, and where they are granted that is all."""
    server = Server(holding(1000, granted=1000))

    messages = asyncio.run(everything(server.client().message_pages("IS1", "CH1")))

    assert [message.index for message in messages] == list(range(1000))
    assert server.asked == ["?Order=asc&PageSize=1000"]


def test_smaller_pages_are_taken_as_granted() -> None:
    """A server that clamps to 100 is read in tens of requests, in order, without loss."""
    server = Server(holding(950, granted=100))
    twilio = server.client()

    messages = asyncio.run(everything(twilio.message_pages("IS1", "CH1")))

    assert [message.index for message in messages] == list(range(950))
    assert len(server.asked) == twilio.counters.read == 10
    assert twilio.message_page_size == 100


def test_reading_the_tail_says_nothing_of_the_page_size() -> None:
    """A page is only known to be small if more was asked for."""
    server = Server(holding(10, granted=1000))
    twilio = server.client()

    async def main() -> Sequence[RemoteMessage]:
        return await anext(aiter(twilio.message_pages("IS1", "CH1", order="desc", page_size=1)))

    assert len(asyncio.run(main())) == 1
    assert server.asked == ["?Order=desc&PageSize=1"]
    assert twilio.message_page_size == 1000


def refusing(limit: int) -> Callable[[httpx.QueryParams], httpx.Response]:
    """Answer with 400 where more than *limit* is asked for."""
    granted = holding(3, granted=limit)

    def answer(query: httpx.QueryParams) -> httpx.Response:
        if int(query["PageSize"]) > limit:
            return httpx.Response(400, json={"code": 20001, "message": "bad PageSize", "status": 400})
        return granted(query)

    return answer


def test_refused_page_size_falls_back_for_good() -> None:
    """A server that refuses 1,000 is asked for 100, and never for 1,000 again."""
    server = Server(refusing(100))
    twilio = server.client()

    async def main() -> list[int]:
        return [len(await everything(twilio.message_pages("IS1", "CH1"))) for _ in range(2)]

    assert asyncio.run(main()) == [3, 3]
    assert [asked[-8:] for asked in server.asked] == ["ize=1000", "Size=100", "Size=100"]


def test_other_refusals_are_raised() -> None:
    """If 100 is refused too, the page size was not the reason."""
    server = Server(refusing(10))

    with pytest.raises(RemoteError, match="bad PageSize") as caught:
        asyncio.run(everything(server.client().message_pages("IS1", "CH1")))

    assert caught.value.status == 400
    assert len(server.asked) == 2


def test_refusal_within_a_listing_does_not_start_it_again() -> None:
    """Nothing is yielded twice: once a page was granted, its size was not the reason."""
    refusal = httpx.Response(400, json={"code": 20001, "message": "bad PageToken", "status": 400})
    server = Server(lambda query: refusal if "Page" in query else page(0, following=f"{PATH}?Page=1"))

    with pytest.raises(RemoteError, match="bad PageToken"):
        asyncio.run(everything(server.client().message_pages("IS1", "CH1")))

    assert len(server.asked) == 2


def test_caller_may_stop_early() -> None:
    """Leaving after the first page asks for no other."""
    server = Server(holding(1000, granted=10))

    async def main() -> None:
        async for _ in server.client().message_pages("IS1", "CH1"):
            break

    asyncio.run(main())

    assert len(server.asked) == 1


@pytest.mark.parametrize(
    "following",
    [
        "https://evil.example/v1/Services",
        "http://conversations.twilio.com/v1/x",
        "https://conversations.twilio.com:8443/v1/x",
        "https://conversations.twilio.com.evil.example/v1/x",
        "https://user:pw@conversations.twilio.com/v1/x",
        "//evil.example/v1/x",
        "https://conversations.twilio.com\\@evil.example/",
        "file:///etc/passwd",
        "https://[",
    ],
)
def test_next_page_on_another_server_is_refused(following: str) -> None:
    """Credentials go along with every page, so a page leads to its own origin only."""
    server = Server(lambda _: page(0, following=following))

    with pytest.raises(RemoteError, match="list messages failed at"):
        asyncio.run(everything(server.client().message_pages("IS1", "CH1")))

    assert len(server.asked) == 1


@pytest.mark.parametrize(
    "following",
    [
        f"{ORIGIN}:443{PATH}?Page=1",
        f"HTTPS://Conversations.Twilio.com{PATH}?Page=1",
        f"{PATH}?Page=1",
    ],
)
def test_next_page_may_be_written_differently(following: str) -> None:
    """A default port, other case and a relative address are the same origin."""
    server = Server(lambda query: page(1) if "Page" in query else page(0, following=following))

    messages = asyncio.run(everything(server.client().message_pages("IS1", "CH1")))

    assert [message.index for message in messages] == [0, 1]


def test_same_next_page_again_is_an_error() -> None:
    """A pager that names a page twice would be followed forever."""
    counts = iter(range(1000))
    server = Server(lambda _: page(next(counts), following=f"{ORIGIN}{PATH}?PageToken=PT1"))

    with pytest.raises(RemoteError, match="does not end"):
        asyncio.run(everything(server.client().message_pages("IS1", "CH1")))

    assert len(server.asked) == 2


@pytest.mark.parametrize(
    ("indexes", "asked"), [([0], 2), ([0, 1, 2], 4), ([], 101)], ids=["same", "cycle", "empty"]
)
def test_pages_that_bring_nothing_new_are_an_error(indexes: list[int], asked: int) -> None:
    """New addresses do not help if the items repeat, in a cycle too, or never come."""
    tokens = iter(range(1000))

    def answer(_: httpx.QueryParams) -> httpx.Response:
        token = next(tokens)
        items = [indexes[token % len(indexes)]] if indexes else []
        return page(*items, following=f"{ORIGIN}{PATH}?PageToken=PT{token}")

    server = Server(answer)

    with pytest.raises(RemoteError, match="does not end"):
        asyncio.run(everything(server.client().message_pages("IS1", "CH1")))

    assert len(server.asked) == asked


@pytest.mark.parametrize("empty", [{0}, {1}, {1, 2, 3}, {0, 1, 3}, {4}])
def test_empty_pages_are_read_over(empty: set[int]) -> None:
    """A page whose items were all deleted still leads on, and says nothing about the size of pages."""

    def answer(query: httpx.QueryParams) -> httpx.Response:
        number = int(query.get("Page", "0"))
        following = f"{PATH}?Page={number + 1}" if number < 4 else None
        return page(*(() if number in empty else (number,)), following=following)

    twilio = Server(answer).client()

    found = asyncio.run(everything(twilio.message_pages("IS1", "CH1")))

    assert [message.index for message in found] == [one for one in range(5) if one not in empty]
    assert twilio.message_page_size == 1


def test_empty_last_page_is_the_end() -> None:
    """A page that promised another one may turn out to have been the last."""
    server = Server(
        lambda query: page() if "PageToken" in query else page(0, following=f"{PATH}?PageToken=PT1")
    )

    assert len(asyncio.run(everything(server.client().message_pages("IS1", "CH1")))) == 1


@pytest.mark.parametrize(
    ("key", "listing"),
    [
        ("services", lambda twilio: twilio.service_pages()),
        ("conversations", lambda twilio: twilio.conversation_pages("IS1")),
        ("participants", lambda twilio: twilio.participant_pages("IS1", "CH1")),
    ],
)
def test_other_listings_page_too(key: str, listing: Callable[[Twilio], AsyncIterator[Any]]) -> None:
    """Services, conversations and participants are asked for by the hundred and read to the end."""
    server = Server(
        lambda query: (
            page(1, key=key)
            if "PageToken" in query
            else page(0, key=key, following=f"{ORIGIN}/v1/Services?PageSize=100&PageToken=PT1")
        )
    )

    items = asyncio.run(everything(listing(server.client())))

    assert [item.sid for item in items] == ["IM0", "IM1"]
    assert server.asked[0].endswith("?PageSize=100")


def test_page_of_another_kind_is_unreadable(run: Callable[[Any], Any]) -> None:
    """A page that lacks its key is no empty page: everything would look deleted."""
    server = Server(lambda _: page(0, key="conversations"))

    with pytest.raises(RemoteError, match="cannot be read"):
        run(everything(server.client().message_pages("IS1", "CH1")))
