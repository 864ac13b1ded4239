"""One request over the network and its reply, as values; and what each way to the network offers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Mapping
from typing import NamedTuple, Self
from urllib.parse import quote, urljoin, urlsplit

from msgspec import Struct

from reconciler.twilio.endpoint import origin_of

_KEPT = "/%:@!$&()*+,;="
"""What may stand in the path and in the query as it is, besides letters, digits and `-._~`."""


class Url(NamedTuple):
    """An address as it is requested: in ASCII, and such that no library reads another one in it."""

    origin: str
    """`scheme://host[:port]`, in lower case and without a default port."""
    target: str
    """The path and the query."""

    @classmethod
    def parse(cls, text: str) -> Url:
        """Return the address that *text* writes; raises ValueError if it writes none.

        So does a path with a segment `.` or `..`, in whatever encoding: libraries resolve them differently.
        """
        parts = urlsplit(text)
        if "@" in parts.netloc:
            raise ValueError("there is more than a host before the path")
        path = quote(parts.path, safe=_KEPT)
        if any(segment.lower().replace("%2e", ".") in {".", ".."} for segment in path.split("/")):
            raise ValueError("its path has a segment of dots")
        query = f"?{quote(parts.query, safe=_KEPT + '?')}" if parts.query else ""
        return cls(origin_of(text), path + query)

    def join(self, text: str) -> Url:
        """Return the address that *text* writes in a reply from this one; raises ValueError."""
        return Url.parse(urljoin(self.origin + self.target, text))

    @property
    def netloc(self) -> str:
        """The host, with its port unless that is the default one."""
        return self.origin.partition("://")[2]

    @property
    def host(self) -> str:
        """The host alone."""
        return urlsplit(self.origin).hostname or ""

    @property
    def port(self) -> int | None:
        """The port; None for the default one."""
        return urlsplit(self.origin).port

    def __str__(self) -> str:
        """Return its text."""
        return self.origin + self.target


class Request(Struct, frozen=True):
    """One request, whole: nothing but what identifies the client is added to it on the way."""

    method: str
    url: Url
    headers: dict[str, str]
    body: bytes | AsyncIterator[bytes] = b""
    """The body; an upload comes piece by piece, and `headers` give its length."""
    connect: float = 10.0
    """The most seconds until the request is written: to resolve, to connect, to shake hands."""
    read: float = 30.0
    """The most seconds that the server may be silent; an upload is bounded by its deadline alone."""


class Reply(ABC):
    """A reply whose body is still to be read; whoever has it closes it."""

    status: int
    headers: Mapping[str, str]
    """Their names are in lower case."""

    @abstractmethod
    async def chunk(self) -> bytes | memoryview | None:
        """Return the next bytes of the body, or None after the last ones; raises `Broken`."""

    @abstractmethod
    async def aclose(self) -> None:
        """Give the connection back, or close it if the body was not read to its end."""


class Transport(ABC):
    """A way to servers, as an async context manager that closes its connections."""

    @abstractmethod
    async def send(self, request: Request) -> Reply:
        """Send *request* once, and return its reply when its head has come; raises `Broken`."""

    @abstractmethod
    async def aclose(self) -> None:
        """Close every connection."""

    async def __aenter__(self) -> Self:
        """Return itself."""
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        """Close every connection."""
        await self.aclose()


class Broken(Exception):
    """There is no whole reply: *text* says why, in the words of the library *who*. Its cause is its error.

    *sent* is false only if certainly nothing of the request left this machine.
    """

    def __init__(self, text: str, *, who: str, sent: bool) -> None:
        super().__init__(text)
        self.who = who
        self.sent = sent
