"""The address of the inspector's pages."""

from __future__ import annotations

from typing import Final

PREFIX: Final = "/_inspector"
"""The beginning of the paths of everything but the first page, which is `/`."""
