"""The way to the network: connections, time-outs, proxies, and who gets the credentials."""

from __future__ import annotations

import platform
import ssl
from collections.abc import AsyncIterator, Generator
from typing import Final
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import httpx

from reconciler._version import __version__
from reconciler.errors import UsageError
from reconciler.twilio.endpoint import Credentials, Endpoint

CONNECT_SECONDS: Final = 10.0
READ_SECONDS: Final = 30.0
_IDLE_SECONDS: Final = 4.0
"""Idle connections are closed by us first: a request on one that the server just closed has an
unknown outcome. Common servers wait for 5 seconds or longer."""


def open_http(endpoint: Endpoint) -> httpx.AsyncClient:
    """Return the HTTP client for *endpoint*; the caller closes it.

    Credentials are sent to the endpoint's own origins only, and redirects are not followed.
    `HTTPS_PROXY` is honoured, except for a server on this machine.
    """
    try:
        _origin(httpx.URL(endpoint.base_url))
    except (httpx.InvalidURL, ValueError):  # such as a name that cannot be one in any language
        raise UsageError("`--endpoint` is no valid address", hint="check its host and its path") from None
    return httpx.AsyncClient(
        transport=OneConnectionEach(endpoint),
        auth=_OwnOriginsOnly(endpoint) if endpoint.credentials is not None else None,
        timeout=httpx.Timeout(READ_SECONDS, connect=CONNECT_SECONDS),
        headers={"User-Agent": user_agent(), "Accept": "application/json"},
        follow_redirects=False,
        trust_env=False,
    )


def user_agent() -> str:
    """Return `reconciler/VERSION (OS arch) Python/x.y`, the pattern of Twilio's own SDKs."""
    python = ".".join(platform.python_version_tuple()[:2])
    return f"reconciler/{__version__} ({platform.system()} {platform.machine()}) Python/{python}"


class OneConnectionEach(httpx.AsyncBaseTransport):
    """As many connections as requests are in flight, each in a pool of its own.

    httpx looks through all connections of a pool for each request, so one big pool gets slower
    the more of them there are. The connection used last is used next, and the others grow idle.
    """

    def __init__(self, endpoint: Endpoint) -> None:
        self._ssl = _ssl_context(endpoint)
        self._proxy = _proxy(endpoint)
        self._all: list[httpx.AsyncHTTPTransport] = []
        self._idle: list[httpx.AsyncHTTPTransport] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send *request* over an idle connection, or over a new one."""
        connection = self._idle.pop() if self._idle else self._open()
        try:
            response = await connection.handle_async_request(request)
        except BaseException:
            self._idle.append(connection)
            raise
        assert isinstance(response.stream, httpx.AsyncByteStream)  # noqa: S101 -- narrows httpx's union
        response.stream = _Reply(response.stream, connection, self._idle)
        return response

    async def aclose(self) -> None:
        """Close every connection."""
        for connection in self._all:
            await connection.aclose()

    def _open(self) -> httpx.AsyncHTTPTransport:
        connection = httpx.AsyncHTTPTransport(
            verify=self._ssl,
            proxy=self._proxy,
            trust_env=False,
            limits=httpx.Limits(max_connections=1, keepalive_expiry=_IDLE_SECONDS),
        )
        self._all.append(connection)
        return connection


class _Reply(httpx.AsyncByteStream):
    """The body of a reply; its connection becomes idle when it is closed."""

    def __init__(
        self,
        stream: httpx.AsyncByteStream,
        connection: httpx.AsyncHTTPTransport,
        idle: list[httpx.AsyncHTTPTransport],
    ) -> None:
        self._stream = stream
        self._connection = connection
        self._idle = idle

    def __aiter__(self) -> AsyncIterator[bytes]:
        return aiter(self._stream)

    async def aclose(self) -> None:
        await self._stream.aclose()
        self._idle.append(self._connection)


class _OwnOriginsOnly(httpx.Auth):
    """Basic authentication that no other origin ever sees, whatever URL a request is given."""

    def __init__(self, endpoint: Endpoint) -> None:
        assert endpoint.credentials is not None  # noqa: S101 -- the caller's condition
        credentials: Credentials = endpoint.credentials
        self._basic = httpx.BasicAuth(credentials.username, credentials.secret)
        self._origins = {_origin(httpx.URL(url)) for url in (endpoint.base_url, endpoint.media_url)}

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        if _origin(request.url) in self._origins:
            yield from self._basic.auth_flow(request)
        else:
            yield request


def _origin(url: httpx.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port


def _ssl_context(endpoint: Endpoint) -> ssl.SSLContext:
    # Loading the certificates takes longer than a plan over plain HTTP; one context serves all.
    if endpoint.base_url.startswith("http:"):
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        return httpx.create_ssl_context()
    except (OSError, ValueError) as error:  # a file without certificates is an SSLError, an OSError
        raise UsageError(
            f"the certificates for TLS cannot be read: {getattr(error, 'strerror', None) or error}",
            hint="correct SSL_CERT_FILE, SSL_CERT_DIR and SSLKEYLOGFILE, or unset them",
        ) from error


def _proxy(endpoint: Endpoint) -> str | None:
    url = httpx.URL(endpoint.base_url)
    if endpoint.local or url.scheme != "https" or proxy_bypass(url.host):
        return None
    proxy = getproxies().get("https")
    if proxy is not None and not _is_http(proxy):
        raise UsageError(
            "HTTPS_PROXY is no http:// or https:// address", hint="other proxies are not supported"
        )
    return proxy


def _is_http(text: str) -> bool:
    try:
        text.encode()  # with a user and a password that are sent
        scheme, host, _ = _origin(httpx.URL(text))
        port = urlsplit(text).port  # httpx takes any number
    except (httpx.InvalidURL, ValueError):
        return False
    return scheme in {"http", "https"} and host != "" and port != 0
