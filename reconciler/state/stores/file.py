"""Where a state is kept: a snapshot, its backup, and the journal that continues it.

Every write leaves files from which `read` returns what was there before or what was written,
wherever the process or the machine stops. With a snapshot of serial 7 and its journal:

    stopped after                               found by the next read
    backup's or snapshot's draft written        snapshot 7 and journal 7; the draft is not looked at
    backup renamed                              snapshot 7 and journal 7
    snapshot renamed                            snapshot 8; journal 7 is older: already folded
    `write`: journal removed                    snapshot 8
    `begin`: journal's draft written            snapshot 8; journal 7 is older
    `begin`: journal renamed                    snapshot 8; journal 8 has no records yet
    a record's line written in part             snapshot 8 and the whole lines of journal 8

The folder is synced between any two renames, so a power failure cannot reorder them. Nothing here
locks: whoever writes holds `lock.lock`. Reading needs none and changes nothing.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.errors import StateError
from reconciler.runtime.regular_file import open_regular, read_regular
from reconciler.state import document
from reconciler.state.document import Moved
from reconciler.state.files import Files, beside, put, require_folder, resolve, unusable
from reconciler.state.keys import NO_KEYS, Keys
from reconciler.state.model import State
from reconciler.state.sealed import OF_A_STATE, is_sealed, is_sealed_with, require_sealed, seal, unseal

if TYPE_CHECKING:
    from reconciler.state.journal import Journal

_UNREAD = -1
_MOST = 2_000_000_000
"""Bytes of a state, or of its journal, that are read: some five million messages."""


def new_state(account_sid: str, origin: str, environment: str = "") -> State:
    """Return an empty state with a lineage of its own, for one account at one origin, in an *environment*."""
    return State(os.urandom(16).hex(), account_sid, origin, environment)


class StateStore:
    """The state at *path*; a link is followed, and the other files lie beside its target."""

    def __init__(self, path: Path | str, *, files: Files | None = None, keys: Keys = NO_KEYS) -> None:
        self.path = resolve(Path(path))
        self.backup_path = beside(self.path, ".backup")
        self.journal_path = beside(self.path, ".journal")
        self._files = files or Files()
        self._keys = keys
        self._lineage = ""
        self._serial = _UNREAD

    def read(self) -> State | None:
        """Return the state with its journal replayed, or None if there is no state yet.

        Raises StateError if a file is damaged, of a newer release, or does not fit the others, or if
        the folder does not exist: a mistyped `--state` must not look like a fresh start.
        """
        state, records = self._content()
        if state is None:
            require_folder(self.path)
            if records is not None:
                raise StateError(
                    f"the journal `{self.journal_path}` is there, but the state `{self.path}` is not",
                    hint="put back the state that it continues; to start without one, move the journal away",
                )
            self._lineage, self._serial = "", 0
            return None
        if records is not None:
            from reconciler.state import journal  # noqa: PLC0415 - a state at rest has none

            journal.replay(state, records, str(self.journal_path), self._keys)
        self._lineage, self._serial = state.lineage, state.serial
        return state

    def write(self, state: State) -> None:
        """Make *state* the snapshot, its serial one higher, and remove the journal that it contains.

        Raises StateError if it cannot be written, or if the file there is one that `read` refuses
        or belongs to another lineage. After an error, `read` returns the old state or the new one.
        """
        self._snapshot(state)
        try:
            self._files.remove(self.journal_path)
        except OSError as error:
            raise unusable("remove", self.journal_path, error) from error

    def begin(self, state: State) -> Journal:
        """Write *state* as `write` does, and return a new journal that continues it."""
        from reconciler.state.journal import Journal  # noqa: PLC0415 - only an apply begins one

        self._snapshot(state)
        return Journal(
            self.journal_path,
            lineage=state.lineage,
            serial=state.serial,
            files=self._files,
            keys=self._keys,
        )

    def mark(self, state: State, moved_to: str) -> None:
        """Leave a marker in place of *state*, which was moved; the backup is what was there before."""
        try:
            previous = _bytes(self.path)
            if previous is not None:
                put(self._files, self.backup_path, previous)
            put(self._files, self.path, document.encode_marker(state, moved_to))
            self._files.remove(self.journal_path)
        except OSError as error:
            raise unusable("write", self.path, error) from error

    def _snapshot(self, state: State) -> None:
        if self._serial == _UNREAD:
            try:
                self.read()
            except Moved as moved:  # a state may move back to where it was
                self._lineage, self._serial = moved.lineage, moved.serial
        if self._lineage not in ("", state.lineage):
            raise StateError(
                f"the state `{self.path}` has another lineage: {self._lineage}, not {state.lineage}",
                hint="these are two histories; to replace one by the other, move the old file away first",
            )
        serial = max(state.serial, self._serial) + 1
        data = document.encode(state, serial)
        if self._keys:
            data = seal(data, self._keys, "state", lineage=state.lineage, serial=serial)
        target = self.backup_path
        try:
            previous = _bytes(self.path)
            # What is clear, or of an old key, does not stay beside the first state that this key seals.
            first = previous is not None and bool(self._keys) and not is_sealed_with(previous, self._keys)
            if previous is not None and not first:
                put(self._files, target, previous)
            target = self.path
            put(self._files, target, data)
            target = self.backup_path
            if first:
                self._files.remove(target)
        except OSError as error:
            raise unusable("write", target, error) from error
        state.serial = self._serial = serial
        self._lineage = state.lineage

    def _content(self) -> tuple[State | None, bytes | None]:
        """Return a snapshot and its journal, even while another process writes."""
        try:
            while True:
                seen = _identity(self.path)
                state = self._state()
                records = _bytes(self.journal_path)
                if _identity(self.path) == seen:
                    return state, records
        except OSError as error:
            raise unusable("read", Path(error.filename or self.path), error) from error

    def _state(self) -> State | None:
        path = self.path
        try:
            with open_regular(path, most=_MOST) as lines:
                state = document.decode_lines(lines)
            if state is None:
                data = read_regular(path, most=_MOST)
                if is_sealed(data):
                    return self._unsealed(data)
                state = document.decode(data, str(path))
        except FileNotFoundError:
            return None
        require_sealed(self._keys, str(path), OF_A_STATE)
        return state

    def _unsealed(self, data: bytes) -> State:
        where = str(self.path)
        header, clear = unseal(data, self._keys, where, place="state", refuse=OF_A_STATE)
        state = document.decode_lines(clear.splitlines(keepends=True)) or document.decode(clear, where)
        if (header.lineage, header.serial) != (state.lineage, state.serial):
            raise StateError(f"`{where}` is not what its header says", hint=OF_A_STATE.damaged)
        return state


def _bytes(path: Path) -> bytes | None:
    try:
        return read_regular(path, follow=False, most=_MOST)
    except FileNotFoundError:
        return None


def _identity(path: Path) -> tuple[int, int, int] | None:
    """Return what tells a file at *path* from a later one, or None if there is no file."""
    try:
        stat = path.stat()
    except FileNotFoundError:
        return None
    return stat.st_ino, stat.st_mtime_ns, stat.st_size
