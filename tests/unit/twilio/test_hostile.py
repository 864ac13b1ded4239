"""A server that sends too much, too slowly, for ever, or something else than was asked for."""

from __future__ import annotations

import asyncio
import gzip
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from typing import Any

import httpx
import pytest

from reconciler.errors import NotSent, OutcomeUnknown, RemoteError
from reconciler.twilio.body import MOST_BYTES
from reconciler.twilio.client import Twilio
from reconciler.twilio.exchange import ATTEMPT_SECONDS
from reconciler.twilio.pace import Pace
from reconciler.twilio.pooled import OverHttpx

BASE = "https://conversations.twilio.com/v1"
SERVICE, OTHER_SERVICE = "IS" + "1" * 32, "IS" + "2" * 32
HERE, ELSEWHERE = "CH" + "1" * 32, "CH" + "2" * 32
OURS, FOREIGN = "IM" + "1" * 32, "IM" + "2" * 32
SOMEBODY = "MB" + "1" * 32
MESSAGE = {"sid": OURS, "index": 0}

Run = Callable[[Coroutine[Any, Any, Any]], Any]
Operation = Callable[[Twilio], Awaitable[Any]]
Answer = Callable[[httpx.Request], Coroutine[None, None, httpx.Response]]


class Server:
    """Answers with *answer*, and counts how often it was asked; a client of it waits for *max_wait*."""

    def __init__(self, answer: Answer, *, max_wait: float = 120) -> None:
        self.answer = answer
        self.max_wait = max_wait
        self.asked = 0
        self.elapsed = 0.0

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        """Stand for the network."""
        self.asked += 1
        return await self.answer(request)

    def error(self, run: Run, operation: Operation) -> RemoteError:
        """Return what *operation* raises."""

        async def main() -> RemoteError:
            began = asyncio.get_running_loop().time()
            async with OverHttpx(httpx.MockTransport(self)) as http:
                twilio = Twilio(http, base_url=BASE, media_url=BASE, pace=Pace(max_wait=self.max_wait))
                with pytest.raises(RemoteError) as raised:
                    await operation(twilio)
            self.elapsed = asyncio.get_running_loop().time() - began
            return raised.value

        error = run(main())
        assert isinstance(error, RemoteError)
        return error


def always(status: int = 200, **settings: Any) -> Answer:
    """Answer each request alike."""

    async def answer(_: httpx.Request) -> httpx.Response:
        return httpx.Response(status, **settings)

    return answer


def create(twilio: Twilio) -> Awaitable[Any]:
    """Post a message: what is never sent twice."""
    return twilio.create_message(SERVICE, HERE, {"body": "Hi"})


def fetch(twilio: Twilio) -> Awaitable[Any]:
    """Read the message."""
    return twilio.fetch_message(SERVICE, HERE, OURS)


async def everything(pages: AsyncIterator[Any]) -> None:
    """Read a listing to its end."""
    async for _ in pages:
        pass


# Too much


class Spool(httpx.AsyncByteStream):
    """A body that is made while it is read; counts the pieces that were taken of it."""

    def __init__(self, piece: bytes, *, pause: float = 0, head: bytes = b"") -> None:
        self.piece = piece
        self.pause = pause
        self.head = head
        self.taken = 0

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self.head
        while True:
            await asyncio.sleep(self.pause)
            self.taken += 1
            yield self.piece


def bomb() -> Spool:
    """Return a gzip without end, each piece of which unpacks to a thousand times its size."""
    packer = zlib.compressobj(9, wbits=31)
    head = packer.compress(bytes(1024)) + packer.flush(zlib.Z_FULL_FLUSH)
    return Spool(packer.compress(bytes(16 * 1024 * 1024)) + packer.flush(zlib.Z_FULL_FLUSH), head=head)


@pytest.mark.parametrize("status", [200, 404, 429, 500])
@pytest.mark.parametrize("packed", [True, False])
def test_a_reply_without_end_is_not_read_to_it(run: Run, status: int, packed: bool) -> None:  # noqa: FBT001
    """What it unpacks to is counted, whatever its status; the create may have happened."""
    spool = bomb() if packed else Spool(bytes(1024 * 1024))
    server = Server(
        always(status, headers={"Content-Encoding": "gzip"} if packed else {}, stream=spool), max_wait=0
    )

    error = server.error(run, create)

    assert type(error) is OutcomeUnknown
    assert "holds more than 32 MiB" in error.text
    assert spool.taken <= MOST_BYTES // (1024 * 1024) + 1
    assert server.asked == 1


