"""Say in the state what is about to be created: all that is left of it should the journal be lost too."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import msgspec

from reconciler.applier.parent_creates import parent_intent, services_by_name
from reconciler.applier.participants import announced_people
from reconciler.applier.settle_messages import announced_likeness
from reconciler.model import Address, ResourceType, type_of
from reconciler.plans.actions import Action, Verb
from reconciler.plans.sid_references import completed
from reconciler.resources.match import Likeness
from reconciler.runtime.concurrency import each
from reconciler.state.model import InFlight, Intent

if TYPE_CHECKING:
    from reconciler.applier.apply import Run
    from reconciler.applier.conversation import Lane


class Announced:
    """The creates of one run; *parents* are the intents of those that make services and conversations."""

    def __init__(self, run: Run) -> None:
        self.parents: dict[Address, Intent] = {}
        self._run = run

    async def at_first(
        self, on_parents: Mapping[Address, Iterable[Action]], lanes: Mapping[Address, Lane]
    ) -> None:
        """Announce everything, as far as it is known."""
        makes = {Verb.CREATE, Verb.REPLACE}
        creates = [action for actions in on_parents.values() for action in actions if action.verb in makes]
        known = {}
        if any(action.type is ResourceType.SERVICE for action in creates):
            known = await services_by_name(self._run)
        self.parents = {action.address: parent_intent(self._run, action, known) for action in creates}
        await self._digest(lanes)
        if not self._run.stopping:
            self._put(lanes)

    def once_known(self, awaiting: Iterable[Action], lanes: Mapping[Address, Lane]) -> None:
        """Put the sids of services that were just created where texts await them; announce what is left."""
        run = self._run
        for address in [one for one in self.parents if type_of(one) is ResourceType.SERVICE]:
            del self.parents[address], run.state.in_flight[address]
        for action in awaiting:
            if run.is_ready(action):
                known = completed(action, {name: run.state.bindings[name].sid for name in action.awaits})
                action.after.update(known.after)
                action.send.update(known.send)
                if action.address in self.parents:
                    self.parents[action.address] = parent_intent(run, action, {})
        self._put(lanes)

    async def _digest(self, lanes: Mapping[Address, Lane]) -> None:
        """Make the digests of all sensitive creates, in threads, as signals must not wait for so many."""
        run, digest = self._run, self._run.state.digest

        async def make(one: tuple[Likeness, tuple[str, ...]]) -> None:
            if not run.stopping:
                await asyncio.to_thread(one[0].hidden, one[1], digest)

        different = {
            (announced_likeness(digest, action.send), action.sensitive)
            for lane in lanes.values()
            for action in lane.creates.actions
            if action.sensitive
        }
        await each([*different], make, at_once=os.cpu_count() or 1)

    def _put(self, lanes: Mapping[Address, Lane]) -> None:
        in_flight = self._run.state.in_flight
        for address, intent in self.parents.items():
            in_flight[address] = InFlight(parent=intent)
        for address, lane in lanes.items():
            people = announced_people(self._run, address)
            if lane.creates.actions or people:
                in_flight[address] = msgspec.structs.replace(
                    lane.creates.announce(*(self._run.sids(address) or ("", ""))),
                    participants=people,
                    parent=self.parents.get(address),
                )
