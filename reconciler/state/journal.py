"""The journal: what happened since the snapshot, in lines that are only ever appended.

A line is a CRC-32 in hex, a space, JSON, a newline. The first line's JSON names format, lineage
and the serial of the snapshot that it continues; each later line is a list of records that
reached the disk by one flush. Each CRC continues that of the line before, so a line that is
changed, lost or swapped is seen. A line counts once its newline and its CRC are there, and a flush
is one line: a crash can only tear the last one, whose commit has not returned.

With a key, a header comes first, and each line is a sealed record in base64 (`sealed`).
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from threading import Lock
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self
from zlib import crc32

import msgspec
from msgspec import Struct

from reconciler.errors import StateError
from reconciler.model import is_well_formed
from reconciler.state.document import lower_sids
from reconciler.state.files import Files, put, unusable
from reconciler.state.keys import NO_KEYS, Keys
from reconciler.state.model import Bound, Opened, Record, State
from reconciler.state.sealed import OF_A_JOURNAL, Seal, is_sealed, require_sealed, unsealed_lines

if TYPE_CHECKING:
    from asyncio import Future

FORMAT_VERSION: Final = 2
_CRC_LENGTH = len("01234567 ")


class Header(Struct, frozen=True):
    """The first line: the history and the snapshot that the records continue."""

    format_version: int
    lineage: str
    serial: int


_headers = msgspec.json.Decoder(Header)
_records = msgspec.json.Decoder(list[Record])
_encode = msgspec.json.Encoder().encode


def replay(state: State, data: bytes, where: str, keys: Keys = NO_KEYS) -> None:
    """Apply to *state*, a snapshot as read, the records of its journal *data*; *keys* open a sealed one.

    A journal of an older snapshot changes nothing: it was folded already. One that continues this
    snapshot knows better than its `in_flight` what was sent, and clears it. A torn last line is
    dropped. Raises StateError, with *where* as the file's name, for damage anywhere else and for
    a journal that continues another history or a later snapshot.
    """
    sealed = is_sealed(data)
    lines = unsealed_lines(data, keys, where) if sealed else good_lines(data, where)
    if not lines:
        return
    try:
        header = _headers.decode(lines[0])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _damaged(where, 1) from error
    if header.format_version > FORMAT_VERSION:
        raise StateError(f"the journal `{where}` was made by a newer release", hint="upgrade reconciler")
    if header.lineage != state.lineage:
        raise _mismatch(where, f"another state (lineage {header.lineage[:32]}, not {state.lineage[:32]})")
    if header.serial > state.serial:
        raise _mismatch(where, f"a later state (serial {header.serial}; this one has {state.serial})")
    if header.serial < state.serial:
        return
    if not sealed:
        require_sealed(keys, where, OF_A_JOURNAL)
    state.in_flight.clear()
    for number, line in enumerate(lines[1:], 2):
        apply_line(state, line, where, number)


def apply_line(state: State, line: bytes, where: str, number: int) -> None:
    """Apply to *state* the records of one line; raises StateError, with its *number*, if it is damaged."""
    try:
        for record in _records.decode(line):
            state.apply(_checked(record))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, KeyError) as error:
        raise _damaged(where, number) from error


def _checked(record: Record) -> Record:
    """Return what was just decoded with SIDs in lower case; raises KeyError for an address that is none."""
    address = record.intent.address if isinstance(record, Opened) else getattr(record, "address", "")
    if not is_well_formed(address):
        raise KeyError(address)
    if isinstance(record, Bound):
        lower_sids(record.binding)
    elif isinstance(record, Opened):
        lower_sids(record.intent)
    return record


class Journal:
    """Appends records to a journal that continues one snapshot; use it as a context manager.

    It may be used by many coroutines of one loop. Leaving it waits until all that was committed
    is on disk.
    """

    def __init__(self, path: Path, *, lineage: str, serial: int, files: Files, keys: Keys = NO_KEYS) -> None:
        """Put a new journal in place of *path*, sealed if there are *keys*.

        Raises StateError if that fails.
        """
        from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415 - only an apply appends

        self._path = path
        self._files = files
        header = _encode(Header(FORMAT_VERSION, lineage, serial))
        self._crc = 0
        self._seal = Seal(keys, "journal", lineage=lineage, serial=serial) if keys else None
        try:
            put(files, path, (self._seal.header if self._seal else b"") + self._line(header))
            self._fd = files.append(path)
        except OSError as error:
            raise unusable("write", path, error) from error
        self._writer = ThreadPoolExecutor(1, "journal")
        self._guard = Lock()
        self._waiting: list[Record] = []
        self._flush: Future[None] | None = None
        self._failure: StateError | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *raised: object) -> None:
        self.close()

    async def commit(self, *records: Record) -> None:
        """Return once *records* are on disk, all of them or none.

        Callers during a flush share the next one. A caller that is cancelled may find its records written
        nevertheless. Raises StateError if they could not be written; from then on every commit fails, as the
        content of the file is not known after a failed flush.
        """
        import asyncio  # noqa: PLC0415 - reading a journal needs no event loop

        with self._guard:
            self._waiting.extend(records)
            if self._flush is None and self._files.waits:
                self._flush = asyncio.wrap_future(self._writer.submit(self._write))
            flush = self._flush
        if flush is None:
            self._write()
            return
        await asyncio.shield(flush)  # a cancelled caller must not cancel the flush of the others

    async def flush(self) -> None:
        """Return: what was committed is on disk."""

    def close(self) -> None:
        """Wait until everything committed is on disk, or known not to be; no commit may follow."""
        self._writer.shutdown(wait=True)
        fd, self._fd = self._fd, -1
        with suppress(OSError):  # nothing is left to write
            self._files.close(fd)

    def _write(self) -> None:
        """Write all that waits as one line; the writer's only thread runs it, if files wait for a disk."""
        with self._guard:
            records, self._waiting, self._flush = self._waiting, [], None
        if self._failure:
            raise self._failure
        try:
            self._files.write_synced(self._fd, self._line(_encode(records)))
        except OSError as error:
            self._failure = unusable("write", self._path, error)
            raise self._failure from error

    def _line(self, payload: bytes) -> bytes:
        """Return the next line: sealed, or with a CRC that continues that of the line before."""
        if self._seal is not None:
            return self._seal.line(payload)
        line, self._crc = crc_line(self._crc, payload)
        return line


