"""Test suites in which worlds are made, and the emulator that `--reconciler-endpoint` names."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from reconciler.emulator import Emulator
from reconciler.emulator.server import running
from reconciler.testing import reconciled
from tests.support.manifests import SUPPORT
from tests.support.project import environ_of


@pytest.fixture(scope="module", autouse=True)
def _everything_is_imported(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Use a world once: a suite in this process forgets what it imports, and would import parts anew."""
    manifest = tmp_path_factory.mktemp("imports") / "support.yaml"
    manifest.write_text(SUPPORT, encoding="utf-8")
    with reconciled(manifest) as world:
        world.faults.add("create_user:1:400")
        world.client().conversations.v1.services.list()


@pytest.fixture
def suite(pytester: pytest.Pytester) -> pytest.Pytester:
    """A test suite of its own, with a manifest."""
    pytester.path.joinpath("support.yaml").write_text(SUPPORT, encoding="utf-8")
    return pytester


@pytest.fixture
def endpoint(remote: Emulator, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The option that sends worlds to *remote*, over HTTP."""
    with running(remote) as url:
        for name, value in environ_of(url).items():
            monkeypatch.setenv(name, value)
        yield f"--reconciler-endpoint={url}"
