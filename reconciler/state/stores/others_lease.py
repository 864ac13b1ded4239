"""The lease of somebody else: look at it, and free it."""

from __future__ import annotations

from typing import Final

from reconciler.errors import StateError
from reconciler.state.stores import lease as leases
from reconciler.state.stores.clocks import Clocks
from reconciler.state.stores.interface import LockInfo
from reconciler.state.stores.object_reader import Reader
from reconciler.state.stores.primitives import Blobs, Changed, Unheard
from reconciler.state.stores.segments import LEASE

_TRIES: Final = 5


async def holders(blobs: Blobs, clocks: Clocks) -> list[LockInfo]:
    """Return who has the lease, or had it and has not released it; raises StateError."""
    found = await Reader(blobs, clocks).get(LEASE)
    lease = None if found is None else leases.decode(found.data, blobs.place)
    return [] if lease is None or lease.free else [lease.info(clocks.wall())]


async def free(blobs: Blobs, clocks: Clocks, *, settle: float) -> LockInfo | None:
    """Free the lease whoever holds it, and return whose it was; raises StateError."""
    for _ in range(_TRIES):
        found = await Reader(blobs, clocks).get(LEASE)
        lease = None if found is None else leases.decode(found.data, blobs.place)
        if found is None or lease is None or lease.free:
            return None
        try:
            await blobs.swap(LEASE, leases.encode(lease.freed(settle)), found.etag)
        except (Changed, Unheard):
            await clocks.sleep(1.0)
        else:
            return lease.info(clocks.wall())
    raise StateError(
        f"the lease of the state `{blobs.place}` could not be freed: its holder renews it, or the store "
        "does not answer",
        hint="end that run, or run the command again",
    )
