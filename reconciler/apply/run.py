"""Carry out a plan: conversations side by side, each in order, every reply on disk before the next create.

The result is the same whether a run ends, is stopped, or is killed: what happened is in the state or
can be found out, and running again does exactly the rest.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Protocol

from reconciler.apply.lane import Lane
from reconciler.apply.parents import (
    create_parent,
    delete_conversation,
    delete_service,
    forget,
    parent_intent,
    update_conversation,
)
from reconciler.apply.settle import Settling
from reconciler.canonical import canonical_instant
from reconciler.concurrency import concurrently
from reconciler.errors import RemoteError
from reconciler.model import Address, ResourceType, parent_of, type_of
from reconciler.plan.actions import Action, Outcome, Plan, PlanWarning, Result, Status, Verb
from reconciler.plan.match import MATCH, match_text
from reconciler.state.model import Binding, Closed, InFlight, Opened, Record, State

if TYPE_CHECKING:
    from reconciler.state.journal import Journal
    from reconciler.state.store import StateStore
    from reconciler.twilio.client import Twilio


class Watcher(Protocol):
    """Who is told what is being done, while it is done."""

    def started(self, action: Action) -> None:
        """Say that *action* begins."""

    def finished(self, result: Result) -> None:
        """Say how an action ended."""


class Run:
    """One application of one plan.

    `stop` may be called at any time: no new request starts, those in flight are awaited and recorded.
    """

    def __init__(
        self,
        client: Twilio,
        state: State,
        plan: Plan,
        *,
        settling: Settling,
        parallelism: int,
        watcher: Watcher,
    ) -> None:
        self.client = client
        self.state = state
        self.plan = plan
        self.settling = settling
        self.parallelism = parallelism
        self.stopping = False
        self.journal: Journal
        self._watcher = watcher
        self._results: dict[int, Result] = {}
        self._warnings: list[PlanWarning] = []
        self._sent: set[Address] = set()
        self._on_parents: dict[Address, list[Action]] = {}
        for action in plan.actions:
            if action.type in {ResourceType.SERVICE, ResourceType.CONVERSATION}:
                self._on_parents.setdefault(action.address, []).append(action)
        self._lanes = _lanes(self)

    async def __call__(self, store: StateStore) -> Outcome:
        """Apply the plan and return what was done; raises only if the state cannot be kept."""
        await self._prepare()
        with store.begin(self.state) as self.journal:
            try:
                await self._work()
            finally:
                self._close_unsent()
        store.write(self.state)
        return self._outcome()

    def stop(self) -> None:
        """Begin nothing more."""
        self.stopping = True

    # What lanes call.

    async def record(self, *records: Record) -> None:
        """Return once *records* are on disk and in the state."""
        if records:
            await self.journal.commit(*records)
        for record in records:
            self.state.apply(record)

    def now(self) -> str:
        """Return the instant, as intents carry it."""
        return canonical_instant(self.settling.now())

    def start(self, action: Action) -> None:
        """Say that *action* begins."""
        self._watcher.started(action)

    def finish(self, action: Action, status: Status, *, sid: str | None) -> None:
        """Write down how *action* ended."""
        self._end(action, Result(action.address, action.verb, status, sid=sid))

    def fail(self, action: Action, error: RemoteError, status: Status = Status.FAILED) -> None:
        """Write down that *action* failed, or that its outcome is unknown."""
        kind = "".join(f"_{c.lower()}" if c.isupper() else c for c in type(error).__name__).lstrip("_")
        if status is Status.FAILED and self.stopping and error.status is None:
            return  # it was not sent any more: not reached
        self._end(
            action,
            Result(
                action.address, action.verb, status, action.sid, kind=kind, code=error.code, text=error.text
            ),
        )

    def notice_rewritten(self, action: Action, binding: Binding) -> None:
        """Warn where the reply shows something else than what was sent."""
        if binding.observed:
            names = ", ".join(f"`{name}`" for name in binding.observed)
            text = f"{names} differs from what was sent: a webhook or the server rewrote it"
            self._warnings.append(PlanWarning("rewritten_by_server", action.address, text))

    def refuse(self, action: Action, text: str) -> None:
        """Write down that *action* was not tried, as what it relies on has changed."""
        self._end(
            action, Result(action.address, action.verb, Status.FAILED, action.sid, kind="stale", text=text)
        )

    def sent(self, action: Action) -> None:
        """Remember that a request for *action* may have reached the server."""
        self._sent.add(action.address)

    def is_done(self, address: Address) -> bool:
        """Return True unless *address* is a parent whose create has not succeeded."""
        creates = [action for action in self._on_parents.get(address, ()) if action.verb is Verb.CREATE]
        return all(self._status(action) is Status.DONE for action in creates)

    # The parts of a run.

    async def _prepare(self) -> None:
        """Read the boundaries, and put everything that is about to be created into the state."""
        for record in self.plan.records:
            self.state.apply(record)
        posting = [lane for lane in self._lanes.values() if lane.creates]
        existing = [(lane, sids) for lane in posting if (sids := self._sids(lane.address)) is not None]
        await concurrently(lane.read_boundary(*sids) for lane, sids in existing)
        opened_at = self.now()
        for actions in self._on_parents.values():
            for action in actions:
                if action.verb is Verb.CREATE:
                    self.state.apply(Opened(await parent_intent(self, action, opened_at)))
        for lane in posting:
            service_sid, sid = self._sids(lane.address) or ("", "")
            self.state.in_flight[lane.address] = InFlight(
                boundary=lane.boundary,
                creates={
                    action.address: self.state.digest(MATCH, match_text(action.send))
                    for action in lane.creates
                },
                service_sid=service_sid,
                conversation_sid=sid,
                webhooks=any(action.webhooks for action in lane.creates),
                opened_at=opened_at,
            )

    async def _work(self) -> None:
        services = [
            a for actions in self._on_parents.values() for a in actions if a.type is ResourceType.SERVICE
        ]
        await concurrently(create_parent(self, action) for action in services if action.verb is Verb.CREATE)
        lanes = sorted(self._lanes.values(), key=lambda lane: len(lane.creates), reverse=True)
        queue = iter(lanes)  # the longest first: it decides when all is done
        await concurrently(self._worker(queue) for _ in range(min(self.parallelism, len(lanes))))
        for action in services:
            if action.verb is Verb.DELETE:
                await delete_service(self, action)
            elif action.verb is Verb.FORGET:
                await forget(self, action)

    async def _worker(self, queue: Iterator[Lane]) -> None:
        for lane in queue:
            if not self.stopping:
                await self._run_lane(lane)

    async def _run_lane(self, lane: Lane) -> None:
        own = self._on_parents.get(lane.address, [])
        for action in own:
            if action.verb is Verb.CREATE:
                await create_parent(self, action)
            elif action.verb is Verb.UPDATE:
                await update_conversation(self, action, self.state.bindings[lane.address])
        sids = self._sids(lane.address)
        if sids is not None:
            await lane.work(*sids)
        for action in own:
            if action.verb is Verb.FORGET:
                await forget(self, action)
            elif (
                action.verb is Verb.DELETE
                and not self.stopping
                and await delete_conversation(self, action, self.state.bindings[lane.address])
            ):
                await lane.went_along()

    def _sids(self, conversation: Address) -> tuple[str, str] | None:
        """Return the sids of a conversation and its service, or None while it does not exist."""
        binding = self.state.bindings.get(conversation)
        if binding is None or not self.is_done(conversation):
            return None
        return binding.service_sid, binding.sid

    def _close_unsent(self) -> None:
        """Take back what was announced in the snapshot and never sent."""
        self.state.in_flight.clear()
        for address in list(self.state.intents):
            if type_of(address) is not ResourceType.MESSAGE and address not in self._sent:
                self.state.apply(Closed(address))

    # What is reported.

    def _status(self, action: Action) -> Status:
        result = self._results.get(id(action))
        return result.status if result is not None else Status.NOT_REACHED

    def _end(self, action: Action, result: Result) -> None:
        self._results[id(action)] = result
        self._watcher.finished(result)

    def _outcome(self) -> Outcome:
        counters = self.client.counters
        return Outcome(
            results=tuple(
                self._results.get(id(action))
                or Result(action.address, action.verb, Status.NOT_REACHED, action.sid)
                for action in self.plan.actions
            ),
            warnings=tuple(self._warnings),
            read=counters.read,
            write=counters.write,
            retried=counters.retried,
            interrupted=self.stopping,
        )


def _lanes(run: Run) -> dict[Address, Lane]:
    """Return a lane per conversation that anything is to be done in."""
    grouped: dict[Address, list[Action]] = {}
    for action in run.plan.actions:
        if action.type is ResourceType.MESSAGE:
            grouped.setdefault(parent_of(action.address), []).append(action)
        elif action.type is ResourceType.CONVERSATION:
            grouped.setdefault(action.address, [])
    unordered = frozenset(run.plan.unordered)
    return {
        address: Lane(run, address, actions, unordered=address in unordered)
        for address, actions in grouped.items()
    }
