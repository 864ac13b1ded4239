"""Apply a plan: conversations side by side, each in order, every reply on disk before the next create.

The result is the same whether a run ends, is stopped, or is killed. The state records what happened, or
enough to find it out, and the next run does exactly the rest.
"""

from __future__ import annotations

from collections import defaultdict
from functools import cached_property
from typing import TYPE_CHECKING

from reconciler.applier.announcement import Announcement
from reconciler.applier.context import PARENTS, Context
from reconciler.applier.conversation import ConversationWork, work_by_conversation
from reconciler.applier.final_state import has_final_state
from reconciler.applier.parent_creates import create_conversation, create_service
from reconciler.applier.parents import (
    change_state,
    delete_conversation,
    delete_service,
    forget,
    update_conversation,
)
from reconciler.applier.participants import add_participants, remove_participants
from reconciler.applier.polling import Clock
from reconciler.applier.progress import Use
from reconciler.applier.results import Watcher
from reconciler.errors import RemoteError
from reconciler.model import Address, parent_of, type_of
from reconciler.plans.actions import POSTING, Action, Verb
from reconciler.plans.outcome import Outcome, Status
from reconciler.plans.plan import Plan
from reconciler.resources.binding import existing
from reconciler.runtime.concurrency import concurrently
from reconciler.state.intents import claims
from reconciler.state.model import Bound, State, Unbound

if TYPE_CHECKING:
    from reconciler.state.stores.interface import Store
    from reconciler.twilio.client import Twilio


