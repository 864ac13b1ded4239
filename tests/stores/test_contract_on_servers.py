"""The contract suite of stores, on real servers of objects."""

from __future__ import annotations

import asyncio

import pytest

from reconciler.state.keys import NO_KEYS
from reconciler.state.stores.adapters.obstore import open_blobs
from reconciler.state.stores.objects import Objects
from reconciler.state.stores.primitives import Changed, Exists
from reconciler.state.stores.sealed_blobs import SealedBlobs
from tests.support.object_servers import BUCKET, Server
from tests.support.stores import CoreKind, clocks_beside_a_server
from tests.unit.state.stores.test_contract import *  # noqa: F403 - every test of the suite


@pytest.fixture  # type: ignore[no-redef]
def kind(server: Server, prefix: str) -> CoreKind:
    """A place on a server."""

    def make() -> Objects:
        blobs = open_blobs(server.scheme, BUCKET, prefix, allow_http=True)
        return Objects(SealedBlobs(blobs, NO_KEYS), clocks=clocks_beside_a_server())

    return CoreKind(make, lambda: server.content(prefix))


def test_one_of_two_racers_wins(server: Server, prefix: str) -> None:
    """Of two that create an object at once, or replace one version of it, exactly one succeeds."""

    async def main() -> None:
        first, second = (open_blobs(server.scheme, BUCKET, prefix, allow_http=True) for _ in range(2))
        for number in range(50):
            name = f"journal/{number:012d}"
            created = await asyncio.gather(
                *(one.create(name, data) for one, data in ((first, b"1"), (second, b"2"))),
                return_exceptions=True,
            )
            assert [type(one) for one in created if not isinstance(one, str)] == [Exists]
            (etag,) = (one for one in created if isinstance(one, str))
            found = await first.get(name)
            assert found is not None
            assert found.etag == etag
            swapped = await asyncio.gather(
                *(one.swap(name, data, etag) for one, data in ((first, b"3"), (second, b"4"))),
                return_exceptions=True,
            )
            assert [type(one) for one in swapped if not isinstance(one, str)] == [Changed]
        for blobs in (first, second):
            await blobs.close()

    asyncio.run(main())


def test_names_and_deletes(server: Server, prefix: str) -> None:
    """More than a page of them; what is not there counts as deleted."""

    async def main() -> None:
        blobs = open_blobs(server.scheme, BUCKET, prefix, allow_http=True)
        names = [f"journal/{number:012d}" for number in range(1_100)]
        for start in range(0, len(names), 10):
            await asyncio.gather(*(blobs.create(name, b"x") for name in names[start : start + 10]))
        await blobs.create("snapshots/1", b"x")
        assert sorted(await blobs.names("journal/")) == names
        assert sorted(await blobs.names("journal/00000000010")) == names[100:110]
        await blobs.delete([*names[:1_000], "journal/none", "snapshots/none"])
        assert sorted(await blobs.names("journal/")) == names[1_000:]
        await blobs.delete(["journal/none"])
        await blobs.delete([])
        assert await blobs.get("journal/none") is None
        await blobs.close()

    asyncio.run(main())
