"""A document over HTTP as a page: Terraform's protocol, which GitLab, Gitea and others serve.

GET reads and POST writes. A lock has an address and methods of its own; a write names the lock's id, so that
a server can refuse it once that was forced. No redirect is followed.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from hashlib import blake2b
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

import httpx
import msgspec
from msgspec import Struct

from reconciler._version import __version__
from reconciler.errors import StateError, UsageError
from reconciler.state.stores.primitives import CALL_SECONDS, Changed, Held, Sheet, Unheard

if TYPE_CHECKING:
    from collections.abc import Mapping

_LOCKED: Final = frozenset({HTTPStatus.CONFLICT, HTTPStatus.PRECONDITION_FAILED, HTTPStatus.LOCKED})
_ABSENT: Final = frozenset({HTTPStatus.NO_CONTENT, HTTPStatus.NOT_FOUND})
_LATER: Final = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS})
_MOST: Final = 1_000_000_000
"""Bytes of a document that are read."""
_INFO: Final = 10_000
"""Bytes of the lock info of another that are used."""


class Lock(Struct, frozen=True):
    """How the lock is taken and released."""

    address: str
    """Empty if nobody has named one."""
    method: str = "LOCK"
    unlock_method: str = "UNLOCK"


class TerraformPage:
    """The document at *address*; *credentials* are user name and password, or None."""

    swaps = False

    def __init__(
        self,
        address: str,
        lock: Lock,
        *,
        credentials: tuple[str, str] | None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self.place = address
        self._lock = lock
        self._id = ""
        self._client = httpx.AsyncClient(
            auth=credentials and httpx.BasicAuth(*credentials),
            follow_redirects=False,
            headers={"User-Agent": f"reconciler/{__version__}", "Cache-Control": "no-cache"},
            timeout=CALL_SECONDS,
            transport=transport,
        )

    async def read(self) -> Sheet:
        """Return the document, and the date of the server."""
        status, headers, data = await self._ask("GET", self.place)
        date = _date(headers)
        if status in _ABSENT:
            return Sheet(None, date=date)
        self._check(status)
        if not data:
            raise StateError(
                f"the server of the state `{self.place}` answers with status {status} and nothing",
                hint="look at the server: what it has would be written over (no state is answered with 404)",
            )
        return Sheet(data, _digest(data), date)

    async def replace(self, data: bytes, version: str) -> str:
        """Write the document; raises `Changed` if the server refuses it for want of the lock."""
        del version
        query = {"ID": self._id} if self._id else {}
        status, _, _ = await self._ask("POST", self.place, data, query)
        if status in _LOCKED:
            raise Changed("the server says that another has the lock")
        self._check(status)
        return _digest(data)

    async def lock(self, info: bytes) -> None:
        """Take the lock; raises `Held`, and UsageError if no address of one is given."""
        status, _, held = await self._ask(self._lock.method, self._lock_address(), info)
        if status in _LOCKED:
            raise Held(held[:_INFO])
        self._check(status)
        self._id = _id_in(info)

    async def unlock(self, info: bytes) -> None:
        """Release the lock; if the server does not know of it, it is released."""
        status, _, _ = await self._ask(self._lock.unlock_method, self._lock_address(), info)
        if status not in _LOCKED | _ABSENT:
            self._check(status)
        self._id = ""

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    def _lock_address(self) -> str:
        if not self._lock.address:
            raise UsageError(
                f"the state `{self.place}` needs a lock, and no address of one is given",
                hint="set RECONCILER_STATE_LOCK_ADDRESS, and for GitLab RECONCILER_STATE_LOCK_METHOD=POST "
                "and RECONCILER_STATE_UNLOCK_METHOD=DELETE",
            )
        return self._lock.address

    async def _ask(
        self, method: str, address: str, data: bytes = b"", query: Mapping[str, str] | None = None
    ) -> tuple[int, httpx.Headers, bytes]:
        """Send one request, and return status, headers and body of the reply; raises Unheard."""
        headers = {"Content-Type": "application/json"} if data else {}
        try:
            async with (
                asyncio.timeout(CALL_SECONDS),
                self._client.stream(
                    method, address, content=data, params=query or None, headers=headers
                ) as reply,
            ):
                return reply.status_code, reply.headers, await self._body(reply)
        except TimeoutError as error:
            raise Unheard(f"no answer within {CALL_SECONDS:.0f} s") from error
        except httpx.HTTPError as error:
            raise Unheard(f"{type(error).__name__}: the connection failed") from error

    async def _body(self, reply: httpx.Response) -> bytes:
        found = bytearray()
        async for part in reply.aiter_bytes():
            found += part
            if len(found) > _MOST:
                raise StateError(f"what is at `{self.place}` is too large to be a state")
        return bytes(found)

    def _check(self, status: int) -> None:
        """Raise StateError or Unheard unless *status* is a success."""
        if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
            return
        if status in _LATER or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            raise Unheard(f"the server answers with status {status}")
        hint = "look at the server's log, and at the address"
        if status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
            hint = (
                "set RECONCILER_STATE_USERNAME and RECONCILER_STATE_PASSWORD to credentials that may do this"
            )
        elif status < HTTPStatus.BAD_REQUEST:
            hint = (
                "name the address that it leads to; redirects are not followed, as credentials would be too"
            )
        raise StateError(
            f"the state `{self.place}` is refused by its server, with status {status}", hint=hint
        )


def _digest(data: bytes) -> str:
    return blake2b(data, digest_size=16).hexdigest()


def _date(headers: httpx.Headers) -> datetime | None:
    try:
        found = parsedate_to_datetime(headers["Date"])
    except (KeyError, ValueError, TypeError):
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _id_in(info: bytes) -> str:
    return str(msgspec.json.decode(info).get("ID", ""))
