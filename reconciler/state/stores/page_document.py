"""The one document of a state on a page: lease, marker and state together; bytes and back. No I/O.

`serial` rises with every write, as servers that keep versions (GitLab) ask for. The lease stays in the clear,
for whoever waits for it; the state can be sealed, with its lineage and its own serial bound in.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from typing import Final

import msgspec
from msgspec import Raw, Struct

from reconciler.errors import StateError
from reconciler.state import document
from reconciler.state.keys import Keys
from reconciler.state.model import State
from reconciler.state.sealed import OF_A_STATE, require_sealed, seal, unseal
from reconciler.state.stores.lease import Lease

FORMAT_VERSION: Final = 1
_PLACE: Final = "document"
"""As what a state is sealed here."""
_NOTHING: Final = Raw(b"null")


class Kept(Struct, frozen=True):
    """What a document holds besides the lease."""

    lineage: str = ""
    """The history; empty before its first state."""
    state_serial: int = 0
    """The serial of the state."""
    is_unfolded: bool = False
    """Whether a run that has not ended wrote it."""
    moved_to: str = ""
    """The address to which the state was moved; empty if it is here."""
    state: Raw = _NOTHING
    """The state: an object, a text if it is sealed, or null before the first."""


class Document(Struct, frozen=True, forbid_unknown_fields=True):
    """A document as it is stored."""

    reconciler_document: int
    """The version of this format."""
    serial: int
    """Counts the writes."""
    lease: Lease
    lineage: str
    state_serial: int
    is_unfolded: bool
    moved_to: str
    state: Raw

    @property
    def kept(self) -> Kept:
        """Everything but the lease."""
        return Kept(self.lineage, self.state_serial, self.is_unfolded, self.moved_to, self.state)


def document_of(serial: int, lease: Lease, kept: Kept) -> Document:
    """Return the document of these parts."""
    return Document(
        FORMAT_VERSION,
        serial,
        lease,
        kept.lineage,
        kept.state_serial,
        kept.is_unfolded,
        kept.moved_to,
        kept.state,
    )


def encode(document: Document) -> bytes:
    """Return the bytes of *document*, its state on lines of its own."""
    head = msgspec.json.encode(msgspec.structs.replace(document, state=_NOTHING))
    return head.removesuffix(b"null}") + b"\n" + bytes(document.state).rstrip() + b"}\n"


def decode(data: bytes, place: str) -> Document:
    """Return the document in *data*; raises StateError for anything else."""
    try:
        found = msgspec.json.decode(data, type=Document)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise StateError(
            f"what is at `{place}` is no state of reconciler, is damaged, or was made by a newer release",
            hint="correct `--state`, or upgrade reconciler; it was left as it is",
        ) from error
    if found.reconciler_document > FORMAT_VERSION:
        raise StateError(f"the state `{place}` was made by a newer release", hint="upgrade reconciler")
    return found


def kept_of(state: State, serial: int, keys: Keys, *, is_unfolded: bool) -> Kept:
    """Return what holds *state* as number *serial*, sealed if there are *keys*."""
    data = document.encode(state, serial)
    if keys:
        sealed = seal(data, keys, _PLACE, lineage=state.lineage, serial=serial)
        data = b'"%s"' % b64encode(sealed)
    return Kept(state.lineage, serial, is_unfolded, "", Raw(data))


def state_of(kept: Kept, place: str, keys: Keys) -> State | None:
    """Return the state that *kept* holds, or None if there is none yet.

    Raises Moved if it is elsewhere, and StateError if it is damaged, or sealed or clear where it must not be.
    """
    if kept.moved_to:
        raise document.Moved(place, kept.moved_to, lineage=kept.lineage, serial=kept.state_serial)
    data = bytes(kept.state)
    if data == bytes(_NOTHING):
        return None
    if data.startswith(b'"'):
        data = _opened(kept, data, place, keys)
    else:
        require_sealed(keys, place, OF_A_STATE)
    state = document.decode(data, place)
    if (state.lineage, state.serial) != (kept.lineage, kept.state_serial):
        raise _damaged(place)
    return state


def _opened(kept: Kept, text: bytes, place: str, keys: Keys) -> bytes:
    try:
        sealed = b64decode(text[1:-1], validate=True)
    except ValueError as error:
        raise _damaged(place) from error
    header, data = unseal(sealed, keys, place, place=_PLACE, refuse=OF_A_STATE)
    if (header.lineage, header.serial) != (kept.lineage, kept.state_serial):
        raise _damaged(place)
    return data


def _damaged(place: str) -> StateError:
    return StateError(
        f"the state `{place}` is damaged: its parts are not of one moment",
        hint="put back a good copy; it was left as it is",
    )
