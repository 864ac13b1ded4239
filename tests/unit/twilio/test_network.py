"""The client over real connections of this machine: reuse, breakage, and who sees the credentials."""

from __future__ import annotations

import asyncio
import re
import ssl
import sys
from base64 import b64encode
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from reconciler.errors import NotSent, OutcomeUnknown, Refused, UsageError
from reconciler.twilio import body
from reconciler.twilio.client import Twilio
from reconciler.twilio.endpoint import Endpoint
from reconciler.twilio.network import Broken, Request, Transport, Url
from reconciler.twilio.pace import Pace
from reconciler.twilio.pooled import OneConnectionEach, OverHttpx
from reconciler.twilio.transport import open_http

ACCOUNT = "AC" + "0" * 32
ENVIRON = {"TWILIO_ACCOUNT_SID": ACCOUNT, "TWILIO_AUTH_TOKEN": "token"}
BASIC = b"Basic " + b64encode(f"{ACCOUNT}:token".encode())
BODY = b'{"sid":"IM1","index":0}'


@pytest.fixture(params=["pyreqwest", "httpx"], autouse=True)
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Send over pyreqwest, and over httpx's transport as on a system without the other."""
    if request.param == "httpx":
        monkeypatch.setitem(sys.modules, "reconciler.twilio.direct", None)


async def get(http: Transport, port: int) -> None:
    """Send one request, and read its reply."""
    url = Url.parse(f"http://127.0.0.1:{port}/v1/Services")
    await body.read(await http.send(Request("GET", url, {})))


def reply(
    content: bytes = BODY, *, status: str = "200 OK", length: int | None = None, more: str = ""
) -> bytes:
    """Return the bytes of a reply, whose length may be a lie."""
    size = len(content) if length is None else length
    return f"HTTP/1.1 {status}\r\nContent-Length: {size}\r\n{more}\r\n".encode("latin-1") + content


class Server:
    """Answers each request with the next reply of its script, then with a message; None hangs up."""

    def __init__(self, *script: bytes | None, latency: float = 0, close: bool = False) -> None:
        self.script = list(script)
        self.latency = latency
        self.close = close
        self.requests: list[bytes] = []
        self.connections = 0
        self.port = 0

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = re.search(rb"(?i)content-length: (\d+)", head)
                self.requests.append(head + await reader.readexactly(int(length[1]) if length else 0))
                answer = self.script.pop(0) if self.script else reply()
                await asyncio.sleep(self.latency)
                if answer is None:
                    break
                writer.write(answer)
                await writer.drain()
                if self.close or len(answer) < len(reply()):
                    break
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Server]:
        """Listen on a free port."""
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        async with server:
            self.port = server.sockets[0].getsockname()[1]
            yield self


@asynccontextmanager
async def client(port: int, *, parallelism: int = 10, scheme: str = "http") -> AsyncIterator[Twilio]:
    """Return a client for the server on *port*."""
    endpoint = Endpoint.parse(f"{scheme}://127.0.0.1:{port}", ENVIRON)
    async with open_http(endpoint) as http:
        pace = Pace(parallelism=parallelism, rate=None, backoff=0.001)
        yield Twilio(http, base_url=endpoint.base_url, media_url=endpoint.media_url, pace=pace)


def talk(
    server: Server, conversation: Callable[[Twilio], Awaitable[object]], *, parallelism: int = 10
) -> None:
    """Let a client hold *conversation* with *server*."""

    async def main() -> None:
        async with server.running(), client(server.port, parallelism=parallelism) as twilio:
            await conversation(twilio)

    asyncio.run(main())


def test_requests_in_turn_share_a_connection() -> None:
    """Twenty requests one after another need one connection."""
    server = Server()

    async def twenty(twilio: Twilio) -> None:
        for _ in range(20):
            await twilio.fetch_message("IS1", "CH1", "IM1")

    talk(server, twenty)

    assert len(server.requests) == 20
    assert server.connections == 1


def test_requests_side_by_side_have_a_connection_each() -> None:
    """Three rounds of eight use eight connections, not twenty-four."""
    server = Server(latency=0.02)

    async def rounds(twilio: Twilio) -> None:
        await asyncio.gather(*(twilio.fetch_message("IS1", "CH1", "IM1") for _ in range(24)))

    talk(server, rounds, parallelism=8)

    assert len(server.requests) == 24
    assert server.connections == 8


