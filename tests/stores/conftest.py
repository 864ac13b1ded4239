"""Real servers of objects and a database, one of each for all tests of a process."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from itertools import count
from pathlib import Path

import pytest

from reconciler.emulator import Emulator
from reconciler.emulator.server import running
from tests.support.database_server import Postgres, postgres
from tests.support.object_servers import SERVERS, Server
from tests.support.project import Project, environ_of

_numbers = count()


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Server]]:
    """Those that were asked for, by name; each is started when it is needed first."""
    with ExitStack() as stack:

        class Started(dict[str, Server]):
            def __missing__(self, name: str) -> Server:
                folder = tmp_path_factory.mktemp(name.lower())
                self[name] = stack.enter_context(SERVERS[name](folder))
                return self[name]

        yield Started()


@pytest.fixture(params=SERVERS)
def server(
    request: pytest.FixtureRequest, servers: dict[str, Server], monkeypatch: pytest.MonkeyPatch
) -> Server:
    """A server that the environment leads to."""
    server = servers[request.param]
    for name, value in {**server.environ, "NO_PROXY": "127.0.0.1"}.items():
        monkeypatch.setenv(name, value)
    return server


@pytest.fixture
def prefix() -> str:
    """A prefix that no other test has."""
    return f"test-{next(_numbers)}/state"


@pytest.fixture(scope="session")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    """A PostgreSQL that runs."""
    with postgres(tmp_path_factory.mktemp("postgres")) as server:
        yield server


@pytest.fixture
def schema() -> str:
    """A schema that no other test has."""
    return f"test_{next(_numbers)}"


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    """An account without anything in it."""
    emulator = Emulator()
    yield emulator
    emulator.close()


@pytest.fixture
def project(tmp_path: Path, database: Postgres, schema: str, emulator: Emulator) -> Iterator[Project]:
    """A folder, that account, and no state yet in the database."""
    folder = tmp_path / "project"
    folder.mkdir()
    with running(emulator) as url:
        yield Project(folder, {**environ_of(url), "RECONCILER_STATE": database.address(schema)})
