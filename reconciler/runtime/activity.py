"""What an operation tells while it works, for whoever shows it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Protocol


class Activity(Protocol):
    """A receiver of what an operation is doing; it raises nothing."""

    def reading(self, done: int, total: int) -> None:
        """Report that *done* of *total* conversations are read; both are 0 while the total is not known."""

    def waiting(self, seconds: float, why: str) -> None:
        """Report that a request is sent again after *seconds*, as *why* says; 0 where they are not known."""

    def spent(self, read: int, write: int, retried: int, statuses: Mapping[int, int]) -> None:
        """Report the requests of a connection that is closed now; *statuses* counts replies by status."""


class _Silent:
    def reading(self, done: int, total: int) -> None:
        """Do nothing."""

    def waiting(self, seconds: float, why: str) -> None:
        """Do nothing."""

    def spent(self, read: int, write: int, retried: int, statuses: Mapping[int, int]) -> None:
        """Do nothing."""


SILENT: Final[Activity] = _Silent()
"""The receiver that shows nothing."""
