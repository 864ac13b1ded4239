"""The contract suite of stores on PostgreSQL, and what only a database does."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import psycopg
import pytest

from reconciler.errors import StateError
from reconciler.state.keys import NO_KEYS
from reconciler.state.stores import lease as leases
from reconciler.state.stores.adapters.postgres import TableBlobs
from reconciler.state.stores.adapters.postgres_line import VERSION
from reconciler.state.stores.grouped import Grouped
from reconciler.state.stores.holder import Holder
from reconciler.state.stores.primitives import Changed, Exists, Unheard
from reconciler.state.stores.sealed_blobs import SealedBlobs
from tests.support.database_server import Postgres
from tests.support.stores import CoreKind, clocks_beside_a_server
from tests.unit.state.stores.test_contract import *  # noqa: F403 - every test of the suite


@pytest.fixture  # type: ignore[no-redef]
def kind(database: Postgres, schema: str) -> Iterator[CoreKind]:
    """A place in the database."""
    opened: list[TableBlobs] = []

    def make() -> Grouped:
        opened.append(database.blobs(schema))
        return Grouped(SealedBlobs(opened[-1], NO_KEYS), clocks=clocks_beside_a_server())

    yield CoreKind(make, lambda: database.content(schema))
    for blobs in opened:
        asyncio.run(blobs.close())


def test_one_of_four_racers_wins(database: Postgres, schema: str) -> None:
    """Of four that create an object at once, and of four that replace one version, exactly one succeeds."""

    async def main() -> None:
        racers = [database.blobs(schema) for _ in range(4)]
        for number in range(25):
            name = f"journal/{number:012d}"
            made = await asyncio.gather(*(one.create(name, b"1") for one in racers), return_exceptions=True)
            (etag,) = [one for one in made if isinstance(one, str)]
            assert [type(one) for one in made if not isinstance(one, str)] == [Exists] * 3
            swapped = await asyncio.gather(
                *(one.swap(name, b"2", etag) for one in racers), return_exceptions=True
            )
            assert [type(one) for one in swapped if not isinstance(one, str)] == [Changed] * 3
        for one in racers:
            await one.close()

    asyncio.run(main())


def test_a_connection_that_was_ended_is_made_again(database: Postgres, schema: str) -> None:
    """The call that meets it is unheard; the next one is answered."""

    async def main() -> None:
        blobs = database.blobs(schema)
        await blobs.create("head", b"1")
        assert await blobs.get("head")
        with database.connected() as other:
            other.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'reconciler'"
            )
        with pytest.raises(Unheard, match=r"57P01|connection was lost"):
            await blobs.get("head")
        found = await blobs.get("head")
        assert found is not None
        assert found.data == b"1"
        await blobs.close()

    asyncio.run(main())


def test_a_row_that_somebody_locked_is_waited_for_no_longer_than_a_call_may_take(
    database: Postgres, schema: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The call ends unheard, its statement is cancelled at the database, and the next call works."""
    monkeypatch.setattr("reconciler.state.stores.adapters.postgres.CALL_SECONDS", 0.5)

    async def main() -> None:
        blobs = database.blobs(schema)
        etag = await blobs.create("head", b"1")
        with database.connected() as other, other.transaction():
            other.execute(f"SELECT FROM {schema}.objects FOR UPDATE")
            with pytest.raises(Unheard, match="did not answer"):
                await blobs.swap("head", b"2", etag)
            found = await blobs.get("head")
        assert found is not None
        assert found.data == b"1"
        await blobs.close()

    asyncio.run(main())


def test_a_user_without_rights_is_told_which(database: Postgres, schema: str) -> None:
    """A schema that somebody prepared needs no right on the database."""
    with database.connected() as other:
        other.execute(f"CREATE ROLE {schema} LOGIN")

    async def refused(user: str) -> StateError:
        blobs = database.blobs(schema, user)
        with pytest.raises(StateError) as error:
            await blobs.create("head", b"1")
        await blobs.close()
        return error.value

    error = asyncio.run(refused(schema))
    assert "the database refuses this user (42501)" in str(error)
    assert error.hint == f"grant it USAGE and CREATE on the schema `{schema}`, or make that schema for it"
    assert 'role "nobody" does not exist' in str(asyncio.run(refused("nobody")))

    async def works() -> None:
        blobs = database.blobs(schema, schema)
        await blobs.create("head", b"1")
        await blobs.close()

    with database.connected() as other:
        other.execute(f"CREATE SCHEMA {schema} AUTHORIZATION {schema}")
    asyncio.run(works())
    assert database.content(schema) == {"head": b"1"}


