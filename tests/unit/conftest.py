"""What unit tests share."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import pytest

from tests.support.jumping import run_jumping

T = TypeVar("T")


@pytest.fixture
def run() -> Callable[[Coroutine[Any, Any, T]], T]:
    """Run a coroutine as `asyncio.run` does, but with sleeps that take no time."""
    return run_jumping