def test_connection_closed_while_idle_is_replaced() -> None:
    """A server may hang up between two requests; the next one goes over a new connection."""
    server = Server(close=True)

    async def twice(twilio: Twilio) -> None:
        for _ in range(2):
            await twilio.create_message("IS1", "CH1", {"body": "Hi"})
            await asyncio.sleep(0.01)

    talk(server, twice)

    assert server.connections == len(server.requests) == 2


def test_failed_connections_do_not_pile_up() -> None:
    """What could not connect is tried again in the same place."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)

    async def main() -> int:
        transport = OneConnectionEach(idle=4.0, tls=tls, proxy=None)
        async with OverHttpx(transport) as http:
            for _ in range(5):
                with pytest.raises(Broken):
                    await get(http, 1)
        return len(transport._all)

    assert asyncio.run(main()) == 1


def test_request_carries_who_asks() -> None:
    """Basic credentials, a name for the logs of the other side, and the form."""
    server = Server()

    talk(server, lambda twilio: twilio.create_message("IS1", "CH1", {"body": "Hi"}))

    [request] = server.requests
    assert request.startswith(b"POST /v1/Services/IS1/Conversations/CH1/Messages HTTP/1.1\r\n")
    assert b"\r\nAuthorization: " + BASIC + b"\r\n" in request
    assert re.search(rb"\r\nUser-Agent: reconciler/\S+ \(\S+ \S+\) Python/3\.\d+\r\n", request)
    assert request.endswith(b"\r\n\r\nBody=Hi")


def test_refused_connection_is_not_sent() -> None:
    """Nobody listens there: nothing happened, and the address is named."""

    async def main() -> int:
        async with Server().running() as server:
            port = server.port
        async with client(port) as twilio:
            with pytest.raises(NotSent, match=f"127.0.0.1:{port}"):
                await twilio.create_message("IS1", "CH1", {"body": "Hi"})
            return twilio.counters.write

    assert asyncio.run(main()) == 3


def tls_attempts() -> int:
    """Return how many connections a create makes to a server that hangs up instead of a handshake."""
    connections = 0

    async def hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        writer.close()

    async def main() -> None:
        async with await asyncio.start_server(hang_up, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            async with client(port, scheme="https") as twilio:
                with pytest.raises(NotSent):
                    await twilio.create_message("IS1", "CH1", {"body": "Hi"})

    asyncio.run(main())
    return connections


def test_failed_handshake_is_not_sent() -> None:
    """It comes before any request, so even a create is tried again."""
    assert tls_attempts() == 3


@pytest.mark.parametrize(
    "answer",
    [
        None,
        reply(BODY[:10], length=len(BODY)),
        b"HTTP/1.1 2",
        b"garbage\r\n\r\n",
        reply(b"x", more="Content-Encoding: gzip\r\n"),
    ],
    ids=["hung up", "cut body", "cut head", "garbage", "no gzip"],
)
def test_broken_reply_of_a_create_is_unknown_and_not_repeated(answer: bytes | None) -> None:
    """The request arrived; whether it took effect must be found out by reading."""
    server = Server(answer)

    async def create(twilio: Twilio) -> None:
        with pytest.raises(OutcomeUnknown):
            await twilio.create_message("IS1", "CH1", {"body": "Hi"})

    talk(server, create)

    assert len(server.requests) == 1


def test_broken_replies_of_reads_and_deletes_are_repeated() -> None:
    """Asking again is harmless, so nobody hears of it."""
    server = Server(
        None, reply(BODY[:10], length=len(BODY)), reply(), None, reply(b"", status="204 No Content")
    )

    async def both(twilio: Twilio) -> None:
        assert (await twilio.fetch_message("IS1", "CH1", "IM1")).sid == "IM1"
        await twilio.delete_message("IS1", "CH1", "IM1")

    talk(server, both)

    assert len(server.requests) == 5


def test_headers_that_are_no_ascii_spoil_no_reply() -> None:
    """They are of no use, but the others are."""
    date = "Date: Mon, 05 Jan 2026 09:00:00 GMT\r\nX-Served-By: "
    server = Server(reply(more=date + "caf\u00e9\r\n"))

    async def read(twilio: Twilio) -> None:
        await twilio.fetch_message("IS1", "CH1", "IM1")
        assert twilio.read_at == "2026-01-05T09:00:00Z"

    talk(server, read)


def test_body_is_bounded_while_it_is_read() -> None:
    """A server that never stops sending is left at 32 MiB."""
    sent = 0
    left = asyncio.Event()

    async def flood(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")
        try:
            while not writer.is_closing():
                writer.write(b" " * 65536)
                await writer.drain()
                sent += 65536
        except ConnectionError:
            writer.close()
        left.set()

    async def main() -> None:
        server = await asyncio.start_server(flood, "127.0.0.1", 0)
        async with server, client(server.sockets[0].getsockname()[1]) as twilio:
            with pytest.raises(OutcomeUnknown, match="more than 32 MiB"):
                await twilio.create_message("IS1", "CH1", {"body": "Hi"})
            await left.wait()

    asyncio.run(main())

    assert sent < 64 * 1024 * 1024


def test_upload_is_sent_as_it_is(tmp_path: Path) -> None:
    """Piece by piece, with its length before it."""
    file = tmp_path / "photo.png"
    file.write_bytes(b"0123456789" * 100_000)
    server = Server(reply(b'{"sid":"ME1"}'))

    async def upload(twilio: Twilio) -> None:
        assert await twilio.upload_media("IS1", file, content_type="image/png", filename="a b.png") == "ME1"

    talk(server, upload)

    [request] = server.requests
    assert b"?Filename=a+b.png " in request.split(b"\r\n")[0]
    assert b"\r\nContent-Length: 1000000\r\n" in request
    assert b"transfer-encoding" not in request.lower().partition(b"\r\n\r\n")[0]
    assert request.endswith(b"\r\n\r\n" + file.read_bytes())


def test_redirect_is_not_followed() -> None:
    """Credentials would go along to wherever it leads."""
    other = Server()

    async def main() -> None:
        async with other.running():
            moved = f"Location: http://127.0.0.1:{other.port}/v1\r\n"
            server = Server(reply(b"", status="307 Moved", more=moved))
            async with server.running(), client(server.port) as twilio:
                with pytest.raises(Refused, match="Twilio answered 307"):
                    await twilio.fetch_service("IS1")

    asyncio.run(main())

    assert other.connections == 0


def test_other_origins_never_see_the_credentials() -> None:
    """Even a request that is made for another server carries none."""
    own, other = Server(), Server()

    async def main() -> None:
        async with own.running(), other.running():
            endpoint = Endpoint.parse(f"http://127.0.0.1:{own.port}", ENVIRON)
            async with open_http(endpoint) as http:
                for server in (own, other):
                    await get(http, server.port)

    asyncio.run(main())

    assert BASIC in own.requests[0]
    assert b"Authorization" not in other.requests[0]


def test_without_credentials_none_are_sent() -> None:
    """An endpoint on this machine may be asked anonymously; other users' netrc files stay out of it."""

    async def main() -> None:
        async with Server().running() as server:
            async with open_http(Endpoint.parse(f"http://127.0.0.1:{server.port}", {})) as http:
                await get(http, server.port)
            assert b"Authorization" not in server.requests[0]

    asyncio.run(main())


