"""What each operation sends, and what it makes of the reply."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import httpx
import pytest

from reconciler.errors import UsageError
from reconciler.model import RemoteConversation, RemoteMessage, RemoteParticipant, RemoteService
from reconciler.twilio.client import Twilio
from reconciler.twilio.pace import Pace
from reconciler.twilio.pooled import OverHttpx

BASE = "https://conversations.twilio.com/v1"
MEDIA = "https://mcs.us1.twilio.com/v1"
MESSAGE = {"sid": "IM1", "index": 0, "author": "system", "body": "Hi", "attributes": "{}", "media": None}
CONVERSATION = {"sid": "CH1", "unique_name": "desk", "state": "active", "links": {}}
PARTICIPANT = {"sid": "MB1", "identity": "alice", "messaging_binding": None}
SERVICE = {"sid": "IS1", "friendly_name": "support"}

Operation = Callable[[Twilio], Awaitable[Any]]


def exchange(operation: Operation, reply: httpx.Response) -> tuple[httpx.Request, Any]:
    """Return the one request that *operation* sends, and what it returns for *reply*."""
    requests: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        return reply

    async def main() -> Any:
        async with OverHttpx(httpx.MockTransport(answer)) as http:
            return await operation(Twilio(http, base_url=BASE, media_url=MEDIA, pace=Pace()))

    result = asyncio.run(main())
    assert len(requests) == 1
    return requests[0], result


def fields_of(request: httpx.Request) -> dict[str, str]:
    """Return the form that *request* carries."""
    assert request.headers["Content-Type"] == "application/x-www-form-urlencoded"
    return dict(parse_qsl(request.content.decode(), keep_blank_values=True, strict_parsing=True))


@pytest.mark.parametrize(
    ("operation", "reply", "address", "result"),
    [
        (
            lambda twilio: twilio.fetch_message("IS1", "CH1", "IM1"),
            MESSAGE,
            "/Services/IS1/Conversations/CH1/Messages/IM1",
            RemoteMessage("IM1", 0, "system", "Hi", "{}"),
        ),
        (
            lambda twilio: twilio.fetch_conversation("IS1", "desk"),
            CONVERSATION,
            "/Services/IS1/Conversations/desk",
            RemoteConversation("CH1", "desk"),
        ),
        (
            lambda twilio: twilio.fetch_service("IS1"),
            SERVICE,
            "/Services/IS1",
            RemoteService("IS1", "support"),
        ),
        (
            lambda twilio: twilio.default_service_sid(),
            {"account_sid": "AC1", "default_chat_service_sid": "IS9"},
            "/Configuration",
            "IS9",
        ),
        (
            lambda twilio: twilio.account_sid(),
            {"account_sid": "AC1", "default_chat_service_sid": "IS9"},
            "/Configuration",
            "AC1",
        ),
    ],
)
def test_fetch_reads_one_object(operation: Operation, reply: Any, address: str, result: object) -> None:
    """One GET, decoded straight into a value."""
    request, value = exchange(operation, httpx.Response(200, json=reply))

    assert (request.method, str(request.url)) == ("GET", BASE + address)
    assert value == result


@pytest.mark.parametrize(
    ("operation", "reply", "address", "form", "result"),
    [
        (
            lambda twilio: twilio.create_message(
                "IS1", "CH1", {"body": "Hi", "date_created": "2026-01-05T09:00:00Z"}
            ),
            MESSAGE,
            "/Services/IS1/Conversations/CH1/Messages",
            {"Body": "Hi", "DateCreated": "2026-01-05T09:00:00Z"},
            RemoteMessage("IM1", 0, "system", "Hi", "{}"),
        ),
        (
            lambda twilio: twilio.update_message("IS1", "CH1", "IM1", {"subject": ""}),
            MESSAGE,
            "/Services/IS1/Conversations/CH1/Messages/IM1",
            {"Subject": ""},
            RemoteMessage("IM1", 0, "system", "Hi", "{}"),
        ),
        (
            lambda twilio: twilio.create_conversation(
                "IS1", {"unique_name": "desk", "timers_closed": "PT10M"}
            ),
            CONVERSATION,
            "/Services/IS1/Conversations",
            {"UniqueName": "desk", "Timers.Closed": "PT10M"},
            RemoteConversation("CH1", "desk"),
        ),
        (
            lambda twilio: twilio.update_conversation("IS1", "CH1", {"state": "closed"}),
            CONVERSATION,
            "/Services/IS1/Conversations/CH1",
            {"State": "closed"},
            RemoteConversation("CH1", "desk"),
        ),
        (
            lambda twilio: twilio.create_participant("IS1", "CH1", {"address": "+1", "proxy_address": "+2"}),
            PARTICIPANT,
            "/Services/IS1/Conversations/CH1/Participants",
            {"MessagingBinding.Address": "+1", "MessagingBinding.ProxyAddress": "+2"},
            RemoteParticipant("MB1", "alice"),
        ),
        (
            lambda twilio: twilio.update_participant("IS1", "CH1", "MB1", {"role_sid": "RL1"}),
            PARTICIPANT,
            "/Services/IS1/Conversations/CH1/Participants/MB1",
            {"RoleSid": "RL1"},
            RemoteParticipant("MB1", "alice"),
        ),
        (
            lambda twilio: twilio.create_service("support"),
            SERVICE,
            "/Services",
            {"FriendlyName": "support"},
            RemoteService("IS1", "support"),
        ),
    ],
)
def test_write_posts_a_form(
    operation: Operation, reply: Any, address: str, form: dict[str, str], result: object
) -> None:
    """One POST with Twilio's field names, and the object it made or changed comes back."""
    request, value = exchange(operation, httpx.Response(201, json=reply))

    assert (request.method, str(request.url)) == ("POST", BASE + address)
    assert fields_of(request) == form
    assert value == result


