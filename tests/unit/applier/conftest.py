"""What tests of the applier share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.desk import Desk


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """An emulator with nothing in it, and no state yet."""
    with Desk(tmp_path) as made:
        yield made
