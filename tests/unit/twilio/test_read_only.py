"""What `drift` works with: a session and a disk on which nothing can be changed."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from reconciler.emulator import Emulator
from reconciler.errors import StateError
from reconciler.operations.drift import look_for_drift
from reconciler.operations.session import Settings, open_connection, open_session
from reconciler.state.stores.file import StateStore


@pytest.fixture
def settings(tmp_path: Path) -> Iterator[Settings]:
    """Settings with an emulator in memory."""
    emulator = Emulator()
    yield Settings(endpoint=emulator, state=tmp_path / "state.json")
    emulator.close()


def test_a_session_that_only_reads_sends_no_post(settings: Settings) -> None:
    """The request is stopped before it leaves, whoever makes it."""

    async def write() -> None:
        async with open_connection(settings, read_only=True) as connection:
            await connection.client.create_service("support")

    with pytest.raises(AssertionError, match="POST /v1/Services"):
        asyncio.run(write())
    assert isinstance(settings.endpoint, Emulator)
    assert not settings.endpoint.requests


def test_looking_for_drift_cannot_write_the_state(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Should planning ever write, the disk that `drift` works with refuses."""

    async def write() -> None:
        async with open_session(settings) as session:
            await session.store.write(session.state)

    asyncio.run(write())
    before = Path(settings.state).read_bytes()
    monkeypatch.setattr("reconciler.operations.session.Session.settle", _write)

    with pytest.raises(AssertionError, match="only reads"):
        asyncio.run(look_for_drift(None, settings))
    assert Path(settings.state).read_bytes() == before
    assert StateStore(settings.state).read() is not None


async def _write(session: object, seconds: float) -> None:
    del seconds
    await session.store.write(session.state)  # type: ignore[attr-defined]


def test_without_a_state_nothing_is_asked(settings: Settings) -> None:
    """There is nothing to compare with, and the error says so before the first request."""
    with pytest.raises(StateError, match="nothing was applied"):
        asyncio.run(look_for_drift(None, settings))

    assert isinstance(settings.endpoint, Emulator)
    assert not settings.endpoint.requests