@pytest.mark.parametrize("encoding", ["br", "zstd", "deflate", "gzip, gzip", "x"])
def test_an_encoding_that_nobody_asked_for_is_refused(run: Run, encoding: str) -> None:
    """How far it would unpack is not known before it is done."""
    server = Server(always(headers={"Content-Encoding": encoding}, stream=Spool(b"\0")), max_wait=0)

    assert "encoded in a way that was not asked for" in server.error(run, create).text


@pytest.mark.parametrize("data", [b"no gzip", gzip.compress(b"{}")[:-9]], ids=["garbage", "cut"])
def test_a_broken_gzip_is_an_unknown_outcome(run: Run, data: bytes) -> None:
    """It was cut on its way, or is none."""

    class Once(httpx.AsyncByteStream):
        async def __aiter__(self) -> AsyncIterator[bytes]:
            yield data

    server = Server(always(headers={"Content-Encoding": "gzip"}, stream=Once()))

    assert type(server.error(run, create)) is OutcomeUnknown


def test_a_large_reply_that_only_the_slow_decoder_reads_is_refused(run: Run) -> None:
    """It builds also what nobody asked for, many times the size of the reply."""
    data = b'{"sid":"IM1","x":[' + b"[]," * 3_000_000 + b'[]],"body":"\\ud800","index":0}'

    assert "cannot be read" in Server(always(content=data)).error(run, create).text


# Too slow


@pytest.mark.parametrize("operation", [create, fetch])
@pytest.mark.parametrize("max_wait", [0, 3, 10, 120, 1000])
def test_a_trickling_body_ends_with_the_time_to_wait(run: Run, operation: Operation, max_wait: float) -> None:
    """No byte is late by itself, and still the whole attempt has an end."""
    server = Server(always(stream=Spool(b" ", pause=1)), max_wait=max_wait)

    error = server.error(run, operation)

    assert type(error) is OutcomeUnknown
    assert "no whole reply from `conversations.twilio.com` within" in error.text
    assert server.elapsed <= max(max_wait, 4) + 4
    assert server.elapsed <= ATTEMPT_SECONDS or operation is fetch


def test_a_server_that_says_nothing_ends_with_the_time_to_wait(run: Run) -> None:
    """The deadline holds whatever the transport does with its own time-outs."""

    async def silent(_: httpx.Request) -> httpx.Response:
        await asyncio.sleep(1_000_000)
        raise AssertionError

    server = Server(silent, max_wait=30)

    assert type(server.error(run, create)) is OutcomeUnknown
    assert server.elapsed == 30


def test_connecting_has_less_time_than_the_whole(run: Run) -> None:
    """So that it is known that nothing was sent: a proxy, a connection and a handshake fit in."""

    async def unreachable(request: httpx.Request) -> httpx.Response:
        timeout = request.extensions["timeout"]["connect"]
        await asyncio.sleep(3 * timeout)
        raise httpx.ConnectTimeout("")

    server = Server(unreachable, max_wait=0)

    assert type(server.error(run, create)) is NotSent


# Without end


def endless(order: int = 1, *, seconds: float, start: int = 0) -> Answer:
    """Answer with pages of two messages that go on for ever, each of them after *seconds*."""
    number = 0

    async def answer(request: httpx.Request) -> httpx.Response:
        nonlocal number
        await asyncio.sleep(seconds)
        number += 1
        indexes = [start + order * (2 * number + n) for n in range(2)]
        items = [{"sid": f"IM{index % 2**128:032x}", "index": index} for index in indexes]
        following = f"{request.url.copy_with(query=None)}?Page={number}"
        return httpx.Response(200, json={"meta": {"next_page_url": following}, "messages": items})

    return answer


@pytest.mark.parametrize("max_wait", [5, 120])
def test_a_listing_that_goes_on_for_ever_ends_with_the_time_to_wait(run: Run, max_wait: float) -> None:
    """Nothing repeats, so only the time tells; the hint says how to have more of it."""
    server = Server(endless(seconds=1), max_wait=max_wait)

    error = server.error(run, lambda twilio: everything(twilio.message_pages(SERVICE, HERE)))

    assert "the listing has not ended after" in error.text
    assert error.hint is not None
    assert "--max-wait" in error.hint
    assert server.elapsed <= max_wait + 1


def test_a_listing_from_its_end_has_as_many_messages_as_the_first_index_allows(run: Run) -> None:
    """Below index 0 there is nothing."""
    server = Server(endless(-1, seconds=0, start=100))

    def read(twilio: Twilio) -> Awaitable[None]:
        return everything(twilio.message_pages(SERVICE, HERE, order="desc"))

    assert "its pages are out of order" in server.error(run, read).text
    assert server.asked <= 51


