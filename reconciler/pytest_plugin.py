"""Fixtures for pytest: `world = reconciled("support.yaml")` makes the messages of a manifest.

pytest loads this module whenever the package is installed, so heavy modules wait until a fixture is used.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol

import pytest

from reconciler.errors import ReconcilerError

if TYPE_CHECKING:
    from reconciler.testing import Backend, Teardown, Templates, World
    from reconciler.testing.run_registry import RunRegistry

_MEMORY: Final = "memory"
_TEARDOWNS: Final = ("on", "off", "on-success")


class Reconciled(Protocol):
    """The type of the fixtures `reconciled`, `reconciled_module` and `reconciled_session`."""

    def __call__(
        self,
        *paths: str | os.PathLike[str],
        variables: Mapping[str, Any] | None = None,
        allow_existing: bool = False,
        allow_delivery: bool = False,
        allow_close: bool = False,
        templates: Templates | None = None,
    ) -> World:
        """Make what the manifests at *paths* declare; it lives until the test, module or session ends.

        Paths are relative to the file of the caller. *variables* are the values of the manifests' variables.
        *allow_existing* permits services that exist already, *allow_delivery* messages that reach people
        outside the chat, and *allow_close* the state `closed`. *templates* are texts of content templates by
        sid, or `any`: a stand-in for each; only the emulator needs them. In a `with` statement, the world
        ends with the block.
        """


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the options; each is a setting in the configuration file too."""
    group = parser.getgroup("reconciler", "conversations for tests")
    for name, default, meaning in (
        ("endpoint", "memory", "where worlds are made: memory, emulator:FILE, twilio, or an http(s) address"),
        ("templates", "", "content templates of the emulator: a file of `HX…: text`, or `any`"),
        ("teardown", "on", f"when they are thrown away: {', '.join(_TEARDOWNS)}"),
        ("workspace", "pytest", "whose services they are: what `reconciler sweep --workspace` takes"),
    ):
        group.addoption(f"--reconciler-{name}", metavar=name.upper(), help=f"{meaning} (default: {default})")
        parser.addini(f"reconciler_{name}", meaning, default=default)


@pytest.fixture(scope="session")
def reconciler_backend(
    pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Backend]:
    """Yield the backend that makes the worlds of this process, with `base_url`, `client()` and `faults`."""
    registry = _registry(pytestconfig)
    with _backend(pytestconfig, tmp_path_factory.mktemp("reconciler")) as backend, ExitStack() as exits:
        if backend.remote is not None and registry is not None:
            registry.clear(backend.remote, backend.sweep)
            exits.enter_context(registry.entry(backend.maker, backend.remote, is_clean=lambda: backend.clean))
        yield backend


@pytest.fixture
def reconciled(request: pytest.FixtureRequest, reconciler_backend: Backend) -> Iterator[Reconciled]:
    """Make worlds from manifests, each for one test alone."""
    with _worlds(request, reconciler_backend) as make:
        yield make


@pytest.fixture(scope="module")
def reconciled_module(request: pytest.FixtureRequest, reconciler_backend: Backend) -> Iterator[Reconciled]:
    """Make worlds from manifests, each shared by the tests of one module."""
    with _worlds(request, reconciler_backend) as make:
        yield make


@pytest.fixture(scope="session")
def reconciled_session(request: pytest.FixtureRequest, reconciler_backend: Backend) -> Iterator[Reconciled]:
    """Make worlds from manifests, each shared by all tests that run in one process."""
    with _worlds(request, reconciler_backend) as make:
        yield make


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Delete the services that killed workers left behind."""
    config = session.config
    if _worker(config) or _setting(config, "endpoint") == _MEMORY:
        return
    registry = _registry(config)
    if not registry:
        return
    try:
        with _backend(config, Path()) as backend:
            if backend.remote is not None:
                registry.clear(backend.remote, backend.sweep)
    except ReconcilerError as error:
        from reconciler.report.errors import render_error  # noqa: PLC0415

        config.get_terminal_writer().write(render_error(error))


@contextmanager
def _worlds(request: pytest.FixtureRequest, backend: Backend) -> Iterator[Reconciled]:
    """Yield a function that makes worlds, and throw all of them away in the end."""
    from reconciler.testing.caller import folder_of_caller  # noqa: PLC0415

    session = request.session
    teardown = _teardown(request.config)
    failed_before = session.testsfailed
    with ExitStack() as worlds:

        def make(
            *paths: str | os.PathLike[str],
            variables: Mapping[str, Any] | None = None,
            allow_existing: bool = False,
            allow_delivery: bool = False,
            allow_close: bool = False,
            templates: Templates | None = None,
        ) -> World:
            __tracebackhide__ = True
            folder = folder_of_caller()
            lifetime = worlds.enter_context(ExitStack())
            world = backend.world(
                *(folder / path for path in paths),
                variables=variables,
                teardown=teardown,
                allow_existing=allow_existing,
                allow_delivery=allow_delivery,
                allow_close=allow_close,
                templates=templates,
                failed=lambda: session.testsfailed > failed_before,
            )
            try:
                return lifetime.enter_context(world).until(lifetime)
            except ReconcilerError as error:
                raise error.with_traceback(
                    None
                ) from error.__cause__  # the frames inside this package do not help the reader

        yield make


def _backend(config: pytest.Config, folder: Path) -> closing[Backend]:
    from reconciler.testing import Backend  # noqa: PLC0415

    endpoint, workspace = _setting(config, "endpoint"), _setting(config, "workspace")
    templates = _setting(config, "templates") or None
    return closing(
        Backend(endpoint, folder=folder, workspace=workspace, label=_worker(config), templates=templates)
    )


def _registry(config: pytest.Config) -> RunRegistry | None:
    """Return the registry in pytest's cache; None without a cache, and where worlds are kept on purpose."""
    from reconciler.testing import Teardown  # noqa: PLC0415
    from reconciler.testing.run_registry import RunRegistry  # noqa: PLC0415

    cache = getattr(config, "cache", None)
    if cache is None or _teardown(config) is not Teardown.ON:
        return None
    return RunRegistry(cache.mkdir("reconciler"))


def _worker(config: pytest.Config) -> str:
    """Return the name of this worker of pytest-xdist, empty elsewhere."""
    workerinput: dict[str, str] = getattr(config, "workerinput", {})
    return workerinput.get("workerid", "")


def _teardown(config: pytest.Config) -> Teardown:
    from reconciler.testing import Teardown  # noqa: PLC0415

    value = _setting(config, "teardown")
    if value not in _TEARDOWNS:
        raise pytest.UsageError(
            f"reconciler_teardown is `{value}`, but must be one of {', '.join(_TEARDOWNS)}"
        )
    return Teardown(value)


def _setting(config: pytest.Config, name: str) -> str:
    given: str | None = config.getoption(f"reconciler_{name}")
    if given is not None:
        return given
    value: str = config.getini(f"reconciler_{name}")
    return value
