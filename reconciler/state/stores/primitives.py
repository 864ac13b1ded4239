"""What a store away from this machine must be able to do: the few requests that the protocols are made of.

An adapter does one request for each call, decides nothing and repeats nothing: its own client's retries are
off, as a conditional write that was repeated cannot tell whether it was the first attempt that succeeded.
The protocols (`objects` over `Blobs`, `pages` over `Page`) repeat, look up and give up.

Every call may raise StateError for what trying again does not mend (refused credentials, no such bucket),
with the address, the reason and what to do. It may raise `Unheard` for everything else that keeps the answer
away: a timeout, a reset, a 429, a 5xx, a reply that makes no sense. Each call ends within `CALL_SECONDS`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final, Protocol

from msgspec import Struct

CALL_SECONDS: Final = 20.0
"""The time limit in seconds of one call: to connect, send and receive, retries of a connection included."""


class Exists(Exception):
    """`create` found an object of that name; nothing was written."""


class Changed(Exception):
    """`swap` or `replace` found another version than was expected, or none; nothing was written."""


class Unheard(Exception):
    """The answer to a call is not known; a write may have happened, or may happen later.

    Its text says why, for a message: no credentials, and no text of the stored object.
    """


class Held(Exception):
    """`Page.lock` found the lock taken; `info` is what the holder wrote, empty if the server hides it."""

    def __init__(self, info: bytes = b"") -> None:
        super().__init__("the lock is held")
        self.info = info


class Blob(Struct, frozen=True):
    """One object as it was read."""

    data: bytes
    """Its content."""
    etag: str
    """The version to pass to `swap`, quotes and all, as the store writes it."""
    modified: datetime
    """When it was last written, by the store's clock, with an offset; stores give whole seconds."""


class Blobs(Protocol):
    """A folder of objects, in which a read shows every write that was answered before.

    Names are relative, such as `journal/000000000012`, of `[a-z0-9/.-]`.
    """

    @property
    def place(self) -> str:
        """The address as messages show it: never with a credential."""

    async def get(self, name: str) -> Blob | None:
        """Return the object, or None if there is none."""

    async def create(self, name: str, data: bytes) -> str:
        """Write a new object and return its etag; raises `Exists` if there is one already.

        A store that can compare the lease in the same request raises `Changed` if it is another's by now.
        """

    async def swap(self, name: str, data: bytes, etag: str) -> str:
        """Replace the object of version *etag* and return its new one; raises `Changed` for any other."""

    async def delete(self, names: Sequence[str]) -> None:
        """Delete objects; those that do not exist count as deleted."""

    async def names(self, prefix: str) -> list[str]:
        """Return the names that begin with *prefix*, in any order, all pages of the listing."""

    async def close(self) -> None:
        """Free what the adapter holds open; no call follows."""


class Sheet(Struct, frozen=True):
    """The document of a `Page` as it was read."""

    data: bytes | None
    """Its content; None if there is none yet."""
    version: str = ""
    """What `replace` compares: a commit, an etag, or a digest of the content; empty if there is none."""
    date: datetime | None = None
    """The present by the server's clock, with an offset; None if it gave none."""


class Page(Protocol):
    """One document that is replaced as a whole: a git ref, or a state over HTTP.

    It is called from one task at a time.
    """

    @property
    def place(self) -> str:
        """The address as messages show it: never with a credential."""

    @property
    def swaps(self) -> bool:
        """Whether `replace` compares versions at the server (git); else `lock` alone keeps writers apart."""

    async def read(self) -> Sheet:
        """Return the document; asks the server, also when it was read before."""

    async def replace(self, data: bytes, version: str) -> str:
        """Replace the document, whose version was *version* (empty: there was none), and return the new one.

        Raises `Changed`. Where the server cannot compare, it replaces whatever is there; `Changed` then means
        that the server refuses whoever does not have its lock.
        """

    async def lock(self, info: bytes) -> None:
        """Take the server's lock with *info*, a JSON object in Terraform's form (`ID`, `Who`, …).

        Raises `Held`. Does nothing where `swaps` is true.
        """

    async def unlock(self, info: bytes) -> None:
        """Release the lock that was taken with *info*, or whichever there is if *info* is empty (forced)."""

    async def close(self) -> None:
        """Free what the adapter holds open; no call follows."""