def test_pages_against_the_order_that_was_asked_for_are_an_error(run: Run) -> None:
    """A page that brings nothing further on belongs to another listing."""
    server = Server(endless(-1, seconds=0, start=100))

    error = server.error(run, lambda twilio: everything(twilio.message_pages(SERVICE, HERE)))

    assert "its pages are out of order" in error.text
    assert server.asked == 2


# Something else


@pytest.mark.parametrize(
    "operation",
    [
        fetch,
        lambda twilio: twilio.update_message(SERVICE, HERE, OURS, {}),
        lambda twilio: twilio.fetch_conversation(SERVICE, HERE),
        lambda twilio: twilio.fetch_conversation(SERVICE, "desk"),
        lambda twilio: twilio.update_conversation(SERVICE, HERE, {}),
        lambda twilio: twilio.fetch_participant(SERVICE, HERE, SOMEBODY),
        lambda twilio: twilio.update_participant(SERVICE, HERE, SOMEBODY, {}),
        lambda twilio: twilio.fetch_service(SERVICE),
    ],
)
def test_a_reply_about_another_object_is_an_error(run: Run, operation: Operation) -> None:
    """It would be compared, or taken for done."""
    reply = MESSAGE | {"sid": FOREIGN, "unique_name": HERE}

    error = Server(always(json=reply)).error(run, operation)

    assert type(error) is OutcomeUnknown
    assert f"it is about `{FOREIGN}`" in error.text


@pytest.mark.parametrize(
    ("operation", "reply"),
    [
        (create, MESSAGE | {"conversation_sid": ELSEWHERE}),
        (
            lambda twilio: twilio.create_participant(SERVICE, HERE, {}),
            {"sid": SOMEBODY, "conversation_sid": ELSEWHERE},
        ),
        (
            lambda twilio: twilio.create_conversation(SERVICE, {}),
            {"sid": HERE, "chat_service_sid": OTHER_SERVICE},
        ),
    ],
)
def test_a_created_object_of_another_parent_is_an_unknown_outcome(
    run: Run, operation: Operation, reply: dict[str, Any]
) -> None:
    """It is not bound and not sent again: whether ours was made is to be found out."""
    server = Server(always(201, json=reply))

    assert type(server.error(run, operation)) is OutcomeUnknown
    assert server.asked == 1


def test_a_listed_message_of_another_conversation_is_an_error(run: Run) -> None:
    """It would be adopted, changed or deleted there."""
    items = [
        MESSAGE | {"conversation_sid": HERE},
        {"sid": FOREIGN, "index": 1, "conversation_sid": ELSEWHERE},
    ]
    server = Server(always(json={"meta": {"next_page_url": None}, "messages": items}))

    error = server.error(run, lambda twilio: everything(twilio.message_pages(SERVICE, HERE)))

    assert f"its `conversation_sid` is `{ELSEWHERE}`" in error.text


@pytest.mark.parametrize("sid", ["", "..", "a/b/c/d/e", "IM1/../../IS2"])
def test_a_listed_object_without_a_sid_is_an_error(run: Run, sid: str) -> None:
    """It would become a part of an address, and of a request that deletes."""
    server = Server(always(json={"meta": {"next_page_url": None}, "messages": [{"sid": sid, "index": 0}]}))

    error = server.error(run, lambda twilio: everything(twilio.message_pages(SERVICE, HERE)))

    assert "it lists an object that names no SID" in error.text


def test_what_is_asked_for_in_capitals_may_be_answered_in_small_letters(run: Run) -> None:
    """The digits of a sid mean the same in both."""

    async def main() -> None:
        answer = always(json={"sid": OURS.replace("1", "a"), "index": 0, "conversation_sid": HERE})
        async with OverHttpx(httpx.MockTransport(answer)) as http:
            twilio = Twilio(http, base_url=BASE, media_url=BASE, pace=Pace())
            await twilio.fetch_message(SERVICE, HERE, "IM" + "A" * 32)

    run(main())


def test_the_end_of_the_calendar_is_a_date_like_any_other(run: Run) -> None:
    """A server whose clock stands there says nothing of now."""
    date = "Fri, 31 Dec 9999 23:59:59 GMT"

    async def main() -> str:
        answer = always(json=MESSAGE, headers={"Date": date})
        async with OverHttpx(httpx.MockTransport(answer)) as http:
            twilio = Twilio(http, base_url=BASE, media_url=BASE, pace=Pace())
            await fetch(twilio)
            await asyncio.sleep(3600)
            return twilio.now()

    assert run(main()) == "9999-12-31T23:59:59Z"
