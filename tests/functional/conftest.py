"""The projects that functional tests run commands in, and the emulators that these reach."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from reconciler.emulator import Emulator, EmulatorOptions
from reconciler.emulator.server import running
from tests.support.project import Project, environ_of
from tests.support.wheel import build


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this tree."""
    return build(tmp_path_factory.mktemp("wheel"))


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """An empty project that uses the emulator in its own process."""
    return Project(tmp_path, {"RECONCILER_ENDPOINT": "emulator"})


@pytest.fixture
def remote() -> Iterator[Emulator]:
    """An emulator in this process, kept in memory."""
    emulator = Emulator(options=EmulatorOptions())
    yield emulator
    emulator.close()


@pytest.fixture
def served(remote: Emulator, tmp_path: Path) -> Iterator[Project]:
    """An empty project whose commands reach *remote* over HTTP."""
    with running(remote) as url:
        yield Project(tmp_path, environ_of(url))
