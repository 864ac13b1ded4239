"""A state in a ref of a server over HTTP: its date, its credentials, and where they do not go."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from reconciler.errors import StateError
from reconciler.state.keys import NO_KEYS
from reconciler.state.stores.adapters.git import GitPage
from reconciler.state.stores.background import Remote
from reconciler.state.stores.file import new_state
from reconciler.state.stores.git import open_store
from reconciler.state.stores.primitives import Unheard
from tests.support.git_server import PASSWORD, GitServer, header
from tests.support.repository import REF, Repository, environ
from tests.support.stores import holder

STATE = new_state("AC" + "0" * 32, "https://conversations.twilio.com")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[GitServer]:
    """A bare repository over HTTP."""
    served = GitServer(Repository(tmp_path))
    with served.serving():
        yield served


def store(server: GitServer, given: dict[str, str] | None = None) -> Remote:
    """Return the store as a run opens it, which has the password unless something else is *given*."""
    known = header(server.url) if given is None else given
    address = f"git:{server.url}/{server.there.path.name}?ref={REF}"
    return open_store(address, environ(server.there.folder) | known, trusted=True, keys=NO_KEYS)


def page(server: GitServer, given: dict[str, str] | None = None) -> GitPage:
    """Return its page."""
    found = store(server, given)._core._page  # type: ignore[attr-defined]
    assert isinstance(found, GitPage)
    return found


def test_a_state_is_kept_there(server: GitServer) -> None:
    """Taken, written, released and read by another run; the server's date is read with it."""

    async def main() -> None:
        one = store(server)
        async with one.lock_async(holder(), timeout=0):
            await one.write(STATE)
        assert await store(server).read() == STATE
        sheet = await page(server).read()
        assert sheet.date is not None
        assert abs(sheet.date - datetime.now(UTC)) < timedelta(seconds=30)

    asyncio.run(main())


@pytest.mark.parametrize("seconds", [-60, 60])
def test_a_clock_that_differs_from_the_servers_is_refused(server: GitServer, seconds: int) -> None:
    """Before anything is written."""

    async def main() -> None:
        one = store(server)
        with pytest.raises(StateError, match="the clock of this machine"):
            async with one.lock_async(holder(), timeout=0):
                raise AssertionError

    server.off = timedelta(seconds=seconds)
    asyncio.run(main())
    assert server.there.refs() == ""


def test_no_redirect_is_followed(server: GitServer) -> None:
    """The password would go along."""
    with GitServer(server.there).serving() as elsewhere:
        server.redirect = elsewhere.rpartition("/")[0]
        with pytest.raises(StateError):
            asyncio.run(page(server).read())


def test_nobody_is_asked_for_a_password(server: GitServer) -> None:
    """It is an error at once, and nothing is asked by a window or at a terminal."""
    programs = server.there.folder / "asks"
    programs.write_text(f"#!/bin/sh\ntouch {programs}.asked\necho sesame\n", encoding="utf-8")
    programs.chmod(0o700)
    asks = {"GIT_ASKPASS": str(programs), "SSH_ASKPASS": str(programs)}
    with pytest.raises(StateError, match="could not read Username"):
        asyncio.run(page(server, asks).read())
    assert not Path(f"{programs}.asked").exists()


@pytest.mark.parametrize("status", [500, 503, 429])
def test_a_server_in_trouble_is_not_heard(server: GitServer, status: int) -> None:
    """Then it is asked again."""
    server.status = status
    with pytest.raises(Unheard) as told:
        asyncio.run(page(server).read())
    assert PASSWORD not in f"{told.value}"


def test_no_credential_is_left_behind(server: GitServer, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Neither in a file of the run nor in a message."""
    folder = tmp_path_factory.mktemp("temporary")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tempfile.tempdir", str(folder))
        one = page(server)
        asyncio.run(one.read())
        left = b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())
        assert b"Basic" not in left
        asyncio.run(one.close())
    assert list(folder.iterdir()) == []
