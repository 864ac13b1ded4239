"""Carry out a plan: conversations side by side, each in order, every reply on disk before the next create.

The result is the same whether a run ends, is stopped, or is killed: what happened is in the state or
can be found out, and running again does exactly the rest.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable
from contextlib import suppress
from functools import cached_property
from typing import TYPE_CHECKING, Final

import msgspec

from reconciler.applier.announcement import Announced
from reconciler.applier.conversation import Lane, lanes_of
from reconciler.applier.parent_creates import create_parent
from reconciler.applier.parents import (
    change_state,
    comes_last,
    delete_conversation,
    delete_service,
    forget,
    sids_deleted,
    update_conversation,
)
from reconciler.applier.participants import bring_in, take_out
from reconciler.applier.polling import Clock, Patience
from reconciler.applier.progress import Progress, Use
from reconciler.applier.results import Results, Watcher
from reconciler.applier.slots import Turns
from reconciler.errors import RemoteError
from reconciler.model import Address, ResourceType, parent_of, type_of
from reconciler.model.canonical import canonical_instant
from reconciler.plans.actions import Action, Verb
from reconciler.plans.outcome import Outcome, Status
from reconciler.plans.plan import Plan
from reconciler.plans.sid_references import completed
from reconciler.runtime.concurrency import concurrently
from reconciler.state.intents import claims
from reconciler.state.model import Binding, Bound, Record, State, Unbound

if TYPE_CHECKING:
    from reconciler.state.journal import Journal
    from reconciler.state.stores.file import StateStore
    from reconciler.twilio.client import Twilio


_MAKING: Final = frozenset({Verb.CREATE, Verb.REPLACE})


_PARENTS: Final = frozenset({ResourceType.SERVICE, ResourceType.CONVERSATION})


class Run:
    """One application of one plan; *settle* is in seconds, *now* our own clock.

    `stop` may be called at any time: no new request starts, those in flight are awaited and recorded.
    """

    def __init__(
        self,
        client: Twilio,
        state: State,
        plan: Plan,
        *,
        settle: float,
        parallelism: int,
        watcher: Watcher,
        now: Clock,
        use: Use | None = None,
    ) -> None:
        self.client = client
        self.deleted = sids_deleted(plan.actions)
        self.clock: Callable[[], str] = lambda: canonical_instant(now())  # our own, in whole seconds
        self.state = state
        # Copies of our own: their texts are completed once the services exist whose sids they await.
        actions = tuple(completed(action, {}) if action.awaits else action for action in plan.actions)
        self.plan = plan = msgspec.structs.replace(plan, actions=actions)
        self.patience: Patience = lambda _: settle
        self.parallelism = parallelism
        # A turn is kept while its intent reaches the disk, when it sends nothing: so there are a few more of
        # them than requests may be in flight, which is for the client's pace to see to.
        self.turns = Turns(parallelism + max(1, parallelism // 4))
        self.journal: Journal
        self._stopped = asyncio.Event()
        self.progress = Progress(use, actions)
        self.results = Results(watcher, self._stopped.is_set, self.progress.finished)
        self._on_services = [a for a in actions if a.type is ResourceType.SERVICE]
        self._awaiting = [a for a in actions if a.awaits]
        self._on_parents: dict[Address, list[Action]] = {}
        self.people: dict[Address, list[Action]] = {}
        for action in plan.actions:
            if action.type in _PARENTS:
                self._on_parents.setdefault(action.address, []).append(action)
            elif action.type is ResourceType.PARTICIPANT:
                self.people.setdefault(parent_of(action.address), []).append(action)
        self._lanes = lanes_of(self)
        self._announced = Announced(self)
        self._is_left = False
        """Whether a conversation, that is reported as done, lacks its last state."""

    async def __call__(self, store: StateStore) -> Outcome:
        """Apply the plan and return what was done; raises only if the state cannot be kept."""
        try:
            await self._prepare()
        except RemoteError:
            if not self.stopping:
                raise
        if self.stopping:
            return self._outcome()
        self.progress.open(self.state)
        with store.begin(self.state) as self.journal:
            for lane in self._lanes.values():
                lane.recorded()
            await self._create_services()
            if not self._awaiting:
                await self._work()
        if self._awaiting:
            self._announced.once_known(self._awaiting, self._lanes)
            self.progress.open(self.state)
            with store.begin(self.state) as self.journal:
                await self._work()
        self._let_go()
        self.state.in_flight.clear()
        self.progress.close(self.state)
        store.write(self.state)
        return self._outcome()

    def stop(self) -> None:
        """Begin nothing more."""
        self._stopped.set()

    @property
    def stopping(self) -> bool:
        """Whether nothing more is begun."""
        return self._stopped.is_set()

    # What lanes call.

    async def record(self, *records: Record, done: Action | None = None) -> None:
        """Return once *records* are in the state and on disk, and with them that *done* is done."""
        records = (*self.progress.records(done), *records)
        kept = [self.state.protected(record) for record in records]
        for record in kept:
            self.state.apply(record)
        if kept:
            await self.journal.commit(*kept)

    async def pause(self, seconds: float) -> bool:
        """Wait, but no longer than until the run is stopped; return whether it goes on."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._stopped.wait()
        return not self.stopping

    def sids(self, conversation: Address) -> tuple[str, str] | None:
        """Return the sids of a conversation and its service, or None while it does not exist."""
        binding = self.state.bindings.get(conversation)
        if binding is None or not self.is_done(conversation):
            return None
        return binding.service_sid, binding.sid

    def is_ready(self, action: Action) -> bool:
        """Return whether the services exist whose sids stand in the texts of *action*."""
        return all(self.is_done(service) for service in action.awaits)

    def is_done(self, address: Address) -> bool:
        """Return True unless *address* is a parent whose create, or replacement, has not succeeded."""
        creates = [action for action in self._on_parents.get(address, ()) if action.verb in _MAKING]
        return self.results.are_done(creates)

    # The parts of a run.

    async def _prepare(self) -> None:
        """Read the boundaries, and put everything that needs no request into the state, with what will."""
        bound = {record.binding.sid for record in self.plan.records if isinstance(record, Bound)}
        for record in self.plan.records:
            if (
                isinstance(record, Bound)
                or type_of(record.address) not in _PARENTS
                or ((before := self.state.bindings.get(record.address)) is not None and before.sid in bound)
            ):  # a parent that only has another address now is never seen under both
                self.state.apply(record)
        self._bind_found()
        for lane in self._lanes.values():
            lane.record_only(*(self.sids(lane.address) or ("", "")))
        claimed = claims(self.state)
        boundaries = []
        for lane in self._lanes.values():
            sids = self.sids(lane.address)
            if sids is not None and lane.creates.actions:
                lane.creates.claimed = claimed.get(sids[1], set())
                boundaries.append(lane.creates.read_boundary(*sids, self.plan.seen.get(lane.address, -1)))
        await concurrently(boundaries)
        await self._announced.at_first(self._on_parents, self._lanes)

    def _bind_found(self) -> None:
        """Bind conversations that exist and are to be changed, but were never bound."""
        for address, actions in self._on_parents.items():
            for action in actions:
                if action.verb is Verb.UPDATE and address not in self.state.bindings:
                    service_sid = self.state.bindings[parent_of(address)].sid
                    found = Binding(sid=action.sid or "", service_sid=service_sid, imported=True)
                    self.state.apply(Bound(address, found))

    async def _create_services(self) -> None:
        await concurrently(
            create_parent(self, action, self._announced.parents[action.address], way=1)
            for action in self._on_services
            if action.verb is Verb.CREATE
        )

    async def _work(self) -> None:
        lanes = sorted(self._lanes.values(), key=lambda lane: lane.creates.way, reverse=True)
        await concurrently(self._work_lane(lane) for lane in lanes)
        for action in self._on_services:
            if action.verb is Verb.DELETE:
                await delete_service(self, action)
            elif action.verb is Verb.FORGET and action.address not in self._unfinished:
                await forget(self, action)

    async def _work_lane(self, lane: Lane) -> None:
        own = self._on_parents.get(lane.address, [])
        people = self.people.get(lane.address, [])
        for action in own:
            if action.verb is Verb.REPLACE and not await self._delete(action, lane, people):
                return
            if action.verb in _MAKING:
                way = lane.creates.way + 1
                await create_parent(self, action, self._announced.parents[action.address], way=way)
            elif action.verb is Verb.UPDATE:
                await update_conversation(self, action, self.state.bindings[lane.address])
        sids = self.sids(lane.address)
        if sids is not None:
            await bring_in(self, people, *sids)
            await lane.work(*sids)
            await take_out(self, people, *sids)
        await self._end_lane(lane, own, people)

    async def _end_lane(self, lane: Lane, own: list[Action], people: list[Action]) -> None:
        """Do what a conversation must wait for until nothing else is left to do in it."""
        done = self.sids(lane.address) is not None and self.results.are_done((*lane.actions, *people))
        for action in own:
            if action.verb is Verb.FORGET and done:
                await forget(self, action)
            elif comes_last(action) and done:
                self._is_left = not await change_state(self, action) or self._is_left
            elif action.verb is Verb.DELETE and await self._delete(action, lane, people):
                self.results.finish(action, Status.DONE, sid=action.sid)

    async def _delete(self, action: Action, lane: Lane, people: list[Action]) -> bool:
        """Delete a conversation that goes, or is made anew, with what is in it; return whether it is gone."""
        binding, inside = self.state.bindings[lane.address], self._bound_in[lane.address]
        if not await delete_conversation(self, action, binding, inside, {one.sid for one in people}):
            return False
        lane.went_along()
        for gone in people:
            if gone.with_parent and gone.verb is Verb.DELETE:
                self.results.finish(gone, Status.DONE, sid=gone.sid)
        return True

    def _let_go(self) -> None:
        """Drop parents that are no longer wanted, unless something in them is still to be done."""
        unfinished = self._unfinished
        for record in self.plan.records:
            if isinstance(record, Unbound) and record.address not in unfinished:
                self.state.apply(record)

    @property
    def _unfinished(self) -> set[Address]:
        """The parents in which something is not done."""
        return {
            parent
            for action in self.plan.actions
            if action.type is not ResourceType.SERVICE and not self.results.are_done([action])
            for parent in (parent_of(action.address), parent_of(parent_of(action.address)))
        }

    @cached_property
    def _bound_in(self) -> defaultdict[Address, list[Address]]:
        """The addresses that stood for something in each conversation when the first one was deleted."""
        found: defaultdict[Address, list[Address]] = defaultdict(list)
        for address in self.state.bindings:
            found[parent_of(address)].append(address)
        return found

    # What is reported.

    def _outcome(self) -> Outcome:
        counters = self.client.counters
        is_left = self._is_left or not self.results.are_done(self.plan.actions)
        return Outcome(
            results=tuple(map(self.results.of, self.plan.actions)),
            warnings=tuple(self.results.warnings),
            read=counters.read,
            write=counters.write,
            retried=counters.retried,
            interrupted=self.stopping and is_left,
        )
