"""The client and servers with certificates of every kind: a wrong one never gets to see the credentials."""

from __future__ import annotations

import asyncio
import ssl
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
import trustme

from reconciler.errors import NotSent, UsageError
from reconciler.twilio.client import Twilio
from reconciler.twilio.direct import Direct
from reconciler.twilio.endpoint import Endpoint
from reconciler.twilio.network import Broken, Request, Transport, Url
from reconciler.twilio.pace import Pace
from reconciler.twilio.pooled import OneConnectionEach, OverHttpx
from reconciler.twilio.transport import Identified, open_http

ENVIRON = {"TWILIO_ACCOUNT_SID": "AC" + "0" * 32, "TWILIO_AUTH_TOKEN": "token"}
PAST = datetime(2020, 1, 1, tzinfo=UTC)
BODY = b'{"sid":"IM1","index":0}'
REPLY = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(BODY), BODY)
WAYS = ["pyreqwest", "httpx"]


class Server:
    """A TLS server that shows *certificate*, and keeps all that it could read."""

    def __init__(self, certificate: trustme.LeafCert) -> None:
        self._context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        certificate.configure_cert(self._context)
        self._writers: list[asyncio.StreamWriter] = []
        self.heard = b""

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.append(writer)
        while data := await reader.read(65536):
            self.heard += data
            if self.heard.endswith(b"Body=Hi"):
                writer.write(REPLY)
        writer.close()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Endpoint]:
        """Listen on a free port."""
        tls = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self._context)
        async with tls:
            yield Endpoint.parse(f"https://127.0.0.1:{tls.sockets[0].getsockname()[1]}", ENVIRON)
        for writer in self._writers:
            writer.transport.abort()
        await asyncio.sleep(0)


async def create(http: Transport, endpoint: Endpoint) -> None:
    """Create a message over *http*."""
    pace = Pace(backoff=0.001)
    twilio = Twilio(http, base_url=endpoint.base_url, media_url=endpoint.media_url, pace=pace)
    await twilio.create_message("IS1", "CH1", {"body": "Hi"})


def trusting(way: str, authority: trustme.CA, endpoint: Endpoint) -> Transport:
    """Return a transport of the kind *way* that trusts *authority*, and sends the credentials."""
    pem = authority.cert_pem.bytes()
    inner: Transport
    if way == "pyreqwest":
        inner = Direct(idle=4.0, roots=[pem])
    else:
        context = ssl.create_default_context(cadata=pem.decode())
        inner = OverHttpx(OneConnectionEach(idle=4.0, tls=context, proxy=None))
    return Identified(inner, endpoint.credentials, origins=[endpoint.base_url])


@pytest.mark.parametrize("way", WAYS)
def test_certificate_of_a_trusted_authority_is_accepted(way: str) -> None:
    """One for the server's own address, and of today."""
    authority = trustme.CA()
    server = Server(authority.issue_cert("127.0.0.1"))

    async def main() -> None:
        async with server.running() as endpoint, trusting(way, authority, endpoint) as http:
            await create(http, endpoint)

    asyncio.run(main())

    assert b"\r\nAuthorization: Basic " in server.heard


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", ["self-signed", "wrong host", "expired"])
def test_wrong_certificate_is_refused_before_anything_is_sent(way: str, kind: str) -> None:
    """Nothing was sent, so even a create is tried again, and no try reveals who asks."""
    authority, stranger = trustme.CA(), trustme.CA()
    server = Server(
        {
            "self-signed": stranger.issue_cert("127.0.0.1"),
            "wrong host": authority.issue_cert("localhost"),
            "expired": authority.issue_cert(
                "127.0.0.1", not_before=datetime(2019, 1, 1, tzinfo=UTC), not_after=PAST
            ),
        }[kind]
    )

    async def main() -> None:
        async with server.running() as endpoint, trusting(way, authority, endpoint) as http:
            with pytest.raises(NotSent):
                await create(http, endpoint)

    asyncio.run(main())

    assert server.heard == b""


def test_plain_http_before_it_makes_no_certificate_pass() -> None:
    """Clients for plain HTTP look at no certificate, and have no request for `https:`."""
    server = Server(trustme.CA().issue_cert("127.0.0.1"))

    async def main() -> None:
        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"Body=Hi")
            writer.write(REPLY)
            writer.close()

        plain = await asyncio.start_server(answer, "127.0.0.1", 0)
        async with plain, server.running() as endpoint, Direct(idle=4.0) as http:
            url = f"http://127.0.0.1:{plain.sockets[0].getsockname()[1]}"
            await create(http, Endpoint.parse(url, ENVIRON))
            with pytest.raises(NotSent):
                await create(http, endpoint)

    asyncio.run(main())

    assert server.heard == b""


@pytest.mark.parametrize("way", WAYS)
def test_authority_that_nobody_knows_is_refused(way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """So it is without any setting; the hint says how to trust it."""
    for name in ("SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.delenv(name, raising=False)
    if way == "httpx":
        monkeypatch.setitem(sys.modules, "reconciler.twilio.direct", None)
    server = Server(trustme.CA().issue_cert("127.0.0.1"))

    async def main() -> None:
        async with server.running() as endpoint, open_http(endpoint) as http:
            with pytest.raises(NotSent) as refused:
                await create(http, endpoint)
            assert "SSL_CERT_FILE" in (refused.value.hint or "")

    asyncio.run(main())

    assert server.heard == b""


def test_ssl_cert_file_names_who_is_trusted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Those in the file, and nobody else."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    trustme.CA().cert_pem.write_to_path(tmp_path / "other.pem")
    server = Server(authority.issue_cert("127.0.0.1"))

    async def main() -> None:
        async with server.running() as endpoint:
            monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "other.pem"))
            async with open_http(endpoint) as http:
                with pytest.raises(NotSent):
                    await create(http, endpoint)
            assert server.heard == b""
            monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
            async with open_http(endpoint) as http:
                await create(http, endpoint)

    asyncio.run(main())

    assert server.heard != b""


def test_ssl_cert_file_that_cannot_be_read_is_an_error(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """It is not passed over: the user means to trust less than everybody does."""
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "missing.pem"))

    with pytest.raises(UsageError, match="certificates for TLS cannot be read"):
        open_http(Endpoint.parse("https://127.0.0.1", ENVIRON))


@pytest.mark.parametrize("way", WAYS)
def test_handshake_that_never_ends_was_never_sent(way: str) -> None:
    """The time to connect is bounded apart from the whole, so that it is known on which side it ended."""

    async def main() -> None:
        silent = asyncio.Event()

        async def wait(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await silent.wait()
            writer.close()

        server = await asyncio.start_server(wait, "127.0.0.1", 0)
        async with server:
            url = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"
            async with trusting(way, trustme.CA(), Endpoint.parse(url, ENVIRON)) as http:
                with pytest.raises(Broken) as broken:
                    await http.send(Request("GET", Url.parse(url), {}, connect=1.0))
                assert not broken.value.sent
            silent.set()

    asyncio.run(main())
