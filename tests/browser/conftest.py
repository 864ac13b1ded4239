"""A browser for all tests here, and a page of it for each."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.support.browser import Visit, browsing, visiting


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """One browser, without a window."""
    with browsing() as browser:
        yield browser


@pytest.fixture
def visit(chromium: Browser) -> Iterator[Visit]:
    """An empty page."""
    with visiting(chromium) as opened:
        yield opened
