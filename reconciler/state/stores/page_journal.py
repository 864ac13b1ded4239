"""The journal of a page: records in memory, which are written with the whole document now and then."""

from __future__ import annotations

from typing import Self

from msgspec import structs

from reconciler.model import Address, parent_of
from reconciler.state import document
from reconciler.state.intents import open_intents
from reconciler.state.keys import Keys
from reconciler.state.model import Bound, Closed, Opened, Record, State
from reconciler.state.remembered import InFlight
from reconciler.state.stores.group_commit import GroupCommit
from reconciler.state.stores.page_document import Kept, kept_of
from reconciler.state.stores.page_holder import PageHolder


class PageJournal:
    """Records what continues the state that was just written; *state* itself is not touched.

    A record is durable once `flush` or the next write says so. A commit waits for that only if it opens a
    create that was not announced.
    """

    def __init__(self, held: PageHolder, place: str, state: State, keys: Keys) -> None:
        self._held = held
        self._keys = keys
        self.state = document.decode(document.encode(state, state.serial), place)
        """The state with all that was recorded."""
        self.state.digest_keys = state.digest_keys
        self.is_behind = False
        """Whether something was recorded and not written."""
        self.is_closed = False
        """Whether nothing is recorded any more: then the serial stays until the next write."""
        self._announced = {intent.address for intent in open_intents(self.state)}
        self._writes = GroupCommit(lambda _: self.write())

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *raised: object) -> None:
        """Wait for the write that is under way; what is not written yet goes with the next."""
        self.is_closed = True
        await self._held.write_under_way()
        await self._writes.__aexit__(*raised)

    async def commit(self, *records: Record) -> None:
        """Record; return once the document holds every create that *records* open.

        Raises StateError once somebody else has taken over.
        """
        self._held.check_not_fenced()
        is_new = False
        for record in records:
            self.state.apply(record)
            self.is_behind = True
            if isinstance(record, Opened):
                is_new = is_new or record.intent.address not in self._announced
            elif isinstance(record, Bound | Closed):
                self._announced.discard(record.address)
                _answered(self.state, record)
        if is_new:
            await self._writes.commit()

    async def flush(self) -> None:
        """Return once all that was committed is written; raises StateError."""
        await self._held.write_under_way()
        if self.is_behind:
            await self._writes.commit()

    def kept(self) -> Kept:
        """Return what the document is to hold, under a serial of its own."""
        state, before = self.state, self.state.serial
        state.serial += 1
        if state.open_plan is not None and state.open_plan.serial == before:
            state.open_plan.serial = state.serial  # the run that began the plan goes on
        self.is_behind = False
        return kept_of(state, state.serial, self._keys, is_unfolded=True)

    async def write(self) -> None:
        """Write all that was committed; raises StateError, and may be called again then."""
        try:
            await self._held.put(self.kept)
        except BaseException:
            self.is_behind = True
            raise


def _answered(state: State, record: Bound | Closed) -> None:
    """Take out of `in_flight` the create whose outcome *record* is."""
    address = record.address
    for key in (address, parent_of(address)):
        flight = state.in_flight.get(key)
        if flight is None:
            continue
        left = _without(flight, address)
        if left.parent is None and not left.creates and not left.participants:
            del state.in_flight[key]
        else:
            state.in_flight[key] = left


def _without(flight: InFlight, address: Address) -> InFlight:
    if flight.parent is not None and flight.parent.address == address:
        flight = structs.replace(flight, parent=None)
    for each in (flight.creates, flight.tolerant, flight.dates, flight.participants):
        each.pop(address, None)
    return flight
