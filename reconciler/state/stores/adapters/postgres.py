"""Objects in a table of PostgreSQL, by psycopg: one statement for the calls of a moment; it commits itself.

    objects (name, data, version, modified)

`version` is new with each write, as an etag is; `modified` is the database's clock. Calls of one kind that
are made in one turn of the event loop share a statement, which happens as a whole or not at all: so the many
small objects of a state that is kept by group cost few round trips.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Final, LiteralString, TypeAlias

import msgspec
import psycopg
from psycopg import errors
from psycopg.rows import TupleRow

from reconciler.errors import StateError
from reconciler.state.stores.adapters.postgres_line import VERSION, Line, NewerSchema
from reconciler.state.stores.primitives import CALL_SECONDS, Blob, Changed, Exists, Unheard
from reconciler.state.stores.segments import LEASE
from reconciler.state.stores.shared_calls import SharedCalls
from reconciler.text.inert import escape

_CONNECTION: Final[Mapping[str, int | str]] = {
    "connect_timeout": 10,
    "keepalives_idle": 20,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 15_000,
    "target_session_attrs": "read-write",
    "application_name": "reconciler",
}
"""A lost connection is noticed long before a lease ends; a replica, which may lag, is not used."""
_GET: Final = "SELECT name, data, version::text, modified FROM {objects} WHERE name = ANY(%s)"
_CREATE: Final = (
    "INSERT INTO {objects} (name, data) SELECT n.name, n.data "
    "FROM unnest(%s::text[], %b::bytea[], %s::text[], %s::text[]) AS n (name, data, lease, nonce) "
    "WHERE n.lease = '' OR EXISTS (SELECT FROM {objects} AS l WHERE l.name = n.lease "
    "AND convert_from(l.data, 'UTF8')::json ->> 'nonce' = n.nonce "
    "AND convert_from(l.data, 'UTF8')::json ->> 'free' = 'false' FOR SHARE) "
    "ORDER BY n.name ON CONFLICT DO NOTHING RETURNING name, version::text"
)
"""What is created beside a lease is created only while that lease stands, which the row lock sees to."""
_THERE: Final = "SELECT name FROM {objects} WHERE name = ANY(%s)"
_SWAP: Final = (
    "UPDATE {objects} AS o SET data = n.data, version = DEFAULT, modified = DEFAULT "
    "FROM unnest(%s::text[], %b::bytea[], %s::text[]) AS n (name, data, version) "
    "WHERE o.name = n.name AND o.version::text = n.version RETURNING o.name, o.version::text"
)
_DELETE: Final = "DELETE FROM {objects} WHERE name = ANY(%s)"
_NAMES: Final = "SELECT p, name FROM unnest(%s::text[]) AS p JOIN {objects} ON starts_with(name, p)"
_SHOWN: Final = 200
"""The characters that are shown of a database's words."""
_TOGETHER: Final = 16 * 2**20
"""Bytes that one statement writes, unless a single object is larger."""
_ROWS: Final = 10_000
"""Rows that one statement deletes, unless a single call has more."""
_REFUSED: Final = (errors.InsufficientPrivilege, errors.InvalidAuthorizationSpecification)

_Create: TypeAlias = tuple[str, bytes]
_Swap: TypeAlias = tuple[str, bytes, str]


