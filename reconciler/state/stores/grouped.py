"""The store that keeps a state by group of conversations: many machines change it side by side.

    lease, head, snapshots/…, journal/…        what belongs to services: a state as `objects` keeps it
    g00/lease, g00/head, …, g63/…              what belongs to the conversations of each group, likewise
    identity                                   lineage, account, origin and environment of all of them

Each group has its own lease, fence and journal, so what `objects` guarantees of a whole state holds for every
group. A run takes the leases of the groups that it may change, and reads these and what belongs to services.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping
from typing import Final

from msgspec.structs import replace

from reconciler.errors import StateError
from reconciler.model import GROUPS, SERVICES, Address
from reconciler.runtime.concurrency import each
from reconciler.state.deadlines import SETTLE_SECONDS
from reconciler.state.groups import Use, differs, is_whole, join, split, use_of, uses_of
from reconciler.state.model import OpenPlan, Record, State
from reconciler.state.stores import group_leases, identity
from reconciler.state.stores.clocks import Clocks
from reconciler.state.stores.group_commit import GroupCommit
from reconciler.state.stores.group_journal import GroupJournal
from reconciler.state.stores.group_leases import AT_ONCE
from reconciler.state.stores.holder import Holder
from reconciler.state.stores.interface import LockInfo
from reconciler.state.stores.objects import WINDOW, Objects, Staged
from reconciler.state.stores.prefixed_blobs import PrefixedBlobs
from reconciler.state.stores.primitives import Blobs

ALL: Final = frozenset((SERVICES, *range(GROUPS)))
"""Every group, and what belongs to services."""


class Grouped:
    """The state in *blobs*, for one event loop; it may change *groups* only, and reads no others.

    `SERVICES` among them stands for what belongs to services, which is read in any case.
    """

    is_file = False
    window = WINDOW
    announces = False
    fences = True
    is_grouped = True

    def __init__(self, blobs: Blobs, groups: Collection[int] = ALL, *, clocks: Clocks | None = None) -> None:
        self._blobs = blobs
        self._clocks = clocks or Clocks()
        self._changing = frozenset(groups)
        self._parts = {
            group: Objects(blobs if group == SERVICES else folder_of(blobs, group), clocks=self._clocks)
            for group in sorted({SERVICES, *groups})
        }
        self._held = {group: self._parts[group] for group in sorted(groups)}
        self._is_held = False
        self._kept: dict[int, State] = {}
        """The parts as they are stored, of a run that holds the leases."""
        self._use: Use | None = None
        self._narrowed: frozenset[int] | None = None
        """The groups that are read, if they are not all of these."""

    @property
    def place(self) -> str:
        """The address."""
        return self._blobs.place

    @property
    def is_unfolded(self) -> bool:
        """Whether a group has records that its snapshot does not have."""
        return any(objects.is_unfolded for objects in self._parts.values())

    # Reading.

    def narrow(self, groups: Collection[int] | None) -> None:
        """Let these groups alone be read; a run that holds leases reads all of its own."""
        self._narrowed = None if groups is None else frozenset((SERVICES, *groups))

    @property
    def _reading(self) -> dict[int, Objects]:
        if self._narrowed is None or self._is_held:
            return self._parts
        return {group: objects for group, objects in self._parts.items() if group in self._narrowed}

    async def read(self) -> State | None:
        """Return the state of these groups, or None if no group has one and none was begun."""
        reading = self._reading
        parts: dict[int, State] = {}

        async def one(group: int) -> None:
            part = await self._parts[group].read()
            if part is not None:
                parts[group] = part

        await one(SERVICES)  # the marker of a state that was moved is there
        await each([group for group in reading if group != SERVICES], one, at_once=AT_ONCE)
        self._check_layout(parts)
        begun = await identity.stored(self._blobs, self._clocks)
        if begun is not None:
            parts.setdefault(SERVICES, begun.state())
        if not parts:
            return None
        if self._is_held:
            self._kept = parts
        state = join(parts, reading)
        if begun is not None:
            self._check_lineage(begun.lineage, state.lineage)
            state.environment = begun.environment or state.environment
        return state

    def _check_layout(self, parts: Mapping[int, State]) -> None:
        services = parts.get(SERVICES)
        if self._is_held and self._changing != ALL and services is not None and is_whole(services):
            raise StateError(
                f"the state `{self.place}` was written by an older release, which did not cut it into parts",
                hint="run `reconciler apply` once without `--shard`, which does it",
            )

    # The leases.

    async def acquire(
        self, holder: Holder, *, patience: float, waiting: Callable[[str], None], settle: float
    ) -> None:
        """Take the lease of every group that may be changed; raises StateError as `Store.lock` does."""
        await group_leases.take(
            self._held, holder, self._clocks, patience=patience, waiting=waiting, settle=settle
        )
        self._is_held = True

    async def release(self) -> None:
        """Release the leases."""
        self._is_held, self._kept = False, {}
        await group_leases.release(self._held)

    def check_kept(self) -> None:
        """Raise StateError if a lease was lost since it was taken."""
        for objects in self._held.values():
            objects.check_kept()

    def may_send(self) -> None:
        """Return if a request may be handed over under every lease; raises NotSent."""
        for objects in self._held.values():
            objects.may_send()

    def on_loss(self, stop: Callable[[], None]) -> None:
        """Let *stop* be called once a lease is lost."""
        for objects in self._held.values():
            objects.on_loss(stop)

    async def locks(self) -> list[LockInfo]:
        """Return who has leases of these groups; once for each run, with the first end of its leases."""
        found = await asyncio.gather(*(objects.locks() for objects in self._reading.values()))
        runs: dict[Holder, LockInfo] = {}
        for info in sorted((one for infos in found for one in infos), key=lambda one: one.until):
            runs.setdefault(info.holder, info)
        return [*runs.values()]

    async def unlock(self, settle: float = SETTLE_SECONDS) -> LockInfo | None:
        """Free the leases of these groups, and return whose one of them was."""
        freed = await asyncio.gather(*(objects.unlock(settle) for objects in self._parts.values()))
        return next((info for info in freed if info is not None), None)

    # Writing.

    def follow(self, plan_id: str, actions: Mapping[int, Address], records: Collection[Address]) -> None:
        """Note where the saved plan that is applied changes something: there its progress is recorded."""
        self._use = use_of(plan_id, actions, records)

    async def establish(self, state: State) -> State:
        """Return *state*, of which nothing is stored, as it begins: whoever is first names the lineage."""
        if not self._is_held:
            return state
        begun = await identity.made(self._blobs, self._clocks, state)
        return replace(begun.state(), digest_keys=state.digest_keys)

    def next_serial(self, state: State) -> int:
        """Return the serial that `write` will give to *state*."""
        parts = split(state, self._parts, self._use)
        changed = self._changed(parts, anew=False)
        return sum(
            self._parts[group].next_serial(part) if group in changed else part.serial
            for group, part in parts.items()
        )

    async def begin(self, state: State) -> GroupJournal:
        """Write what is changed in *state*, and return a journal that continues it."""
        await asyncio.gather(*(objects.wait_until_allowed() for objects in self._held.values()))
        state.in_flight.clear()
        await self.write(state)
        journals = {group: self._journal(group, state) for group in self._held}
        return GroupJournal(journals, lambda: self._use)

    def _journal(self, group: int, state: State) -> GroupCommit:
        objects = self._parts[group]
        empty = State(state.lineage, state.account_sid, state.origin, state.environment)

        begun = self._kept.get(group)
        is_others = begun is not None and begun.open_plan is not None and not self._use_is(begun.open_plan)
        first = empty if not objects.is_there else begun if is_others else None
        """What is written before the first record; a plan that another run began ends with it."""

        async def append(records: list[Record]) -> None:
            nonlocal first
            if first is not None:
                await objects.write(first)
                first = None
            await objects.append(records)

        return GroupCommit(append)

    def _use_is(self, begun: OpenPlan) -> bool:
        return self._use is not None and self._use.plan_id == begun.plan_id

    async def write(self, state: State, *, anew: bool = False) -> None:
        """Make the parts of *state* that changed the snapshots of their groups; with *anew*, all of them.

        They count at one moment where the blobs swap at one moment: so an address that moves to another group
        is in one of the two.
        """
        begun = await identity.made(self._blobs, self._clocks, state, anew=anew)
        self._check_lineage(begun.lineage, state.lineage)
        parts = split(state, self._parts, self._use)
        changed = self._changed(parts, anew=anew)
        if foreign := changed - self._changing:
            raise StateError(
                f"{len(foreign)} parts of the state `{self.place}` are not locked by this run",
                hint="report this with the command that you ran",
            )
        staged: dict[int, Staged] = {}

        async def stage(group: int) -> None:
            objects, part = self._parts[group], parts[group]
            if part.open_plan is not None and self._use_is(part.open_plan):
                part.open_plan.serial = objects.next_serial(part)
            staged[group] = await objects.stage(part)

        await each(sorted(changed), stage, at_once=AT_ONCE)
        await asyncio.gather(*(self._parts[group].publish(one) for group, one in staged.items()))
        self._kept |= {group: parts[group] for group in changed}
        state.serials = {group: parts[group].serial for group in self._kept}
        state.uses = {group: uses_of(parts[group]) for group in self._kept}
        state.serial = sum(state.serials.values())

    def _changed(self, parts: Mapping[int, State], *, anew: bool) -> set[int]:
        """Return the groups whose part is to be written."""
        changed = set()
        for group, part in parts.items():
            objects, before = self._parts[group], self._kept.get(group)
            is_unknown = before is None and objects.is_there
            is_new = group == SERVICES and not objects.is_there and group in self._changing
            is_raised = before is not None and part.serial > before.serial
            is_asked = objects.is_unfolded or (anew and objects.is_there)
            if is_unknown or is_new or is_raised or is_asked or differs(part, before):
                changed.add(group)
        return changed

    async def mark(self, state: State, moved_to: str) -> None:
        """Leave a marker, which whoever reads any part meets first."""
        await self._parts[SERVICES].mark(state, moved_to)

    async def close(self) -> None:
        """Free what the adapter holds open."""
        await self._blobs.close()

    def _check_lineage(self, stored: str, given: str) -> None:
        if stored != given:
            raise StateError(
                f"the state `{self.place}` has another lineage: {stored}, not {given}",
                hint="these are two histories; name another place for this one with `--state`",
            )


def folder_of(blobs: Blobs, group: int) -> Blobs:
    """Return the objects of *group*."""
    return PrefixedBlobs(blobs, f"g{group:02d}/")
