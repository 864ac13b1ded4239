"""Write planned creates into the snapshot, so that a run whose journal is lost can still be settled."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterable, Mapping

import msgspec

from reconciler.applier.context import Context
from reconciler.applier.conversation import ConversationWork
from reconciler.applier.parent_creates import conversation_intent, service_intent, services_by_name
from reconciler.applier.participants import announced_participants
from reconciler.applier.posting import Creates
from reconciler.applier.settle_messages import announced_likeness, date_digest
from reconciler.model import Address, ResourceType, type_of
from reconciler.plans.actions import POSTING, Action
from reconciler.resources.match import Likeness
from reconciler.runtime.concurrency import each
from reconciler.state.remembered import InFlight, Intent


class Announcement:
    """The announced creates of one run: the state's `in_flight`, one entry per conversation or service."""

    def __init__(self, context: Context) -> None:
        self.parents: dict[Address, Intent] = {}
        """The intents of the services and conversations that are to be created."""
        self._context = context

    async def prepare(self, conversations: Mapping[Address, ConversationWork]) -> None:
        """Announce every create before the first snapshot; texts may still lack the sids of services."""
        context = self._context
        services = [action for action in context.places.services if action.verb in POSTING]
        known = await services_by_name(context) if services else {}
        self.parents = {action.address: service_intent(context, action, known) for action in services}
        for work in conversations.values():
            creates = [action for action in work.inside.own if action.verb in POSTING]
            self.parents |= {action.address: conversation_intent(context, action) for action in creates}
        await self._digest(conversations)
        if not context.stopping:
            self._put(conversations)

    def complete(self, awaiting: Iterable[Action], conversations: Mapping[Address, ConversationWork]) -> None:
        """Announce the rest again, once the services exist whose sids the *awaiting* actions need."""
        context = self._context
        for address in [one for one in self.parents if type_of(one) is ResourceType.SERVICE]:
            del self.parents[address]
            context.state.in_flight.pop(address, None)  # a store that announces nothing has cleared it
        for action in awaiting:
            if action.address in self.parents and context.is_ready(action):
                self.parents[action.address] = conversation_intent(context, action)
        self._put(conversations)

    async def _digest(self, conversations: Mapping[Address, ConversationWork]) -> None:
        """Compute the slow digests of all sensitive creates, in threads: a signal must not wait for them."""
        context, digest = self._context, self._context.digest

        async def compute(one: tuple[Likeness, tuple[str, ...]]) -> None:
            if not context.stopping:
                await asyncio.to_thread(one[0].hidden, one[1], digest)

        different = {
            (announced_likeness(digest, action.send), action.sensitive)
            for work in conversations.values()
            for action in work.creates.actions
            if action.sensitive
        }
        await each([*different], compute, at_once=os.cpu_count() or 1)

    def _put(self, conversations: Mapping[Address, ConversationWork]) -> None:
        in_flight = self._context.state.in_flight
        for address, intent in self.parents.items():
            in_flight[address] = InFlight(parent=intent)
        for address, work in conversations.items():
            participants = announced_participants(self._context, work.inside.participants)
            if work.creates.actions or participants:
                in_flight[address] = msgspec.structs.replace(
                    _in_flight(self._context, work.creates, *(self._context.sids(address) or ("", ""))),
                    participants=participants,
                    parent=self.parents.get(address),
                )


def _in_flight(context: Context, creates: Creates, service_sid: str, conversation_sid: str) -> InFlight:
    """Return the entry of the snapshot for the creates of messages in one conversation."""
    digest = context.digest
    actions = [context.completed(action) for action in creates.actions]
    known = {
        action.address: announced_likeness(digest, action.send).hidden(action.sensitive, digest)
        for action in actions
    }
    return InFlight(
        boundary=creates.boundary,
        creates={address: one.match for address, one in known.items()},
        tolerant={address: (one.tolerant, one.author) for address, one in known.items()},
        dates={action.address: date for action in actions if (date := date_digest(digest, action.send))},
        service_sid=service_sid,
        conversation_sid=conversation_sid,
        webhooks=any(action.webhooks for action in actions),
        unordered=creates.unordered,
        opened_at=context.client.now(),
        clock_at=context.clock(),
    )