@pytest.mark.parametrize(
    ("operation", "address"),
    [
        (
            lambda twilio: twilio.delete_message("IS1", "CH1", "IM1"),
            "/Services/IS1/Conversations/CH1/Messages/IM1",
        ),
        (
            lambda twilio: twilio.delete_participant("IS1", "CH1", "MB1"),
            "/Services/IS1/Conversations/CH1/Participants/MB1",
        ),
        (lambda twilio: twilio.delete_conversation("IS1", "CH1"), "/Services/IS1/Conversations/CH1"),
        (lambda twilio: twilio.delete_service("IS1"), "/Services/IS1"),
    ],
)
def test_delete_needs_no_reply_body(operation: Operation, address: str) -> None:
    """One DELETE; 204 is all there is to say."""
    request, value = exchange(operation, httpx.Response(204))

    assert (request.method, str(request.url)) == ("DELETE", BASE + address)
    assert request.content == b""
    assert value is None


WRITES: list[tuple[Callable[[Twilio, bool], Awaitable[Any]], Any]] = [
    (lambda twilio, on: twilio.create_message("IS1", "CH1", {}, webhooks=on), MESSAGE),
    (lambda twilio, on: twilio.update_message("IS1", "CH1", "IM1", {}, webhooks=on), MESSAGE),
    (lambda twilio, on: twilio.delete_message("IS1", "CH1", "IM1", webhooks=on), None),
    (lambda twilio, on: twilio.create_conversation("IS1", {}, webhooks=on), CONVERSATION),
    (lambda twilio, on: twilio.update_conversation("IS1", "CH1", {}, webhooks=on), CONVERSATION),
    (lambda twilio, on: twilio.delete_conversation("IS1", "CH1", webhooks=on), None),
    (lambda twilio, on: twilio.create_participant("IS1", "CH1", {}, webhooks=on), PARTICIPANT),
    (lambda twilio, on: twilio.update_participant("IS1", "CH1", "MB1", {}, webhooks=on), PARTICIPANT),
    (lambda twilio, on: twilio.delete_participant("IS1", "CH1", "MB1", webhooks=on), None),
]


