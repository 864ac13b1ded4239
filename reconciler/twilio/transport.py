"""The way to the network: connections, time-outs, proxies, and who gets the credentials."""

from __future__ import annotations

import os
import platform
from base64 import b64encode
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from ipaddress import ip_address
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from reconciler._version import __version__
from reconciler.errors import UsageError
from reconciler.twilio.endpoint import Credentials, Endpoint
from reconciler.twilio.network import Reply, Request, Transport, Url

if TYPE_CHECKING:
    import ssl

_IDLE_SECONDS: Final = 4.0
"""Idle connections are closed by us first: a request on one that the server just closed has an
unknown outcome. Common servers wait for 5 seconds or longer."""
_OWN_CERTIFICATES: Final = ("SSL_CERT_FILE", "SSL_CERT_DIR", "SSLKEYLOGFILE")
"""Variables of OpenSSL, which Python's `ssl` knows and other libraries only on some systems."""
_MEMORY: Final = "MIMALLOC_ARENA_EAGER_COMMIT"
_END_OF_CERTIFICATE: Final = b"-----END CERTIFICATE-----"


def open_http(endpoint: Endpoint) -> Transport:
    """Return the transport for *endpoint*; the caller closes it.

    Credentials are sent to the endpoint's own origins only, and redirects are not followed.
    `HTTPS_PROXY` is honoured, except for a server on this machine. Raises UsageError for an address, a proxy
    or certificates that cannot be used.
    """
    try:
        _check_host(Url.parse(endpoint.base_url))
    except ValueError:
        raise UsageError("`--endpoint` is no valid address", hint="check its host and its path") from None
    return Identified(_way(endpoint), endpoint.credentials, origins=(endpoint.base_url, endpoint.media_url))


def _check_host(url: Url) -> None:
    """Raise ValueError for a host that cannot be one: no IP address, or no name in any language."""
    host = url.host
    if ":" in host or host.rpartition(".")[2].isdecimal():
        ip_address(host)
    elif "xn--" in host:
        host.encode().decode("idna")


def user_agent() -> str:
    """Return `reconciler/VERSION (OS arch) Python/x.y`, the pattern of Twilio's own SDKs."""
    python = ".".join(platform.python_version_tuple()[:2])
    return f"reconciler/{__version__} ({platform.system()} {platform.machine()}) Python/{python}"


class Identified(Transport):
    """Says who asks: basic *credentials* to our own *origins* only, whatever URL a request is given."""

    def __init__(self, inner: Transport, credentials: Credentials | None, *, origins: Iterable[str]) -> None:
        self._inner = inner
        self._agent = user_agent()
        self._basic = None
        if credentials is not None:
            pair = f"{credentials.username}:{credentials.secret}".encode()
            self._basic = f"Basic {b64encode(pair).decode()}"
        self._origins = {Url.parse(url).origin for url in origins}

    async def send(self, request: Request) -> Reply:
        """Send *request* as ours."""
        request.headers["User-Agent"] = self._agent
        if self._basic is not None and request.url.origin in self._origins:
            request.headers["Authorization"] = self._basic
        return await self._inner.send(request)

    async def aclose(self) -> None:
        """Close what it sends over."""
        await self._inner.aclose()


class ReadOnly(Transport):
    """Refuses each request that could change something: a command that only reads has a bug."""

    def __init__(self, inner: Transport) -> None:
        self._inner = inner

    async def send(self, request: Request) -> Reply:
        """Send *request* if it is a GET; raises AssertionError before anything is sent if it is not."""
        if request.method != "GET":
            raise AssertionError(f"{request.method} {request.url.target} over a connection that only reads")
        return await self._inner.send(request)

    async def aclose(self) -> None:
        """Close what it sends over."""
        await self._inner.aclose()


def _way(endpoint: Endpoint) -> Transport:
    """Return the cheapest transport that reaches *endpoint* as the environment wants it.

    pyreqwest has no wheels for some systems, and its thread does not outlive a fork. Proxies and certificates
    of one's own are left to httpx, because OpenSSL follows their variables on every system.
    """
    proxy = _proxy(endpoint)
    tls = not endpoint.base_url.startswith("http:")
    if proxy is None and not (tls and any(map(os.environ.get, _OWN_CERTIFICATES))):
        try:
            with _sparing():
                from reconciler.twilio.direct import Direct, is_usable  # noqa: PLC0415
        except ImportError:
            pass
        else:
            if is_usable():
                return Direct(idle=_IDLE_SECONDS, roots=_roots() if tls else ())
    from reconciler.twilio.pooled import OneConnectionEach, OverHttpx  # noqa: PLC0415  # httpx

    return OverHttpx(OneConnectionEach(idle=_IDLE_SECONDS, tls=_ssl_context(endpoint), proxy=proxy))


@contextmanager
def _sparing() -> Iterator[None]:
    """Let pyreqwest take memory as it needs it, if it is imported inside the block.

    Its allocator, mimalloc, reads its options once. By default it asks for huge pages, which take some 20 MB
    more in a plan.
    """
    given = os.environ.get(_MEMORY)
    os.environ.setdefault(_MEMORY, "0")
    try:
        yield
    finally:
        if given is None:
            del os.environ[_MEMORY]


def _roots() -> Iterator[bytes]:
    """Yield the certificates that httpx trusts too."""
    import certifi  # noqa: PLC0415

    bundle = certifi.contents().encode("ascii")
    for one in bundle.split(_END_OF_CERTIFICATE)[:-1]:
        yield one + _END_OF_CERTIFICATE


def _ssl_context(endpoint: Endpoint) -> ssl.SSLContext:
    import ssl  # noqa: PLC0415

    import httpx  # noqa: PLC0415

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
    parts = urlsplit(endpoint.base_url)
    if endpoint.local or parts.scheme != "https":
        return None
    from urllib.request import getproxies, proxy_bypass  # noqa: PLC0415  # http.client, email

    proxy = None if proxy_bypass(parts.hostname or "") else getproxies().get("https")
    if proxy is not None and not _is_http(proxy):
        raise UsageError(
            "HTTPS_PROXY is no http:// or https:// address", hint="other proxies are not supported"
        )
    return proxy


def _is_http(text: str) -> bool:
    import httpx  # noqa: PLC0415  # it is what reads the address in the end

    try:
        text.encode()  # with a user and a password that are sent
        url = httpx.URL(text)
        scheme, host = url.scheme, url.host
        port = urlsplit(text).port  # httpx takes any number
    except (httpx.InvalidURL, ValueError):
        return False
    return scheme in {"http", "https"} and host != "" and port != 0
