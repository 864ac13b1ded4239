"""Recognise, among live messages, the results of creates without a reply.

An exact match equals what was sent, to the letter; a tolerant match equals it after normalisation. A message
that only resembles a create is a doubt: it counts neither as the result nor as its absence.
"""

from __future__ import annotations

from collections.abc import Container, Iterable

from msgspec import Struct

from reconciler.model import Address, RemoteMessage


class Create(Struct, frozen=True):
    """A create that was sent."""

    address: Address
    """What was created."""
    boundary: int
    """The result has a higher index."""
    match: str
    """The digest of its match text."""
    tolerant: str = ""
    """The digest of its normalised match text."""
    author: str = ""
    """The digest of its author."""
    date: str = ""
    """The digest of its date; empty if none was sent."""


class Candidate(Struct, frozen=True):
    """A live message, and the digests by which creates are compared with it."""

    live: RemoteMessage
    """The message."""
    matches: tuple[str, ...]
    """Of its match text; two if its media may be an uploaded file."""
    tolerant: tuple[str, ...] = ()
    """The same, normalised."""
    author: str = ""
    """Of its author."""
    date: str = ""
    """Of its date."""


class Settlement(Struct):
    """What became of creates; one that is in no mapping left no message behind."""

    exact: dict[Address, RemoteMessage]
    """Creates whose message was recognised to the letter."""
    forgiven: dict[Address, RemoteMessage]
    """Creates whose message was recognised but for how its text is normalised."""
    doubts: dict[Address, str]
    """Why it cannot be told, by address."""

    @property
    def found(self) -> dict[Address, RemoteMessage]:
        """The messages of the creates that happened."""
        return self.exact | self.forgiven


def settle(creates: Iterable[Create], listed: Iterable[Candidate], claimed: Container[str]) -> Settlement:
    """Return what became of *creates*, in the order of their sending, by *listed* messages in any order.

    Messages whose sid is *claimed* are left out. The lowest index is taken first, each message once. Creates
    with a date come first and take only messages with that date. A tolerant match is taken if it is the only
    one and its author is equal to the letter: identities are case-sensitive.
    """
    free = sorted((one for one in listed if one.live.sid not in claimed), key=lambda one: one.live.index)
    pool = _Pool(free)
    ordered = sorted(creates, key=lambda one: (not one.date, one.boundary))
    settlement = Settlement({}, {}, {})
    for create in ordered:
        live = pool.take(create)
        if live is not None:
            settlement.exact[create.address] = live
    for create in ordered:
        if create.address not in settlement.exact:
            _look_tolerantly(create, pool, settlement)
    return settlement


class _Pool:
    """The candidates that are not taken yet, by their digests."""

    def __init__(self, free: list[Candidate]) -> None:
        self.used: set[str] = set()
        self._exact: dict[tuple[str, str], list[Candidate]] = {}
        self._alike: dict[str, list[Candidate]] = {}
        for one in reversed(free):
            for match in one.matches:
                for key in ((match, ""), (match, one.date)):
                    self._exact.setdefault(key, []).append(one)
        for one in free:
            for digest in {*one.matches, *one.tolerant}:
                self._alike.setdefault(digest, []).append(one)

    def take(self, create: Create) -> RemoteMessage | None:
        """Take the lowest exact match of *create*; its boundary is not below those asked for before."""
        candidates = self._exact.get((create.match, create.date), [])
        while candidates:
            live = candidates.pop().live
            if live.index > create.boundary and live.sid not in self.used:
                self.used.add(live.sid)
                return live
        return None

    def alike(self, create: Create) -> list[Candidate]:
        """Return the candidates that match *create* tolerantly, or in all but its date."""
        found = {
            one.live.sid: one
            for digest in (create.match, create.tolerant)
            for one in self._alike.get(digest, ())
            if one.live.index > create.boundary and one.live.sid not in self.used
        }
        return list(found.values())


def _look_tolerantly(create: Create, pool: _Pool, settlement: Settlement) -> None:
    alike = pool.alike(create)
    if not alike:
        return
    dated = [one for one in alike if create.date in ("", one.date)]
    sid = alike[0].live.sid
    if not dated:
        settlement.doubts[create.address] = f"{sid} says the same, but has another date"
    elif len(dated) > 1:
        settlement.doubts[create.address] = f"{len(dated)} messages say nearly the same, the first is {sid}"
    elif dated[0].author != create.author:
        settlement.doubts[create.address] = f"{sid} says nearly the same, but has another author"
    else:
        settlement.forgiven[create.address] = dated[0].live
        pool.used.add(dated[0].live.sid)
