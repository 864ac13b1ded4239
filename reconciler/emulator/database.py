"""The SQLite file of the store: schema, transactions, and pages of lists."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import IO, Any, Final, NamedTuple, TypeAlias

from reconciler.emulator.fields import stamp
from reconciler.emulator.schema import BESIDE, FORMATS
from reconciler.errors import UsageError
from reconciler.runtime.atomic_file import require_replaceable
from reconciler.text.foreign import quoted

Clock: TypeAlias = Callable[[], datetime]
"""Returns the present, with an offset."""

BUSY_SECONDS: Final = 30
_PIECE: Final = 1024 * 1024
"""Bytes of a file that are copied in one step."""
_REMEMBERED: Final = frozenset({"IS", "CH", "MB"})


class Start(NamedTuple):
    """The start of a page: the first row after *key* in the order of the list.

    With *backward* the page ends just before *key* instead.
    """

    key: int | str | None = None
    backward: bool = False


class Page(NamedTuple):
    """Rows in the order of the list, the key first in each; *more* is True if further rows follow."""

    rows: list[tuple[Any, ...]]
    more: bool


def _require_own(path: Path) -> None:
    """Raise UsageError if *path*, or a file that SQLite keeps beside it, is a link or no regular file."""
    for beside in ("", *BESIDE):
        file = path.with_name(path.name + beside)
        try:
            require_replaceable(file)
        except OSError as error:
            raise UsageError(
                f"cannot open the emulator's data file `{file}`: {(error.strerror or str(error)).lower()}",
                hint="remove it, or name another file; a file that does not exist is created",
            ) from error


class Database:
    """One SQLite database, in a file or in memory. Several threads and processes may use it at once."""

    def __init__(self, path: Path | None, clock: Clock, new_hex: Callable[[], str]) -> None:
        """Open or create the database; UsageError for a file of another kind or version."""
        self.now = clock
        self.new_hex = new_hex
        self.lag = 0.0
        """Seconds of age below which objects are hidden from reads."""
        self._made: dict[str, float] = {}
        """SID -> the time at which this process made the object; messages have it in their row."""
        self._lock = threading.RLock()
        self._depth = 0
        if path is not None:
            _require_own(path)
        try:
            self._connection = sqlite3.connect(
                ":memory:" if path is None else path,
                timeout=BUSY_SECONDS,
                isolation_level=None,
                check_same_thread=False,
            )
            self._connection.create_function("present", 0, self.present)
            try:
                self._prepare()
            except BaseException:
                self._connection.close()
                raise
        except sqlite3.OperationalError as error:
            raise UsageError(
                f"cannot open the emulator's data file `{path}` ({quoted(error)})",
                hint="check that its folder exists and can be written to",
            ) from error
        except sqlite3.DatabaseError as error:
            raise UsageError(
                f"`{path}` is no data file of the emulator ({quoted(error)})",
                hint="name another file; a file that does not exist is created",
            ) from error

    def _prepare(self) -> None:
        self._log_ahead()
        for pragma in ("synchronous = NORMAL", "foreign_keys = ON"):
            self._connection.execute(f"PRAGMA {pragma}")
        with self.transaction():
            (version,) = self.one("PRAGMA user_version") or (0,)
            known = len(FORMATS)
            if version == known:
                return
            if version > known or (version == 0 and self.one("SELECT 1 FROM sqlite_master")):
                raise UsageError(
                    f"the data file holds format {version}, this emulator knows {known}",
                    hint="name another file; a file that does not exist is created",
                )
            for changes in FORMATS[version:]:
                for statement in changes.split(";"):
                    self.execute(statement)
            if version == 0:
                self.execute(
                    "INSERT INTO account VALUES (?, ?, ?, NULL)",
                    (self.new_hex(), self.new_sid("AC"), self.new_sid("MG")),
                )
            self.execute(f"PRAGMA user_version = {known}")

    def _log_ahead(self) -> None:
        while True:
            try:
                self._connection.execute("PRAGMA journal_mode = WAL")
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode != sqlite3.SQLITE_BUSY:
                    raise
                with self.transaction():
                    pass  # waits for a process that creates the file; this pragma itself never waits
            else:
                return

    def close(self) -> None:
        """Close the database; no other method works afterwards."""
        with self._lock:
            self._connection.close()

    def version(self) -> tuple[int, int]:
        """Return a value that changes with every change, also by another process."""
        with self._lock:
            ((others,),) = self._connection.execute("PRAGMA data_version")
            return others, self._connection.total_changes

    def new_sid(self, prefix: str) -> str:
        """Return a new SID."""
        sid = prefix + self.new_hex()
        if prefix in _REMEMBERED:
            self._made[sid] = self.now().timestamp()
        return sid

    def hides(self, sid: str) -> bool:
        """Return whether *sid* is too young to be seen by the current read."""
        return bool(self.lag) and self._made.get(sid, 0) > self.now().timestamp() - self.lag

    def visible(self, column: str) -> str:
        """Return a condition for a WHERE clause: the sids in *column* are old enough for the current read."""
        hidden = ", ".join(f"'{sid}'" for sid in self._made if self.hides(sid)) if self.lag else ""
        return f" AND {column} NOT IN ({hidden})" if hidden else ""

    def present(self) -> int:
        """Return the present in epoch seconds; it is a function of SQL, too."""
        return int(self.now().timestamp())

    def today(self) -> str:
        """Return the present in the format of dates in replies."""
        return stamp(self.now())

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Store all changes of the block, or none; inside another transaction, join that one."""
        with self._lock:
            if self._depth:
                yield
                return
            self._connection.execute("BEGIN IMMEDIATE")
            self._depth += 1
            try:
                yield
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            else:
                self._connection.execute("COMMIT")
            finally:
                self._depth -= 1

    def execute(self, sql: str, values: Sequence[object] = ()) -> int:
        """Run a statement and return the id of the row it inserted."""
        with self._lock:
            return self._connection.execute(sql, values).lastrowid or 0

    def insert_file(
        self, sql: str, values: Sequence[object], column: tuple[str, str], file: IO[bytes]
    ) -> None:
        """Run *sql*, which inserts a zeroblob of the size of *file*, and copy *file* into that in pieces."""
        with self._lock:
            row = self._connection.execute(sql, values).lastrowid or 0
            with self._connection.blobopen(*column, row) as blob:
                while piece := file.read(_PIECE):
                    blob.write(piece)

    def change(self, table: str, row: int, values: dict[str, object]) -> None:
        """Set columns of one row."""
        columns = ", ".join(f"{column} = ?" for column in values)
        self.execute(f"UPDATE {table} SET {columns} WHERE id = ?", (*values.values(), row))  # noqa: S608 (own names)

    def one(self, sql: str, values: Sequence[object] = ()) -> tuple[Any, ...] | None:
        """Return the first row, or None."""
        with self._lock:
            row: tuple[Any, ...] | None = self._connection.execute(sql, values).fetchone()
            return row

    def all(self, sql: str, values: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """Return every row."""
        with self._lock:
            return self._connection.execute(sql, values).fetchall()

    def page(
        self, sql: str, values: Sequence[object], *, key: str, descending: bool, start: Start, size: int
    ) -> Page:
        """Return *size* rows of the query *sql*, whose first column is *key*."""
        down = descending is not start.backward
        if start.key is not None:
            sql += f" AND {key} {'<' if down else '>'} ?"
            values = (*values, start.key)
        sql += f" ORDER BY {key} {'DESC' if down else 'ASC'} LIMIT ?"
        rows = self.all(sql, (*values, size + 1))
        more = len(rows) > size
        del rows[size:]
        if start.backward:
            rows.reverse()
            more = True  # the row at which the following page begins
        return Page(rows, more)
