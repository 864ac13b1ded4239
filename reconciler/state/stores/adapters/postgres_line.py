"""One connection to PostgreSQL, in a thread of its own, and the schema that it works in.

    SCHEMA.objects (name, data, version, modified)      the objects
    SCHEMA.format (version)                             one row: what the schema looks like

A schema of an older release is brought up before an object is made in it; one of a newer release is refused.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any, Final, LiteralString

import psycopg
from psycopg import Connection, errors, sql
from psycopg.rows import TupleRow

Statement = LiteralString

_VERSIONS: Final[Sequence[LiteralString]] = (
    (
        "CREATE TABLE IF NOT EXISTS {objects} (name text PRIMARY KEY, data bytea NOT NULL, "
        "version uuid NOT NULL DEFAULT gen_random_uuid(), "
        "modified timestamptz NOT NULL DEFAULT clock_timestamp())"
    ),
    "CREATE TABLE {format} (version integer NOT NULL); INSERT INTO {format} VALUES (1)",
)
"""What brings a schema from each version to the next; the first release kept no version, which is 1."""
VERSION: Final = len(_VERSIONS)
"""The version that this release works with."""
_QUEUE: Final = "SELECT pg_advisory_xact_lock(hashtext(%s))"


class NewerSchema(Exception):
    """The schema was made by a newer release; `version` is its own."""

    def __init__(self, version: int) -> None:
        super().__init__(f"version {version}")
        self.version = version


class Line:
    """A connection and the thread that waits for it, as psycopg's calls block."""

    def __init__(self, schema: str, parameters: Mapping[str, Any]) -> None:
        self.thread = ThreadPoolExecutor(1, thread_name_prefix="database")
        self._schema = schema
        self._names = {name: sql.Identifier(schema, name) for name in ("objects", "format")}
        self._parameters = parameters
        self._connection: Connection[TupleRow] | None = None
        self._version = 0
        """That of the schema; 0 if there is none."""

    def rows(self, statement: Statement, given: Sequence[object], makes: bool) -> list[TupleRow]:  # noqa: FBT001
        """Return the rows of *statement*, in the thread; a connection that failed is not used again.

        With *makes*, what the schema lacks is made first; else there are no rows in a schema without objects.
        Raises NewerSchema and psycopg's errors.
        """
        try:
            connection = self._connected()
            if makes and self._version < VERSION:
                self._version = self._bring_up(connection)
            try:
                return self._ask(connection, statement, given)
            except errors.UndefinedTable:
                if not makes:
                    return []
                self._version = self._bring_up(connection)  # somebody has dropped it meanwhile
                return self._ask(connection, statement, given)
        except (psycopg.Error, NewerSchema):
            self._hang_up()
            raise

    def _ask(
        self, connection: Connection[TupleRow], statement: Statement, given: Sequence[object] = ()
    ) -> list[TupleRow]:
        cursor = connection.execute(sql.SQL(statement).format(**self._names), given or None, binary=True)
        return cursor.fetchall() if cursor.description else []

    def _connected(self) -> Connection[TupleRow]:
        if self._connection is None or self._connection.closed:
            self._connection = Connection.connect(autocommit=True, prepare_threshold=None, **self._parameters)
            self._version = self._found(self._connection)
        return self._connection

    def _found(self, connection: Connection[TupleRow]) -> int:
        """Return the version of the schema, 0 if it has no tables; raises NewerSchema."""
        there = connection.execute(
            "SELECT relname FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace "
            "WHERE nspname = %s AND relname IN ('objects', 'format')",
            (self._schema,),
        ).fetchall()
        if ("format",) not in there:
            return 1 if there else 0
        ((version,),) = self._ask(connection, "SELECT max(version) FROM {format}")
        if version > VERSION:
            raise NewerSchema(version)
        return int(version)

    def _bring_up(self, connection: Connection[TupleRow]) -> int:
        """Make what is missing of the schema, one process after the other, and return its version."""
        with connection.transaction():
            connection.execute(_QUEUE, (f"reconciler {self._schema}",))
            there = connection.execute("SELECT FROM pg_namespace WHERE nspname = %s", (self._schema,))
            if not there.rowcount:  # a right is needed here that whoever prepared the schema may withhold
                connection.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(self._schema)))
            found = self._found(connection)
            for change in _VERSIONS[found:]:
                connection.execute(sql.SQL(change).format(**self._names))
            if found < VERSION:
                connection.execute(
                    sql.SQL("UPDATE {format} SET version = %s").format(**self._names), (VERSION,)
                )
        return VERSION

    def _hang_up(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def close(self) -> None:
        """Close the connection, once what is asked has been answered."""
        self.thread.submit(self._hang_up)
        self.thread.shutdown(wait=False)

    def cancel(self) -> None:
        """End what is being asked, and close the connection."""
        connection = self._connection
        if connection is not None:
            threading.Thread(target=_cancel, args=(connection,), daemon=True).start()
        self.close()


def _cancel(connection: Connection[TupleRow]) -> None:
    with suppress(psycopg.Error):  # it may be over, or nobody may hear
        connection.cancel_safe(timeout=5.0)