@pytest.mark.parametrize(("operation", "reply"), WRITES)
@pytest.mark.parametrize("on", [True, False])
def test_webhooks_header_is_sent_only_when_asked(
    operation: Callable[[Twilio, bool], Awaitable[Any]], reply: Any, *, on: bool
) -> None:
    """A webhook fires for a REST call only if the header says so."""
    request, _ = exchange(lambda twilio: operation(twilio, on), httpx.Response(200, json=reply))

    assert request.headers.get("X-Twilio-Webhook-Enabled") == ("true" if on else None)


def test_names_cannot_leave_their_place_in_the_path() -> None:
    """Slashes, queries and dots in a unique name arrive as one encoded segment."""
    request, _ = exchange(
        lambda twilio: twilio.fetch_conversation("IS1", "../../Services?x=1"),
        httpx.Response(200, json=CONVERSATION | {"unique_name": "../../Services?x=1"}),
    )

    assert request.url.raw_path == b"/v1/Services/IS1/Conversations/..%2F..%2FServices%3Fx%3D1"


def test_empty_sid_cannot_turn_a_delete_into_another() -> None:
    """Without a last segment the request would be about the parent."""
    with pytest.raises(UsageError):
        exchange(lambda twilio: twilio.delete_message("IS1", "CH1", ""), httpx.Response(204))


def test_upload_streams_the_file(tmp_path: Path) -> None:
    """The bytes go to the media host as they are, with their length, type and name."""
    file = tmp_path / "car.jpg"
    file.write_bytes(bytes(range(256)) * 4096)

    request, sid = exchange(
        lambda twilio: twilio.upload_media("IS1", file, content_type="image/jpeg", filename="my car.jpg"),
        httpx.Response(201, json={"sid": "ME1", "url": None, "links": {}}),
    )

    assert sid == "ME1"
    assert str(request.url) == MEDIA + "/Services/IS1/Media?Filename=my+car.jpg"
    assert request.headers["Content-Type"] == "image/jpeg"
    assert request.headers["Content-Length"] == str(256 * 4096)
    assert "Transfer-Encoding" not in request.headers
    assert request.content == file.read_bytes()


def test_counters_tell_reads_writes_and_repeats(run: Callable[[Any], Any]) -> None:
    """Every request that was sent counts once, and those sent again are known."""
    replies = [
        httpx.Response(429),
        httpx.Response(200, json=MESSAGE),
        httpx.Response(503),
        httpx.Response(204),
        httpx.Response(200, json=CONVERSATION),
    ]

    async def main() -> tuple[int, int, int]:
        http = OverHttpx(httpx.MockTransport(lambda _: replies.pop(0)))
        twilio = Twilio(http, base_url=BASE, media_url=MEDIA, pace=Pace())
        await twilio.create_message("IS1", "CH1", {"body": "Hi"})
        await twilio.delete_message("IS1", "CH1", "IM1")
        await twilio.fetch_conversation("IS1", "CH1")
        return twilio.counters.read, twilio.counters.write, twilio.counters.retried

    assert run(main()) == (1, 4, 2)


def test_changes_of_a_conversation_share_its_lane(run: Callable[[Any], Any]) -> None:
    """The rate counts by conversation for messages, and by service for conversations."""
    sent: dict[str, list[float]] = {}

    def answer(request: httpx.Request) -> httpx.Response:
        sent.setdefault(request.url.path.removeprefix("/v1"), []).append(asyncio.get_running_loop().time())
        sid = "CH2" if "CH2" in request.url.path else "CH1"
        return httpx.Response(200, json=MESSAGE | CONVERSATION | {"sid": sid})

    async def main() -> None:
        http = OverHttpx(httpx.MockTransport(answer))
        twilio = Twilio(http, base_url=BASE, media_url=MEDIA, pace=Pace(rate=2))
        for conversation in ("CH1", "CH2"):
            await twilio.create_message("IS1", conversation, {})
            await twilio.update_conversation("IS1", conversation, {})
        await twilio.create_conversation("IS1", {})

    run(main())

    assert sent == {
        "/Services/IS1/Conversations/CH1/Messages": [0],
        "/Services/IS1/Conversations/CH1": [0.5],
        "/Services/IS1/Conversations/CH2/Messages": [0.5],
        "/Services/IS1/Conversations/CH2": [1.0],
        "/Services/IS1/Conversations": [1.0],
    }
