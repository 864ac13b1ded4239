"""The context of one run: what its workers share."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from reconciler.applier.polling import Clock, SettleWindow
from reconciler.applier.progress import Progress, Use
from reconciler.applier.results import Results, Watcher
from reconciler.applier.slots import Slots
from reconciler.model import Address, ResourceType
from reconciler.model.canonical import canonical_instant
from reconciler.plans.actions import POSTING, Action, Verb, by_place
from reconciler.plans.sid_references import completed
from reconciler.state.model import Record, State

if TYPE_CHECKING:
    from reconciler.state.stores.interface import Journal
    from reconciler.twilio.client import Twilio

PARENTS: Final = frozenset({ResourceType.SERVICE, ResourceType.CONVERSATION})


class Context:
    """What the workers of one run share.

    *settle* is the settle window in seconds. At most *parallelism* requests are in flight. *watcher* is told
    of the progress. *now* is our own clock. *use* is given if the plan was saved.
    """

    def __init__(
        self,
        client: Twilio,
        state: State,
        actions: Sequence[Action],
        *,
        settle: float,
        parallelism: int,
        watcher: Watcher,
        now: Clock,
        use: Use | None,
    ) -> None:
        self.client = client
        self.state = state
        self.digest = state.digest
        """The digests of the state's history."""
        self.journal: Journal
        """The open journal: from the first snapshot of the state on."""
        self.window = 1
        """The number of creates of a conversation that one write of the store announces; set with it."""
        self.parallelism = parallelism
        # A slot is held during the fsync before its request, so there are 25 % more slots than parallel
        # requests. The client's pace limits the requests themselves.
        self.slots = Slots(parallelism + max(1, parallelism // 4))
        self.clock: Callable[[], str] = lambda: canonical_instant(now())
        """The present by our own clock, in whole seconds of UTC."""
        self.settle_window: SettleWindow = lambda _: settle
        self.progress = Progress(use, actions)
        self._stopped = asyncio.Event()
        self.results = Results(watcher, self._stopped.is_set, self.progress.finished)
        self.places = by_place(actions)
        """The actions of the run by service and conversation."""
        on_conversations = [one for inside in self.places.conversations.values() for one in inside.own]
        self.deleted = {one.sid for one in on_conversations if one.verb is Verb.DELETE and one.sid}
        """The sids of conversations that this run deletes. Their unique names may stay taken for a while."""
        self._parent_creates: dict[Address, list[Action]] = {}
        for one in (*self.places.services, *on_conversations):
            if one.verb in POSTING:
                self._parent_creates.setdefault(one.address, []).append(one)

    def stop(self) -> None:
        """Let no new request start; those in flight are awaited and recorded."""
        self._stopped.set()

    @property
    def stopping(self) -> bool:
        """Whether no new request may start."""
        return self._stopped.is_set()

    async def pause(self, seconds: float) -> bool:
        """Wait *seconds*, but no longer than until the run is stopped; return whether it goes on."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._stopped.wait()
        return not self.stopping

    async def record(self, *records: Record, done: Action | None = None) -> None:
        """Apply *records* to the state and return once they are on disk.

        The action *done* needs nothing more after them: that is written with them.
        """
        records = (*self.progress.records(done), *records)
        kept = [self.state.apply(record) for record in records]
        if kept:
            await self.journal.commit(*kept)

    def sids(self, conversation: Address) -> tuple[str, str] | None:
        """Return the sids of the service of a conversation and of itself, or None while it does not exist."""
        binding = self.state.bindings.get(conversation)
        if binding is None or not self.is_done(conversation):
            return None
        return binding.service_sid, binding.sid

    def is_done(self, address: Address) -> bool:
        """Return False if *address* is a parent whose create or replacement has not succeeded (yet)."""
        return self.results.are_done(self._parent_creates.get(address, ()))

    def is_ready(self, action: Action) -> bool:
        """Return whether the services exist whose sids belong in the texts of *action*."""
        return all(self.is_done(service) for service in action.awaits)

    def completed(self, action: Action) -> Action:
        """Return *action* with the sids of services in its texts, or as it is until `is_ready`.

        Results and progress are kept for the plan's own action, not for this copy.
        """
        if not action.awaits or not self.is_ready(action):
            return action
        return completed(action, {name: self.state.bindings[name].sid for name in action.awaits})
