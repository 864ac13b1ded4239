"""What all parts of a grouped state have in common: one object, which whoever is first creates."""

from __future__ import annotations

from typing import Final

import msgspec
from msgspec import Struct, structs

from reconciler.errors import StateError
from reconciler.state.model import State
from reconciler.state.stores.clocks import Clocks
from reconciler.state.stores.object_reader import Reader
from reconciler.state.stores.primitives import Blobs, Changed, Exists, Unheard

FORMAT_VERSION: Final = 1
IDENTITY: Final = "identity"
"""The name of the object."""
_TRIES: Final = 5


class Identity(Struct, frozen=True, forbid_unknown_fields=True):
    """Whose state it is."""

    format_version: int
    lineage: str
    account_sid: str
    origin: str
    environment: str = ""
    """Empty until one is chosen."""

    def state(self) -> State:
        """Return the empty state that begins with it."""
        return State(self.lineage, self.account_sid, self.origin, self.environment)


def identity_of(state: State) -> Identity:
    """Return the identity of *state*."""
    return Identity(FORMAT_VERSION, state.lineage, state.account_sid, state.origin, state.environment)


async def stored(blobs: Blobs, clocks: Clocks) -> Identity | None:
    """Return the identity of the state in *blobs*, or None; raises StateError if it cannot be read."""
    found = await Reader(blobs, clocks).get(IDENTITY)
    return None if found is None else _decode(found.data, blobs.place)


async def made(blobs: Blobs, clocks: Clocks, state: State, *, anew: bool = False) -> Identity:
    """Return the identity in *blobs*; that of *state* is made if there is none.

    One without an environment gets that of *state*. With *anew* it is written in any case, as where keys
    change.
    """
    ours, reader = identity_of(state), Reader(blobs, clocks)
    for _ in range(_TRIES):
        found = await reader.get(IDENTITY)
        there = None if found is None else _decode(found.data, blobs.place)
        try:
            if found is None or there is None:
                await blobs.create(IDENTITY, _encode(ours))
                return ours
            chosen = structs.replace(there, environment=there.environment or ours.environment)
            if chosen == there and not anew:
                return there
            await blobs.swap(IDENTITY, _encode(chosen), found.etag)
        except (Exists, Changed, Unheard):
            await clocks.sleep(0.5)
        else:
            return chosen
    raise StateError(
        f"the state `{blobs.place}` could not be begun: the store does not answer",
        hint="run the command again",
    )


def _encode(identity: Identity) -> bytes:
    return msgspec.json.encode(identity) + b"\n"


def _decode(data: bytes, place: str) -> Identity:
    try:
        return msgspec.json.decode(data, type=Identity)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise StateError(
            f"the state is damaged at `{place}/{IDENTITY}`: it cannot be read, or is of a newer release",
            hint="upgrade reconciler; or put back the objects of one moment; nothing was changed",
        ) from error