class Run:
    """One application of one plan.

    *settle* is the settle window in seconds. At most *parallelism* requests are in flight. *watcher* is told
    of the progress. *now* is our own clock. *use* is given if the plan was saved.
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
        self.plan = plan
        self.context = Context(
            client,
            state,
            plan.actions,
            settle=settle,
            parallelism=parallelism,
            watcher=watcher,
            now=now,
            use=use,
        )
        self._awaiting = [a for a in plan.actions if a.awaits]
        self._conversations = work_by_conversation(self.context, plan)
        self._announcement = Announcement(self.context)
        self._lacks_state = False
        """Whether a conversation that is reported as done lacks its final state."""

    async def __call__(self, store: Store) -> Outcome:
        """Apply the plan and return what was done; raises only if the state cannot be kept."""
        context = self.context
        context.window = store.window
        try:
            await self._prepare()
        except RemoteError:
            if not context.stopping:
                raise
        if context.stopping:
            return self._outcome()
        context.progress.open(context.state, store.next_serial)
        async with await store.begin(context.state) as context.journal:
            for work in self._conversations.values():
                work.report_recorded()
            await self._create_services()
            if not self._awaiting:
                await self._work()
        if self._awaiting:
            self._announcement.complete(self._awaiting, self._conversations)
            context.progress.open(context.state, store.next_serial)
            async with await store.begin(context.state) as context.journal:
                await self._work()
        self._unbind_parents()
        context.state.in_flight.clear()
        context.progress.close(context.state, store.next_serial)
        await store.write(context.state)
        return self._outcome()

    def stop(self) -> None:
        """Let no new request start. May be called at any time; those in flight are awaited and recorded."""
        self.context.stop()

    async def _prepare(self) -> None:
        """Apply to the state what needs no request, read the boundaries, and announce the creates."""
        state = self.context.state
        bound = {record.binding.sid for record in self.plan.records if isinstance(record, Bound)}
        for record in self.plan.records:
            if (
                isinstance(record, Bound)
                or type_of(record.address) not in PARENTS
                or ((before := state.bindings.get(record.address)) is not None and before.sid in bound)
            ):  # a parent that moves to another address must never be bound at both
                state.apply(record)
        self._bind_found()
        for work in self._conversations.values():
            work.record(*(self.context.sids(work.address) or ("", "")))
        claimed = claims(state)
        boundaries = []
        for work in self._conversations.values():
            sids = self.context.sids(work.address)
            if sids is not None and work.creates.actions:
                work.creates.claimed = claimed.get(sids[1], set())
                boundaries.append(work.creates.read_boundary(*sids, self.plan.seen.get(work.address, -1)))
        await concurrently(boundaries)
        await self._announcement.prepare(self._conversations)

    def _bind_found(self) -> None:
        """Bind conversations that exist and are to be changed, but were never bound."""
        state = self.context.state
        for address, work in self._conversations.items():
            for action in work.inside.own:
                if action.verb is Verb.UPDATE and address not in state.bindings:
                    service_sid = state.bindings[parent_of(address)].sid
                    state.apply(Bound(address, existing(action.sid or "", service_sid=service_sid)))

    async def _create_services(self) -> None:
        await concurrently(
            create_service(self.context, action, self._announcement.parents[action.address])
            for action in self.context.places.services
            if action.verb is Verb.CREATE
        )

    async def _work(self) -> None:
        """Do everything but creating services: conversations side by side, then services go."""
        longest_first = sorted(
            self._conversations.values(), key=lambda work: work.creates.priority, reverse=True
        )
        await concurrently(self._work_in(work) for work in longest_first)
        for action in self.context.places.services:
            if action.verb is Verb.DELETE:
                await delete_service(self.context, action)
            elif action.verb is Verb.FORGET and action.address not in self._unfinished:
                await forget(self.context, action)

    async def _work_in(self, work: ConversationWork) -> None:
        """Do everything in one conversation, from its create to its deletion."""
        context = self.context
        participants = work.inside.participants
        for action in work.inside.own:
            if action.verb is Verb.REPLACE:
                if not await self._delete(action, work):
                    return
                context.results.halfway(action, sid=None)
            if action.verb in POSTING:
                intent = self._announcement.parents[action.address]
                await create_conversation(context, action, intent, priority=work.creates.priority + 1)
            elif action.verb is Verb.UPDATE:
                await update_conversation(context, action, context.state.bindings[work.address])
        sids = context.sids(work.address)
        if sids is not None:
            await add_participants(context, participants, *sids)
            await work.carry_out(*sids)
            await remove_participants(context, participants, *sids)
        await self._end(work)

    async def _end(self, work: ConversationWork) -> None:
        """Do what must wait until everything else in a conversation is done."""
        context = self.context
        done = context.sids(work.address) is not None and context.results.are_done(
            (*work.actions, *work.inside.participants)
        )
        for action in work.inside.own:
            if action.verb is Verb.FORGET and done:
                await forget(context, action)
            elif has_final_state(action) and done:
                self._lacks_state = not await change_state(context, action) or self._lacks_state
            elif action.verb is Verb.DELETE and await self._delete(action, work):
                context.results.finish(action, Status.DONE, sid=action.sid)

    async def _delete(self, action: Action, work: ConversationWork) -> bool:
        """Delete a conversation, for good or before it is created again; return whether it is gone."""
        context = self.context
        binding = context.state.bindings[work.address]
        participants = work.inside.participants
        inside, known = self._bound_in[work.address], {one.sid for one in participants}
        if not await delete_conversation(context, action, binding, inside, known):
            return False
        work.report_deleted_with_parent()
        for gone in participants:
            if gone.with_parent and gone.verb is Verb.DELETE:
                context.results.finish(gone, Status.DONE, sid=gone.sid)
        return True

    def _unbind_parents(self) -> None:
        """Unbind parents that are no longer declared, unless something in them is not done."""
        unfinished = self._unfinished
        for record in self.plan.records:
            if isinstance(record, Unbound) and record.address not in unfinished:
                self.context.state.apply(record)

    @property
    def _unfinished(self) -> set[Address]:
        """The parents in which something is not done."""
        unfinished = set()
        for address, work in self._conversations.items():
            are_done, inside = self.context.results.are_done, work.inside
            if not are_done((*inside.participants, *inside.messages)):
                unfinished |= {address, parent_of(address)}
            elif not are_done(inside.own):
                unfinished.add(parent_of(address))
        return unfinished

    @cached_property
    def _bound_in(self) -> defaultdict[Address, list[Address]]:
        """By conversation, the addresses that were bound in it when the first conversation was deleted."""
        found: defaultdict[Address, list[Address]] = defaultdict(list)
        for address in self.context.state.bindings:
            found[parent_of(address)].append(address)
        return found

    def _outcome(self) -> Outcome:
        results, counters = self.context.results, self.context.client.counters
        is_left = self._lacks_state or not results.are_done(self.plan.actions)
        return Outcome(
            results=tuple(map(results.of, self.plan.actions)),
            warnings=tuple(results.warnings),
            read=counters.read,
            write=counters.write,
            retried=counters.retried,
            interrupted=self.context.stopping and is_left,
        )
