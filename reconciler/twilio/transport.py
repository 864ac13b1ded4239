"""The way to the network: connections, time-outs, proxies, and who gets the credentials."""

from __future__ import annotations

import os
import platform
import ssl
from base64 import b64encode
from collections.abc import Iterable, Iterator
from typing import Final
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import httpx

from reconciler._version import __version__
from reconciler.errors import UsageError
from reconciler.twilio.endpoint import Credentials, Endpoint

CONNECT_SECONDS: Final = 10.0
_IDLE_SECONDS: Final = 4.0
"""Idle connections are closed by us first: a request on one that the server just closed has an
unknown outcome. Common servers wait for 5 seconds or longer."""
_OWN_CERTIFICATES: Final = ("SSL_CERT_FILE", "SSL_CERT_DIR", "SSLKEYLOGFILE")
"""Variables of OpenSSL, which Python's `ssl` knows and other libraries only on some systems."""
_END_OF_CERTIFICATE: Final = b"-----END CERTIFICATE-----"


def open_http(endpoint: Endpoint) -> httpx.AsyncBaseTransport:
    """Return the transport for *endpoint*; the caller closes it.

    Credentials are sent to the endpoint's own origins only, and redirects are not followed.
    `HTTPS_PROXY` is honoured, except for a server on this machine. Raises UsageError for an address, a proxy
    or certificates that cannot be used.
    """
    try:
        _origin(httpx.URL(endpoint.base_url))
    except (httpx.InvalidURL, ValueError):  # such as a name that cannot be one in any language
        raise UsageError("`--endpoint` is no valid address", hint="check its host and its path") from None
    return Identified(_way(endpoint), endpoint.credentials, origins=(endpoint.base_url, endpoint.media_url))


def user_agent() -> str:
    """Return `reconciler/VERSION (OS arch) Python/x.y`, the pattern of Twilio's own SDKs."""
    python = ".".join(platform.python_version_tuple()[:2])
    return f"reconciler/{__version__} ({platform.system()} {platform.machine()}) Python/{python}"


class Identified(httpx.AsyncBaseTransport):
    """Says who asks: basic *credentials* to our own *origins* only, whatever URL a request is given."""

    def __init__(
        self, inner: httpx.AsyncBaseTransport, credentials: Credentials | None, *, origins: Iterable[str]
    ) -> None:
        self._inner = inner
        self._agent = user_agent()
        self._basic = None
        if credentials is not None:
            pair = f"{credentials.username}:{credentials.secret}".encode()
            self._basic = f"Basic {b64encode(pair).decode()}"
        self._origins = {_origin(httpx.URL(url)) for url in origins}

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send *request* as ours."""
        request.headers["User-Agent"] = self._agent
        if self._basic is not None and _origin(request.url) in self._origins:
            request.headers["Authorization"] = self._basic
        return await self._inner.handle_async_request(request)

    async def aclose(self) -> None:
        """Close what it sends over."""
        await self._inner.aclose()


class ReadOnly(httpx.AsyncBaseTransport):
    """Refuses each request that could change something: a command that only reads has a bug."""

    def __init__(self, inner: httpx.AsyncBaseTransport) -> None:
        self._inner = inner

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send *request* if it is a GET; raises AssertionError before anything is sent if it is not."""
        if request.method != "GET":
            raise AssertionError(f"{request.method} {request.url.path} over a connection that only reads")
        return await self._inner.handle_async_request(request)

    async def aclose(self) -> None:
        """Close what it sends over."""
        await self._inner.aclose()


def _origin(url: httpx.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port


def _way(endpoint: Endpoint) -> httpx.AsyncBaseTransport:
    """Return the cheapest transport that reaches *endpoint* as the environment wants it.

    pyreqwest has no wheels for some systems, and its thread does not outlive a fork. Proxies and certificates
    of one's own are left to httpx, because OpenSSL follows their variables on every system.
    """
    proxy = _proxy(endpoint)
    tls = not endpoint.base_url.startswith("http:")
    if proxy is None and not (tls and any(map(os.environ.get, _OWN_CERTIFICATES))):
        try:
            from reconciler.twilio.direct import Direct, is_usable  # noqa: PLC0415
        except ImportError:
            pass
        else:
            if is_usable():
                return Direct(idle=_IDLE_SECONDS, roots=_roots() if tls else ())
    from reconciler.twilio.pooled import OneConnectionEach  # noqa: PLC0415

    return OneConnectionEach(idle=_IDLE_SECONDS, tls=_ssl_context(endpoint), proxy=proxy)


def _roots() -> Iterator[bytes]:
    """Yield the certificates that httpx trusts too."""
    import certifi  # noqa: PLC0415

    bundle = certifi.contents().encode("ascii")
    for one in bundle.split(_END_OF_CERTIFICATE)[:-1]:
        yield one + _END_OF_CERTIFICATE


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