def crc_line(crc: int, payload: bytes) -> tuple[bytes, int]:
    """Return the line of *payload*, and its CRC, which continues *crc*, that of the line before."""
    crc = crc32(payload, crc)
    return b"%08x %s\n" % (crc, payload), crc


def good_lines(data: bytes, where: str, *, torn: bool = True) -> list[bytes]:
    """Return the JSON of each line; a last one that is *torn* is left out, or else damage like any other."""
    *lines, rest = data.split(b"\n")
    if rest and not torn:
        raise _damaged(where, len(lines) + 1)
    good = []
    crc = 0
    for number, line in enumerate(lines, 1):
        payload = line[_CRC_LENGTH:]
        crc = crc32(payload, crc)
        if line[:_CRC_LENGTH] != b"%08x " % crc:
            if torn and number == len(lines) and not rest:
                break
            raise _damaged(where, number)
        good.append(payload)
    return good


def _damaged(where: str, line: int) -> StateError:
    return StateError(
        f"the journal `{where}` is damaged in line {line}",
        hint="put back a good copy of it; or move it away, and the next `plan` looks up what was in flight",
    )


def _mismatch(where: str, whose: str) -> StateError:
    return StateError(
        f"the journal `{where}` belongs to {whose}",
        hint="put back the state that it belongs to; or, if what it records is not wanted, move it away",
    )
