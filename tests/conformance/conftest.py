"""One emulator per test, asked in process; and one over HTTP that the tests of the official SDK share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import httpx
import pytest

from reconciler.emulator import Emulator, EmulatorOptions
from tests.support.api import Api, Clock


@pytest.fixture
def clock() -> Clock:
    """Return the clock of the emulators of one test."""
    return Clock()


@pytest.fixture
def make_api(clock: Clock) -> Iterator[Callable[..., Api]]:
    """Return what makes emulators with the options given; they are closed after the test."""
    made: list[Emulator] = []

    def make(**options: Any) -> Api:
        made.append(Emulator(options=EmulatorOptions(**options), clock=clock))
        return Api(made[-1])

    yield make
    for emulator in made:
        emulator.close()


@pytest.fixture
def api(make_api: Callable[..., Api]) -> Api:
    """Return a fresh emulator."""
    return make_api()


@pytest.fixture
def service(api: Api) -> str:
    """Return the path of a fresh service."""
    return f"/v1/Services/{api.post('/v1/Services', FriendlyName='Support')['sid']}"


@pytest.fixture
def conversation(api: Api, service: str) -> str:
    """Return the path of a fresh conversation."""
    sid = api.post(f"{service}/Conversations", UniqueName="order-1")["sid"]
    return f"{service}/Conversations/{sid}"


@pytest.fixture(scope="session")
def served() -> Iterator[tuple[Emulator, str]]:
    """Return an emulator, and the origin where it is served over HTTP."""
    from reconciler.emulator.server import running  # noqa: PLC0415 (uvicorn)

    with closing(Emulator()) as emulator, running(emulator) as origin:
        yield emulator, origin


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    """An emulator that lets one other host in."""
    with closing(Emulator(options=EmulatorOptions(allowed_hosts=("inspector.test",)))) as emulator:
        yield emulator


@pytest.fixture
def browser(emulator: Emulator) -> Iterator[httpx.Client]:
    """Who looks at it, without credentials."""
    from reconciler.emulator.server import running  # noqa: PLC0415 (uvicorn)

    with running(emulator) as url, httpx.Client(base_url=url, trust_env=False, timeout=20) as client:
        yield client
