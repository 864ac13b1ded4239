"""A create is on the wire once at most, whenever the server closes the connection, idle or not."""

from __future__ import annotations

import asyncio
import re
import socket
import struct
import sys
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from random import Random

import pytest

from reconciler.errors import NotSent, OutcomeUnknown
from reconciler.twilio.client import Twilio
from reconciler.twilio.endpoint import Endpoint
from reconciler.twilio.pace import Pace
from reconciler.twilio.transport import open_http

REQUESTS = 400
BODY = b'{"sid":"IM1","index":0}'
REPLY = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(BODY), BODY)
MOMENTS = (
    "on connecting",
    "before reading",
    "on the first bytes",
    "before the reply",
    "in the reply",
    "with the reply",
    "a turn later",
    "some turns later",
    "never",
    "never",
)


class Closing(asyncio.Protocol):
    """One connection of a server that closes at a moment of its own choice, by FIN or by RST."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Choose the moment."""
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.server.transports.append(transport)
        self.moment = self.server.random.choice(MOMENTS)
        if self.moment == "on connecting":
            self.close()
        elif self.moment == "before reading":
            transport.pause_reading()
            asyncio.get_running_loop().call_soon(self.close)

    def data_received(self, data: bytes) -> None:
        """Note what came, and answer or close."""
        self.buffer += data
        self.server.heard(data)
        if self.moment == "on the first bytes":
            self.close()
        if not self.buffer.endswith(b"Body=Hi"):
            return
        self.buffer = b""
        if self.moment == "before the reply":
            self.close()
            return
        self.transport.write(REPLY[:40] if self.moment == "in the reply" else REPLY)
        if self.moment in {"in the reply", "with the reply"}:
            self.close()
        elif self.moment == "a turn later":
            asyncio.get_running_loop().call_soon(self.close)
        elif self.moment == "some turns later":
            self.later(self.server.random.randrange(40))
        else:
            self.moment = self.server.random.choice(MOMENTS[2:])

    def later(self, turns: int) -> None:
        """Close after so many *turns* of the loop."""
        if turns:
            asyncio.get_running_loop().call_soon(self.later, turns - 1)
        else:
            self.close()

    def close(self) -> None:
        """Close, in one of two ways."""
        if self.transport.is_closing():
            return
        if self.server.random.random() < 0.5:
            self.transport.close()
            return
        connection = self.transport.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.transport.abort()


class Server:
    """Counts how often each create came, whole or in part."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.came: Counter[str] = Counter()
        self.transports: list[asyncio.Transport] = []

    def heard(self, data: bytes) -> None:
        """Count the creates that begin in *data*."""
        self.came.update(name.decode() for name in re.findall(rb"Conversations/(CH\d+)/Messages", data))

    @asynccontextmanager
    async def running(self) -> AsyncIterator[int]:
        """Listen on a free port, and yield it."""
        make: Callable[[], asyncio.Protocol] = lambda: Closing(self)  # noqa: E731
        server = await asyncio.get_running_loop().create_server(make, "127.0.0.1", 0)
        async with server:
            yield server.sockets[0].getsockname()[1]
        for transport in self.transports:
            transport.abort()
        await asyncio.sleep(0)


@pytest.mark.parametrize("way", ["pyreqwest", "httpx"])
@pytest.mark.parametrize("seed", range(3))
def test_create_is_sent_once_at_most(way: str, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """An answer means once, "not sent" means never, and "unknown" never means twice."""
    if way == "httpx":
        monkeypatch.setitem(sys.modules, "reconciler.twilio.direct", None)
    server = Server(seed)
    ends: dict[str, str] = {}

    async def main() -> None:
        async with server.running() as port:
            endpoint = Endpoint.parse(f"http://127.0.0.1:{port}", {})
            async with open_http(endpoint) as http:
                twilio = Twilio(
                    http,
                    base_url=endpoint.base_url,
                    media_url=endpoint.media_url,
                    pace=Pace(rate=None, max_wait=0, parallelism=4),
                )

                async def create(name: str) -> None:
                    try:
                        await twilio.create_message("IS1", name, {"body": "Hi"})
                    except (NotSent, OutcomeUnknown) as error:
                        ends[name] = type(error).__name__
                    else:
                        ends[name] = "answered"

                names = [f"CH{number}" for number in range(REQUESTS)]
                for first in range(0, REQUESTS, 4):
                    await asyncio.gather(*map(create, names[first : first + 4]))

    asyncio.run(main())

    assert len(ends) == REQUESTS
    assert max(server.came.values()) == 1
    assert {name for name, end in ends.items() if end == "answered"} <= set(server.came)
    assert not {name for name, end in ends.items() if end == "NotSent"} & set(server.came)
    assert Counter(ends.values())["answered"] > REQUESTS / 4
    assert Counter(ends.values())["OutcomeUnknown"] > REQUESTS / 8
