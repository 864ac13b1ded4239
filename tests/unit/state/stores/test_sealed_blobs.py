"""Sealed objects: each is opened in its own place alone, and all but the lease hide what they hold."""

from __future__ import annotations

import asyncio

import pytest

from reconciler.errors import StateError
from reconciler.state.keys import NO_KEYS, Key, Keys
from reconciler.state.stores.sealed_blobs import SealedBlobs
from reconciler.state.stores.segments import LEASE, segment_name
from tests.support.blobs import MemoryBlobs, Objects

KEYS = Keys((Key(b"1" * 32),))


def read(there: Objects, name: str, keys: Keys = KEYS) -> bytes | None:
    """Return the object as a run with *keys* reads it."""
    found = asyncio.run(SealedBlobs(MemoryBlobs(there), keys).get(name))
    return None if found is None else found.data


def written(*names: str, keys: Keys = KEYS) -> Objects:
    """Return objects that hold `secret`, written by a run with *keys*."""
    there = Objects()

    async def write() -> None:
        store = SealedBlobs(MemoryBlobs(there), keys)
        for name in names:
            await store.create(name, b"secret")

    asyncio.run(write())
    return there


def test_a_segment_moved_between_numbers_is_refused() -> None:
    """Its name is sealed with it; so is that of a snapshot."""
    there = written(segment_name(1), segment_name(2))
    assert read(there, segment_name(1)) == b"secret"
    there.blobs[segment_name(1)], there.blobs[segment_name(2)] = (
        there.blobs[segment_name(2)],
        there.blobs[segment_name(1)],
    )
    for number in (1, 2):
        with pytest.raises(StateError, match="is sealed as"):
            read(there, segment_name(number))


def test_what_is_stored_hides_what_it_holds() -> None:
    """But for the lease, which others must be able to read without a key."""
    there = written("head", segment_name(1), LEASE)

    assert [name for name, blob in there.blobs.items() if b"secret" in blob.data] == [LEASE]
    assert read(there, LEASE, NO_KEYS) == b"secret"
    with pytest.raises(StateError, match="no key is given"):
        read(there, "head", NO_KEYS)


def test_clear_objects_are_read_unless_sealed_ones_are_required() -> None:
    """So a state that was clear is sealed from the next write on."""
    there = written("head", keys=NO_KEYS)

    assert read(there, "head") == b"secret"
    with pytest.raises(StateError, match="is not encrypted"):
        read(there, "head", Keys(KEYS.keys, is_required=True))
