"""Where a process is killed."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, order=True)
class Point:
    """Where a process is killed: at its request or its call to the disk number *number*.

    A request is `arrived` (and never handled), `late` (handled after the process is gone) or `stored`
    (handled, but not answered); a call is reached `before`, in the `middle` or `after`. The journal may be
    *lost* with the process.
    """

    scenario: str
    what: str
    number: int
    when: str
    lost: bool = False

    def __str__(self) -> str:
        lost = ", journal lost" if self.lost else ""
        return f"{self.scenario}: {self.what} {self.number} {self.when}{lost}"
