"""The client against the embedded emulator: two readings of the API that share no code."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any

import pytest

from reconciler.emulator import Emulator, EmulatorOptions, Fault
from reconciler.emulator.faults import (
    Action,
    Answer,
    RepeatingPager,
    Reset,
    Truncate,
    WrongType,
)
from reconciler.errors import Conflict, NotFound, OutcomeUnknown, RemoteError
from reconciler.operations.in_process import InProcess
from reconciler.twilio.client import Twilio
from reconciler.twilio.endpoint import Credentials
from reconciler.twilio.network import Transport
from reconciler.twilio.pace import Pace
from reconciler.twilio.pooled import OverHttpx
from reconciler.twilio.transport import Identified

BASE = "http://localhost/v1"


WAYS: dict[str, Callable[[Emulator], Transport]] = {
    "in process": lambda emulator: InProcess(emulator.app),
    "httpx": lambda emulator: OverHttpx(emulator.transport()),
}


CHOSEN: ContextVar[str] = ContextVar("CHOSEN")
"""The way that the test goes."""


@pytest.fixture(params=WAYS, autouse=True)
def way(request: pytest.FixtureRequest) -> Iterator[None]:
    """Each test goes both ways: without objects of HTTP, and through those of httpx."""
    before = CHOSEN.set(request.param)
    yield
    CHOSEN.reset(before)


@asynccontextmanager
async def emulated(emulator: Emulator) -> AsyncIterator[tuple[Twilio, str, str]]:
    """Return a client of *emulator*, with the sids of a new service and conversation."""
    async with Identified(
        WAYS[CHOSEN.get()](emulator), Credentials("AC" + "0" * 32, "token"), origins=[BASE]
    ) as http:
        pace = Pace(rate=None, backoff=0.001)
        twilio = Twilio(http, base_url=BASE, media_url=BASE, pace=pace)
        service = await twilio.create_service("support")
        conversation = await twilio.create_conversation(service.sid, {"unique_name": "desk"})
        yield twilio, service.sid, conversation.sid
    emulator.close()


def talk(
    conversation: Callable[[Twilio, str, str], Awaitable[Any]], *faults: Fault, page: int | None = None
) -> Any:
    """Return what *conversation* with an emulator comes to, under *faults*."""

    async def main() -> Any:
        options = EmulatorOptions() if page is None else EmulatorOptions(max_page_size=page)
        emulator = Emulator(options=options)
        emulator.faults.add(*faults)
        async with emulated(emulator) as (twilio, service, sid):
            return await conversation(twilio, service, sid)

    return asyncio.run(main())


async def bodies(twilio: Twilio, service: str, conversation: str) -> list[str | None]:
    """Return the bodies of all messages in order."""
    pages = twilio.message_pages(service, conversation)
    return [message.body async for items in pages for message in items]


def test_life_of_a_message() -> None:
    """Created, fetched, changed, listed and deleted; then it is gone."""

    async def life(twilio: Twilio, service: str, conversation: str) -> None:
        fields = {"author": "alice", "body": "Grüße & 50 % + 🚗", "attributes": '{"a":1}'}
        message = await twilio.create_message(service, conversation, fields)
        assert await twilio.fetch_message(service, conversation, message.sid) == message
        assert (message.author, message.body, message.attributes) == tuple(fields.values())
        changed = await twilio.update_message(service, conversation, message.sid, {"body": "Bye"})
        assert await bodies(twilio, service, conversation) == [changed.body] == ["Bye"]
        await twilio.delete_message(service, conversation, message.sid)
        with pytest.raises(NotFound) as caught:
            await twilio.delete_message(service, conversation, message.sid)
        assert caught.value.code == 20404

    talk(life)


@pytest.mark.parametrize(("granted", "requests"), [(1000, 1), (100, 3)])
def test_listing_takes_pages_as_granted(granted: int, requests: int) -> None:
    """Two hundred and fifty messages are one request, or three where a page holds a hundred."""

    async def listing(twilio: Twilio, service: str, conversation: str) -> None:
        for number in range(250):
            await twilio.create_message(service, conversation, {"body": str(number)})
        before = twilio.counters.read
        assert await bodies(twilio, service, conversation) == [str(number) for number in range(250)]
        assert twilio.counters.read - before == requests

    talk(listing, page=granted)


def test_conversation_is_found_by_its_unique_name() -> None:
    """A unique name stands for the sid, and cannot be given twice."""

    async def look_up(twilio: Twilio, service: str, conversation: str) -> None:
        assert (await twilio.fetch_conversation(service, "desk")).sid == conversation
        with pytest.raises(Conflict) as caught:
            await twilio.create_conversation(service, {"unique_name": "desk"})
        assert caught.value.code == 50353

    talk(look_up)


def test_participants_services_and_configuration() -> None:
    """The rest of the API reads and writes the same way."""

    async def rest(twilio: Twilio, service: str, conversation: str) -> None:
        alice = await twilio.create_participant(service, conversation, {"identity": "alice"})
        changed = await twilio.update_participant(service, conversation, alice.sid, {"attributes": '{"a":1}'})
        assert [page async for page in twilio.participant_pages(service, conversation)] == [[changed]]
        await twilio.delete_participant(service, conversation, alice.sid)
        await twilio.update_conversation(service, conversation, {"friendly_name": "Desk"})
        [conversations] = [page async for page in twilio.conversation_pages(service)]
        assert [item.friendly_name for item in conversations] == ["Desk"]
        assert (await twilio.account_sid()).startswith("AC")
        assert (await twilio.default_service_sid()).startswith("IS")
        services = [item.sid async for page in twilio.service_pages() for item in page]
        assert service in services
        await twilio.delete_conversation(service, conversation)
        await twilio.delete_service(service)
        with pytest.raises(NotFound):
            await twilio.fetch_service(service)

    talk(rest)


def test_uploaded_file_can_be_posted(tmp_path: Path) -> None:
    """The sid of an upload makes a message with media, of the size, type and name given."""
    file = tmp_path / "car.jpg"
    file.write_bytes(b"\xff\xd8" * 1000)

    async def post(twilio: Twilio, service: str, conversation: str) -> None:
        sid = await twilio.upload_media(service, file, content_type="image/jpeg", filename="my car.jpg")
        message = await twilio.create_message(service, conversation, {"media_sid": sid})
        assert message.media is not None
        [media] = message.media
        assert (media.sid, media.size, media.content_type, media.filename) == (
            sid,
            2000,
            "image/jpeg",
            "my car.jpg",
        )

    talk(post)


@pytest.mark.parametrize(
    "action",
    [Reset(), Reset(after=True), Truncate(), WrongType(), Answer(500), Answer(503, after=True)],
    ids=repr,
)
def test_create_in_trouble_is_unknown_and_sent_once(action: Action) -> None:
    """Whether or not it was stored, it is not sent again."""

    async def create(twilio: Twilio, service: str, conversation: str) -> None:
        with pytest.raises(OutcomeUnknown):
            await twilio.create_message(service, conversation, {"body": "Hi"})
        assert len(await bodies(twilio, service, conversation)) <= 1
        assert twilio.counters.retried == 0

    talk(create, Fault("create_message", action))


@pytest.mark.parametrize("action", [Answer(429, code=20429), Answer(429, retry_after=0.001)], ids=repr)
def test_throttled_create_happens_once(action: Action) -> None:
    """A throttled request was never processed, so it is sent again until it is."""

    async def create(twilio: Twilio, service: str, conversation: str) -> None:
        await twilio.create_message(service, conversation, {"body": "Hi"})
        assert await bodies(twilio, service, conversation) == ["Hi"]
        assert twilio.counters.retried == 1

    talk(create, Fault("create_message", action, nth=1))


def test_pager_that_repeats_is_an_error() -> None:
    """A page that leads to itself is not followed twice."""

    async def listing(twilio: Twilio, service: str, conversation: str) -> None:
        for number in range(6):
            await twilio.create_message(service, conversation, {"body": str(number)})
        with pytest.raises(RemoteError, match="does not end"):
            await bodies(twilio, service, conversation)
        assert twilio.counters.read == 2

    talk(listing, Fault("list_messages", RepeatingPager()), page=2)