def test_nothing_is_made_by_reading(database: Postgres, schema: str) -> None:
    """A plan needs no right but to read."""

    async def main() -> None:
        blobs = database.blobs(schema)
        assert await blobs.get("head") is None
        assert await blobs.names("journal/") == []
        await blobs.delete(["head"])
        with pytest.raises(Changed):
            await blobs.swap("head", b"", "some version")
        await blobs.close()

    asyncio.run(main())
    with database.connected() as other, pytest.raises(psycopg.errors.UndefinedTable):
        other.execute(f"SELECT FROM {schema}.objects")


def test_a_schema_of_an_older_release_is_brought_up_and_one_of_a_newer_is_refused(
    database: Postgres, schema: str
) -> None:
    """What it holds stays; reading changes nothing."""
    with database.connected() as other:
        other.execute(f"CREATE SCHEMA {schema}")
        other.execute(
            f"CREATE TABLE {schema}.objects (name text PRIMARY KEY, data bytea NOT NULL, "
            "version uuid NOT NULL DEFAULT gen_random_uuid(), "
            "modified timestamptz NOT NULL DEFAULT clock_timestamp())"
        )
        other.execute(f"INSERT INTO {schema}.objects (name, data) VALUES ('head', '1')")

    def version() -> object:
        with database.connected() as other:
            (row,) = other.execute(f"SELECT version FROM {schema}.format")
        return row[0]

    async def main() -> None:
        blobs = database.blobs(schema)
        assert (await blobs.names("")) == ["head"]
        with pytest.raises(psycopg.errors.UndefinedTable):
            version()
        await blobs.create("journal/1", b"2")
        assert sorted(await blobs.names("")) == ["head", "journal/1"]
        await blobs.close()
        assert version() == VERSION
        with database.connected() as other:
            other.execute(f"UPDATE {schema}.format SET version = {VERSION + 1}")
        for call in (blobs.get("head"), blobs.create("journal/2", b"3")):
            with pytest.raises(StateError, match=f"version {VERSION + 1}; this one knows {VERSION}"):
                await call
        await blobs.close()
        assert "journal/2" not in database.content(schema)

    asyncio.run(main())


def test_nothing_is_created_under_a_lease_that_is_not_held_any_more(database: Postgres, schema: str) -> None:
    """The database compares the lease in the same statement: taken over, or freed by `state unlock`."""

    def lease(nonce: str, *, free: bool = False) -> bytes:
        there = Holder("ann@here", 1, "apply", "2026-11-30T04:00:00Z")
        return leases.encode(leases.Lease(1, 1, nonce, there, expiry=0.0, free=free))

    async def main() -> None:
        ours, theirs = (database.blobs(schema) for _ in range(2))
        for prefix in ("", "g07/"):
            version = await ours.create(f"{prefix}lease", lease("ours"))
            await ours.create(f"{prefix}journal/1", b"1")
            version = await ours.swap(f"{prefix}lease", lease("ours"), version)
            await ours.create(f"{prefix}journal/2", b"1")
            version = await theirs.swap(f"{prefix}lease", lease("ours", free=True), version)
            with pytest.raises(Changed):
                await ours.create(f"{prefix}journal/3", b"1")
            with pytest.raises(Exists):
                await ours.create(f"{prefix}journal/2", b"1")
            await theirs.swap(f"{prefix}lease", lease("theirs"), version)
            with pytest.raises(Changed):
                await ours.create(f"{prefix}journal/3", b"1")
            await theirs.create(f"{prefix}journal/3", b"1")
        await ours.close()
        await theirs.close()

    asyncio.run(main())