def test_proxy_is_used_for_twilio_and_sees_no_credential(monkeypatch: pytest.MonkeyPatch) -> None:
    """`HTTPS_PROXY` carries a tunnel; a proxy that refuses it means that nothing was sent."""
    refusal = reply(b"", status="407 Proxy Authentication Required")

    async def main() -> None:
        async with Server(*[refusal] * 3).running() as proxy:
            monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{proxy.port}")
            monkeypatch.delenv("NO_PROXY", raising=False)
            monkeypatch.delenv("no_proxy", raising=False)
            endpoint = Endpoint.parse("twilio", ENVIRON)
            async with open_http(endpoint) as http:
                pace = Pace(backoff=0.001)
                twilio = Twilio(http, base_url=endpoint.base_url, media_url=endpoint.media_url, pace=pace)
                with pytest.raises(NotSent):
                    await twilio.create_service("support")
            assert {request.split(b"\r\n")[0] for request in proxy.requests} == {
                b"CONNECT conversations.twilio.com:443 HTTP/1.1"
            }
            assert not any(BASIC in request for request in proxy.requests)

    asyncio.run(main())


def test_proxy_is_not_used_for_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """A loopback endpoint is reached directly whatever the environment says."""
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    server = Server(reply(b'{"sid": "IS1"}'))

    talk(server, lambda twilio: twilio.fetch_service("IS1"))

    assert len(server.requests) == 1
    assert tls_attempts() == 3


def test_proxy_of_another_kind_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A SOCKS proxy would need another library; the error names the variable."""
    monkeypatch.setenv("HTTPS_PROXY", "socks5://127.0.0.1:1080")
    monkeypatch.setenv("NO_PROXY", "")

    with pytest.raises(UsageError, match="HTTPS_PROXY"):
        open_http(Endpoint.parse("twilio", ENVIRON))
