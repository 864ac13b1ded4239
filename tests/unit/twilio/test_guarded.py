"""The guard of requests: what changes anything at Twilio asks it first, each time."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from reconciler.errors import NotSent, RemoteError
from reconciler.twilio.client import Twilio
from reconciler.twilio.pace import Pace
from reconciler.twilio.pooled import OverHttpx
from tests.support.jumping import run_jumping

BASE = "https://conversations.twilio.com/v1"
Operation = Callable[[Twilio], Awaitable[Any]]

CHANGES: dict[str, Operation] = {
    "create message": lambda twilio: twilio.create_message("IS1", "CH1", {"body": "Hi"}),
    "update message": lambda twilio: twilio.update_message("IS1", "CH1", "IM1", {"body": "Hi"}),
    "delete message": lambda twilio: twilio.delete_message("IS1", "CH1", "IM1"),
    "create conversation": lambda twilio: twilio.create_conversation("IS1", {"unique_name": "desk"}),
    "update conversation": lambda twilio: twilio.update_conversation("IS1", "CH1", {"state": "closed"}),
    "delete conversation": lambda twilio: twilio.delete_conversation("IS1", "CH1"),
    "create participant": lambda twilio: twilio.create_participant("IS1", "CH1", {"identity": "a"}),
    "update participant": lambda twilio: twilio.update_participant("IS1", "CH1", "MB1", {"attributes": "{}"}),
    "delete participant": lambda twilio: twilio.delete_participant("IS1", "CH1", "MB1"),
    "create service": lambda twilio: twilio.create_service("desk"),
    "delete service": lambda twilio: twilio.delete_service("IS1"),
}


def sent(operation: Operation, may_send: Callable[[], None], *, status: int = 200) -> int:
    """Return how many requests reach the transport, each answered with *status*."""
    requests = 0

    def answer(request: httpx.Request) -> httpx.Response:
        nonlocal requests
        requests += 1
        return httpx.Response(status, json={"sid": "ME1"} if request.url.host.startswith("mcs") else {})

    async def main() -> None:
        async with OverHttpx(httpx.MockTransport(answer)) as http:
            pace = Pace(max_wait=5, backoff=0.001)
            twilio = Twilio(http, base_url=BASE, media_url="https://mcs.us1.twilio.com/v1", pace=pace)
            twilio.guard(may_send)
            await operation(twilio)

    with pytest.raises(RemoteError):
        run_jumping(main())
    return requests


def refuse() -> None:
    """Let nothing be sent."""
    raise NotSent("the lease ends")


@pytest.mark.parametrize("operation", CHANGES.values(), ids=CHANGES.keys())
def test_a_change_that_is_not_allowed_reaches_no_transport(operation: Operation) -> None:
    """Neither the first attempt nor a repeated one."""
    assert sent(operation, refuse) == 0


@pytest.mark.parametrize(
    "name", ["update message", "delete message", "update conversation", "delete conversation"]
)
def test_every_attempt_asks_again(name: str) -> None:
    """What was allowed once may not be a minute later."""
    asked = 0

    def twice() -> None:
        nonlocal asked
        asked += 1
        if asked > 2:
            refuse()

    assert sent(CHANGES[name], twice, status=503) == 2


def test_a_read_and_an_upload_ask_nobody(tmp_path: Path) -> None:
    """A read changes nothing, and Twilio deletes an upload that no message refers to."""
    file = tmp_path / "car.jpg"
    file.write_bytes(b"jpeg")

    async def both(twilio: Twilio) -> None:
        assert await twilio.upload_media("IS1", file, content_type="image/jpeg", filename="car.jpg") == "ME1"
        await twilio.fetch_message("IS1", "CH1", "IM1")  # its empty reply cannot be read

    assert sent(both, refuse) >= 2
