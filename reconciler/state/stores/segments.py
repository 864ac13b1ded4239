"""Head, snapshot and segments of a state in objects: bytes and back, and what counts of them. No I/O.

`head` names the snapshot and the base, the number of the first segment that continues it. Segments have one
numbering for all writers and no holes. Along the numbers epochs only rise: a segment of a lower epoch than
one before it was written by a run that had lost its lease, and is void for every reader.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

import msgspec
from msgspec import Struct

from reconciler.errors import StateError
from reconciler.state import document
from reconciler.state.journal import apply_line, crc_line, good_lines
from reconciler.state.model import Record, State

FORMAT_VERSION: Final = 1
LEASE: Final = "lease"
HEAD: Final = "head"
SEGMENTS: Final = "journal/"
SNAPSHOTS: Final = "snapshots/"


class Head(Struct, frozen=True, forbid_unknown_fields=True):
    """Which snapshot and which segments are the state."""

    format_version: int
    lineage: str
    snapshot: str
    """The name of the object."""
    base: int
    """The number of the first segment that continues the snapshot."""
    epoch: int
    """The epoch in which it was written."""
    serial: int
    """The serial of the snapshot."""
    moved_to: str = ""
    """The address to which the state was moved; empty if it is here."""


class SegmentHeader(Struct, frozen=True, forbid_unknown_fields=True):
    """The first line of a segment."""

    format_version: int
    lineage: str
    number: int
    """Its own number, which is also in its name."""
    epoch: int
    nonce: str
    """That of the writer's lease."""
    fence: bool = False
    """Whether it records nothing and keeps the writers of earlier epochs out."""


class Segment(Struct, frozen=True):
    """A segment as it was read."""

    header: SegmentHeader
    lines: tuple[bytes, ...]
    """The JSON of its lists of records."""


_encode = msgspec.json.Encoder().encode
_heads = msgspec.json.Decoder(Head)
_headers = msgspec.json.Decoder(SegmentHeader)


def segment_name(number: int) -> str:
    """Return the name of the segment of that number."""
    return f"{SEGMENTS}{number:012d}"


def snapshot_name(epoch: int, serial: int, nonce: str) -> str:
    """Return the name of a snapshot; *nonce* makes it the only one of that name."""
    return f"{SNAPSHOTS}{epoch:08d}-{serial:012d}-{nonce}"


def encode_segment(header: SegmentHeader, records: Sequence[Record]) -> bytes:
    """Return the object of a segment: two lines, or one for a fence; each CRC continues the one before."""
    line, crc = crc_line(0, _encode(header))
    return line + crc_line(crc, _encode(records))[0] if records else line


def decode_segment(data: bytes, number: int, place: str) -> Segment:
    """Return the segment in *data*; raises StateError if it is damaged or of a newer release."""
    where = f"{place}/{segment_name(number)}"
    lines = good_lines(data, where, torn=False)
    try:
        header = _headers.decode(lines[0])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, IndexError) as error:
        raise damaged(where, "its first line cannot be read") from error
    if header.format_version > FORMAT_VERSION:
        raise StateError(f"the segment `{where}` was made by a newer release", hint="upgrade reconciler")
    if header.number != number:
        raise damaged(where, f"it is number {header.number}")
    return Segment(header, tuple(lines[1:]))


def encode_head(head: Head) -> bytes:
    """Return the object that holds *head*."""
    return _encode(head) + b"\n"


def decode_head(data: bytes, place: str) -> Head:
    """Return the head in *data*; raises StateError if it is damaged or of a newer release."""
    try:
        head = _heads.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise damaged(f"{place}/{HEAD}", "it is damaged, or of a newer release") from error
    return head


def replay(head: Head, snapshot: bytes, segments: Iterable[Segment], place: str) -> State:
    """Return the state of *head*: its snapshot, with the records of *segments* from its base on.

    Raises StateError for damage, and for a segment of another lineage.
    """
    state = document.decode(snapshot, f"{place}/{head.snapshot}")
    if state.lineage != head.lineage:
        raise damaged(f"{place}/{head.snapshot}", "it is of another lineage than the head")
    state.serial = head.serial
    highest = head.epoch
    for segment in segments:
        header = segment.header
        if header.lineage != head.lineage:
            raise damaged(f"{place}/{segment_name(header.number)}", "it is of another lineage")
        if header.epoch < highest:
            continue
        highest = header.epoch
        if header.fence:
            continue
        state.in_flight.clear()
        for line in segment.lines:
            apply_line(state, line, f"{place}/{segment_name(header.number)}", 2)
        if state.open_plan is not None and state.open_plan.serial == state.serial:
            state.open_plan.serial = header.number  # the run that began the plan goes on
        state.serial = header.number
    return state


def damaged(where: str, why: str) -> StateError:
    """Return the error for an object that cannot be used."""
    return StateError(
        f"the state is damaged at `{where}`: {why}",
        hint="restore the objects of one moment, if the store keeps versions; nothing was changed",
    )
