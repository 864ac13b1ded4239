"""The store behind the emulator: one file, many processes, nothing half done."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from reconciler.emulator.database import Start
from reconciler.emulator.errors import ApiError
from reconciler.emulator.schema import FORMATS
from reconciler.emulator.store import Store
from reconciler.errors import UsageError


def test_store_keeps_what_it_was_told_and_who_it_is(tmp_path: Path) -> None:
    """Ids are made with the file, and are found again in it."""
    path = tmp_path / "emulator.db"
    with closing(Store(path)) as first:
        sid = first.services.create({"FriendlyName": "Support"}).sid
    with closing(Store(path)) as second:
        assert second.services.get(sid).friendly_name == "Support"
        assert (second.store_id, second.account_sid) == (first.store_id, first.account_sid)


def test_stores_differ_from_each_other() -> None:
    """A state made with one cannot be taken for the other's."""
    with closing(Store()) as one, closing(Store()) as other:
        assert one.store_id != other.store_id
        assert one.account_sid != other.account_sid


def test_clock_and_sids_are_given() -> None:
    """So a test knows what it will see."""
    numbers = count()
    store = Store(clock=lambda: datetime(2026, 1, 1, tzinfo=UTC), new_hex=lambda: f"{next(numbers):032x}")
    service = store.services.create({"FriendlyName": "Support"})
    store.close()

    assert (service.sid, service.date_created) == ("IS" + "3".zfill(32), "2026-01-01T00:00:00Z")


def test_transaction_stores_all_or_nothing() -> None:
    """An exception takes everything back, the inner transactions too."""
    with closing(Store()) as store:
        service = store.services.create({"FriendlyName": "Support"})

        def create_twice() -> None:
            with store.transaction():
                store.conversations.create(service.sid, {"UniqueName": "a"})
                store.conversations.create(service.sid, {"UniqueName": "a"})

        with pytest.raises(ApiError):
            create_twice()

        assert store.conversations.page(service.sid, {}, Start(), 10).rows == []


def test_several_processes_use_one_file_at_once(tmp_path: Path) -> None:
    """Also while it is being created; every write is there afterwards, each index once."""
    path = tmp_path / "emulator.db"
    program = (
        "import sys; from pathlib import Path; from reconciler.emulator.store import Store\n"
        "store = Store(Path(sys.argv[1])); service = store.services.default().sid\n"
        "try: store.conversations.create(service, {'UniqueName': 'a'})\n"
        "except Exception as error: assert error.code == 50353\n"
        "for _ in range(50): store.messages.create(service, 'a', {'Body': 'Hi'})\n"
        "store.close()"
    )
    writers = [subprocess.Popen([sys.executable, "-c", program, path]) for _ in range(3)]

    assert [writer.wait() for writer in writers] == [0, 0, 0]
    with closing(Store(path)) as store:
        rows = store.messages.page(store.services.default().sid, "a", Start(), 1000).rows
        assert [number for number, *_ in rows] == list(range(150))


def test_a_file_that_another_process_is_creating_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The one statement for which SQLite itself does not wait is made again when the other is done."""
    path = tmp_path / "emulator.db"
    met = []
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")

        class Watched(sqlite3.Connection):
            def execute(self, sql: str, values: Any = ()) -> sqlite3.Cursor:
                try:
                    return super().execute(sql, values)
                except sqlite3.OperationalError as error:
                    met.append(error.sqlite_errorname)
                    other.execute("COMMIT")
                    raise

        monkeypatch.setattr(sqlite3, "connect", partial(sqlite3.connect, factory=Watched))
        with closing(Store(path)) as store:
            assert store.services.default().sid

    assert met == ["SQLITE_BUSY"]


def test_file_of_something_else_is_refused(tmp_path: Path) -> None:
    """It is not overwritten."""
    path = tmp_path / "notes.txt"
    path.write_text("not a database, but longer than the header of one, so that it is looked at " * 10)
    before = path.read_bytes()
    with pytest.raises(UsageError, match="is no data file of the emulator"):
        Store(path)

    assert path.read_bytes() == before


def test_database_of_something_else_is_refused(tmp_path: Path) -> None:
    """Another program's tables are left alone."""
    path = tmp_path / "other.db"
    with closing(sqlite3.connect(path)) as other:
        other.execute("CREATE TABLE theirs (x)")
    with pytest.raises(UsageError, match="holds format 0, this emulator knows 3"):
        Store(path)


def test_file_of_a_newer_emulator_is_refused(tmp_path: Path) -> None:
    """The version is looked at first."""
    path = tmp_path / "newer.db"
    with closing(sqlite3.connect(path)) as newer:
        newer.execute("PRAGMA user_version = 99")
    with pytest.raises(UsageError, match="holds format 99, this emulator knows 3"):
        Store(path)


def test_file_of_an_older_emulator_is_brought_up_to_date(tmp_path: Path) -> None:
    """What is in it stays."""
    path = tmp_path / "older.db"
    with closing(sqlite3.connect(path)) as older:
        older.executescript(FORMATS[0])
        older.execute("INSERT INTO account VALUES ('id', 'AC1', 'MG1', NULL)")
        older.execute("INSERT INTO services VALUES (1, 'IS1', 'Support', '', '')")
        older.execute("PRAGMA user_version = 1")
        older.commit()
    with closing(Store(path)) as store:
        assert store.account_sid == "AC1"
        assert store.services.get("IS1").friendly_name == "Support"
        assert len(store.roles.page("IS1", Start(), 10).rows) == 4
    with closing(Store(path)) as again:
        assert len(again.roles.page("IS1", Start(), 10).rows) == 4


def test_missing_folder_is_an_error_that_names_the_file(tmp_path: Path) -> None:
    """Folders are not made in passing."""
    with pytest.raises(UsageError) as caught:
        Store(tmp_path / "missing" / "emulator.db")

    assert "missing/emulator.db" in caught.value.text
    assert caught.value.hint is not None
