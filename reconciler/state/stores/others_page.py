"""The document of somebody else: read it, look at its lease, and free that."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Final, TypeVar

from msgspec import structs

from reconciler.errors import StateError
from reconciler.model.canonical import canonical_instant
from reconciler.state.stores.clocks import Clocks
from reconciler.state.stores.holder import Holder
from reconciler.state.stores.interface import LockInfo
from reconciler.state.stores.page_document import Document, decode, encode
from reconciler.state.stores.page_holder import lock_info, who_holds
from reconciler.state.stores.primitives import Changed, Held, Page, Sheet, Unheard

T = TypeVar("T")

_TRIES: Final = 5


async def read(page: Page, clocks: Clocks) -> Document | None:
    """Return the document, or None if there is none yet; raises StateError."""
    sheet = await _read(page, clocks)
    return None if sheet.data is None else decode(sheet.data, page.place)


async def free(page: Page, clocks: Clocks, *, settle: float) -> LockInfo | None:
    """Free the lease and the server's lock, and return whose they were; raises StateError."""
    if page.swaps:
        return await _free_lease(page, clocks, settle=settle)
    now = canonical_instant(datetime.fromtimestamp(clocks.wall(), UTC))
    own = lock_info(Holder("reconciler state unlock", os.getpid(), "state unlock", now), os.urandom(16).hex())
    try:
        locked = await _heard(page, clocks, lambda: _take_lock(page, own))
        return await _free_lease(page, clocks, settle=settle) or locked
    finally:
        with suppress(Unheard, StateError):
            await page.unlock(own)


async def _free_lease(page: Page, clocks: Clocks, *, settle: float) -> LockInfo | None:
    for _ in range(_TRIES):
        sheet = await _read(page, clocks)
        found = None if sheet.data is None else decode(sheet.data, page.place)
        if found is None or found.lease.free:
            return None
        freed = structs.replace(found, serial=found.serial + 1, lease=found.lease.freed(settle))
        try:
            await page.replace(encode(freed), sheet.version)
        except (Changed, Unheard):
            await clocks.sleep(1.0)
        else:
            return found.lease.info(clocks.wall())
    raise StateError(
        f"the lease of the state `{page.place}` could not be freed: its holder renews it, or the server "
        "does not answer",
        hint="end that run, or run the command again",
    )


async def _take_lock(page: Page, own: bytes) -> LockInfo | None:
    """Take the server's lock whoever has it, and return who had it: only a refused attempt tells."""
    try:
        await page.lock(own)
    except Held as held:
        await page.unlock(held.info)
        with suppress(Held):  # somebody else was faster, and that one writes by its own right
            await page.lock(own)
        return LockInfo(Holder(who_holds(held.info), 0, "unknown", "an unknown time"))
    return None


async def _read(page: Page, clocks: Clocks) -> Sheet:
    return await _heard(page, clocks, page.read)


async def _heard(page: Page, clocks: Clocks, call: Callable[[], Awaitable[T]]) -> T:
    """Return the answer to a call, which is repeated while there is none."""
    pause = 0.5
    for left in reversed(range(_TRIES)):
        try:
            return await call()
        except Unheard as error:
            if not left:
                raise StateError(
                    f"the state `{page.place}` cannot be reached: {error}",
                    hint="run the command again once the server answers",
                ) from error
        await clocks.sleep(pause)
        pause *= 2
    raise AssertionError
