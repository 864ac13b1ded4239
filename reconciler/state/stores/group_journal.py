"""The journal of a state that is kept by group: each record goes into the journal of its own group."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Self

from reconciler.errors import StateError
from reconciler.model import group_at
from reconciler.state.groups import Use
from reconciler.state.model import (
    Bound,
    Carried,
    Closed,
    Moved,
    Opened,
    PlanOpened,
    PlanUsed,
    Record,
    Unbound,
)
from reconciler.state.stores.group_commit import GroupCommit


class GroupJournal:
    """Commits to *journals*, by group; *use* says to which groups the actions of a saved plan belong.

    Records of one group that are committed together are durable together.
    """

    def __init__(self, journals: Mapping[int, GroupCommit], use: Callable[[], Use | None]) -> None:
        self._journals = journals
        self._use = use

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *raised: object) -> None:
        """Wait until all that was committed is written, or known not to be."""
        await asyncio.gather(*(journal.__aexit__(*raised) for journal in self._journals.values()))

    async def commit(self, *records: Record) -> None:
        """Return once *records* are written; raises StateError, also for a group that is not held."""
        by_group: dict[int, list[Record]] = {}
        for record in records:
            for group, part in self._routed(record):
                by_group.setdefault(group, []).append(part)
        if missing := by_group.keys() - self._journals.keys():
            raise StateError(
                f"records of {len(missing)} groups belong to parts of the state that this run does not hold",
                hint="report this with the command that you ran",
            )
        await asyncio.gather(*(self._journals[group].commit(*part) for group, part in by_group.items()))

    async def flush(self) -> None:
        """Return once what was committed is written; raises StateError."""
        await asyncio.gather(*(journal.flush() for journal in self._journals.values()))

    def _routed(self, record: Record) -> list[tuple[int, Record]]:
        match record:
            case Opened(intent):
                return [(group_at(intent.address), record)]
            case Bound(address) | Closed(address) | Unbound(address):
                return [(group_at(address), record)]
            case Carried(numbers):
                return self._carried(numbers)
            case Moved() | PlanOpened() | PlanUsed():  # these are written with a snapshot
                raise AssertionError(record)

    def _carried(self, numbers: tuple[int, ...]) -> list[tuple[int, Record]]:
        use = self._use()
        by_group: dict[int, list[int]] = {}
        for number in numbers:
            if use is not None and number in use.numbers:
                by_group.setdefault(use.numbers[number], []).append(number)
        return [(group, Carried(tuple(some))) for group, some in by_group.items()]