class TableBlobs:
    """The objects in *schema* of the database at *place*, to which *parameters* of libpq lead."""

    def __init__(self, place: str, schema: str, parameters: Mapping[str, Any]) -> None:
        self.place = place
        self._schema = schema
        self._parameters = {**parameters, **_CONNECTION}
        self._lines: dict[bool, Line] = {}
        """One that reads and one that writes, so that leases are renewed while much is read."""
        self._answered = False
        """Whether the database ever answered: then there are credentials."""
        self._leases: dict[str, str] = {}
        """The nonce that was last written into each lease, by the name of the lease."""
        self._get = SharedCalls(self._get_all, name=str, size=lambda _: 0, most=1)
        self._create = SharedCalls(self._create_all, name=lambda one: one[0], size=_size, most=_TOGETHER)
        self._swap = SharedCalls(self._swap_all, name=lambda one: one[0], size=_size, most=_TOGETHER)
        self._delete = SharedCalls(self._delete_all, name=lambda names: names[0], size=len, most=_ROWS)
        self._list = SharedCalls(self._list_all, name=str, size=lambda _: 0, most=1)

    async def get(self, name: str) -> Blob | None:
        """Return the object, or None."""
        return await self._get(name)

    async def create(self, name: str, data: bytes) -> str:
        """Write a new object; the first call makes the schema and its tables where they are missing.

        Raises `Changed` where the lease that these blobs wrote beside it is another's by now.
        """
        self._note(name, data)
        return await self._create((name, data))

    async def swap(self, name: str, data: bytes, etag: str) -> str:
        """Replace the object of that version."""
        self._note(name, data)
        return await self._swap((name, data, etag))

    async def delete(self, names: Sequence[str]) -> None:
        """Delete objects."""
        if names:
            await self._delete(tuple(names))

    async def names(self, prefix: str) -> list[str]:
        """Return the names that begin with *prefix*."""
        return await self._list(prefix)

    async def close(self) -> None:
        """Close the connections."""
        lines, self._lines = self._lines, {}
        for line in lines.values():
            line.close()

    def _note(self, name: str, data: bytes) -> None:
        """Note whose lease is being written: if nobody hears the answer, it may have been written."""
        if _is_lease(name):
            self._leases[name] = msgspec.json.decode(data)["nonce"]

    def _lease_of(self, name: str) -> str:
        """Return the name of the lease under which an object is created, or nothing."""
        beside = (one for one in self._leases if name.startswith(one.removesuffix(LEASE)))
        return "" if _is_lease(name) else max(beside, key=len, default="")

    # One statement for several calls.

    async def _get_all(self, names: list[str]) -> list[Blob | Exception | None]:
        found = {row[0]: Blob(bytes(row[1]), row[2], row[3]) for row in await self._rows(_GET, names)}
        return [found.get(name) for name in names]

    async def _create_all(self, calls: list[_Create]) -> list[str | Exception]:
        names = [name for name, _ in calls]
        leases = [self._lease_of(name) for name in names]
        given = ([data for _, data in calls], leases, [self._leases.get(lease, "") for lease in leases])
        made: dict[str, str] = dict(await self._rows(_CREATE, names, *given, writes=True, makes=True))
        missing = [name for name in names if name not in made]
        there = {row[0] for row in await self._rows(_THERE, missing)} if missing else set()
        return [
            str(made[name])
            if name in made
            else Exists(name)
            if name in there or not lease
            else Changed(lease)
            for name, lease in zip(names, leases, strict=True)
        ]

    async def _swap_all(self, calls: list[_Swap]) -> list[str | Exception]:
        columns = [list(column) for column in zip(*calls, strict=True)]
        made: dict[str, str] = dict(await self._rows(_SWAP, *columns, writes=True))
        return [made[name] if name in made else Changed(name) for name, _, _ in calls]

    async def _delete_all(self, calls: list[tuple[str, ...]]) -> list[Exception | None]:
        await self._rows(_DELETE, [name for names in calls for name in names], writes=True)
        return [None] * len(calls)

    async def _list_all(self, prefixes: list[str]) -> list[list[str] | Exception]:
        found: dict[str, list[str]] = {prefix: [] for prefix in prefixes}
        for prefix, name in await self._rows(_NAMES, prefixes):
            found[prefix].append(name)
        return [*found.values()]

    async def _rows(
        self, statement: LiteralString, *given: object, writes: bool = False, makes: bool = False
    ) -> list[TupleRow]:
        """Return the rows of *statement*; with *makes*, what is missing of the schema is made first."""
        line = self._lines.get(writes) or Line(self._schema, self._parameters)
        self._lines[writes] = line
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(CALL_SECONDS):
                rows = await loop.run_in_executor(line.thread, line.rows, statement, given, makes)
        except TimeoutError:
            line.cancel()
            self._lines.pop(writes, None)
            raise Unheard(f"it did not answer within {CALL_SECONDS:.0f} s") from None
        except NewerSchema as newer:
            raise StateError(
                f"the state `{self.place}` is kept as a newer release does it (version {newer.version}; this "
                f"one knows {VERSION})",
                hint="upgrade reconciler",
            ) from None
        except psycopg.Error as error:
            raise self._fault(error) from None
        self._answered = True
        return rows

    def _fault(self, error: psycopg.Error) -> StateError | Unheard:
        """Return the error for a call that failed; texts of the database may repeat what was sent."""
        if isinstance(error, _REFUSED):
            return StateError(
                f"the state `{self.place}` cannot be used: the database refuses this user ({error.sqlstate})",
                hint=f"grant it USAGE and CREATE on the schema `{self._schema}`, or make that schema for it",
            )
        if not self._answered:
            return StateError(
                f"the state `{self.place}` cannot be used: {_reason(error)}",
                hint="check host, port, database and user; PGPASSWORD or a password file gives the password",
            )
        return Unheard(f"it answered {error.sqlstate}" if error.sqlstate else "the connection was lost")


def _is_lease(name: str) -> bool:
    return name.rpartition("/")[2] == LEASE


def _size(call: _Create | _Swap) -> int:
    return len(call[1])


def _reason(error: psycopg.Error) -> str:
    """Return why there is no connection, in the words of the client or the database."""
    return escape(str(error).partition("\n")[0].rpartition("failed: ")[2])[:_SHOWN]
