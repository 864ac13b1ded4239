"""Read the live objects that a plan needs; for each conversation in the way that takes fewer requests."""

from __future__ import annotations

from collections.abc import Collection
from itertools import count
from typing import TYPE_CHECKING

import msgspec

from reconciler.errors import NotFound
from reconciler.model import (
    Address,
    Conversation,
    ConversationView,
    Desired,
    Remote,
    RemoteConversation,
    Unmanaged,
    parent_of,
)
from reconciler.plans.options import Options
from reconciler.refresh.parents import resolve
from reconciler.refresh.reading import _fetch, _Held, _listing_is_cheaper, list_messages
from reconciler.runtime.activity import SILENT, Activity
from reconciler.runtime.concurrency import AT_ONCE, each
from reconciler.state.index import BindingIndex, index_bindings
from reconciler.state.model import State
from reconciler.state.remembered import Binding

if TYPE_CHECKING:
    from reconciler.twilio.client import Twilio


async def refresh(
    client: Twilio,
    desired: Desired,
    state: State,
    options: Options,
    *,
    bound: BindingIndex | None = None,
    removals: bool = True,
    activity: Activity = SILENT,
) -> Remote:
    """Return the live parents and messages that *desired* declares or *state* binds.

    *bound* are the bindings of *state*, if they are indexed already. Without *removals*, nothing else is read
    in parents that are no longer desired. *activity* is told how far the reading is.
    """
    activity.reading(0, 0)
    bound = index_bindings(state) if bound is None else bound
    resolved = await resolve(client, desired, state, bound=bound, removals=removals, destroy=options.destroy)
    declared = {
        f"{service.name}/{conversation.name}": conversation
        for service in desired.services
        for conversation in service.conversations
    }
    reads = {
        address: _Reader(
            client,
            service.sid,
            address,
            live,
            declared.get(address),
            bound.messages.get(address, {}),
        )
        for address, live in resolved.conversations.items()
        if live is not None and (service := resolved.services[parent_of(address)]) is not None
    }
    unsettled = {parent_of(intent) for intent in state.intents}
    for address, reader in reads.items():
        binding = state.bindings.get(address)
        being_removed = removals and (options.destroy or address not in declared)
        created = binding is not None and binding.created
        reader.resets = address in options.replace or (options.reset and created)
        reader.whole = address in unsettled or reader.resets or (being_removed and created)
    conversations: dict[Address, ConversationView] = dict.fromkeys(
        resolved.conversations, ConversationView(remote=None)
    )

    finished = count(1)
    activity.reading(0, len(reads))

    async def read(address: Address) -> None:
        try:
            conversations[address] = await reads[address].read(has_bound=address in bound.participants)
        except NotFound:
            if await reads[address].is_there():
                raise
        activity.reading(next(finished), len(reads))

    await each(list(reads), read, at_once=AT_ONCE)
    return Remote(
        services=resolved.services,
        conversations=conversations,
        others=resolved.others,
        listed=resolved.listed,
        requests=client.counters.read,
        read_at=client.read_at,
    )


class _Reader:
    """The reading of one conversation.

    *whole* asks for all its messages, *resets* also for its participants.
    """

    def __init__(
        self,
        client: Twilio,
        service_sid: str,
        address: Address,
        live: RemoteConversation,
        desired: Conversation | None,
        bindings: dict[Address, Binding],
    ) -> None:
        self.client = client
        self.where = (service_sid, live.sid)
        self.address = address
        self.live = live
        self.desired = desired
        self.bindings = bindings
        self.whole = False
        self.resets = False

    async def read(self, *, has_bound: bool) -> ConversationView:
        """Return the view that the planner needs of this conversation.

        Its participants are read if any are bound, declared or to be created again.
        """
        view = await self._read_messages()
        if has_bound or self.resets or (self.desired is not None and self.desired.participants):
            view = await with_participants(self.client, self.where[0], view)
        return view

    async def is_there(self) -> bool:
        """Return whether the conversation still exists: the deletion by an earlier run may show late."""
        try:
            await self.client.fetch_conversation(*self.where)
        except NotFound:
            return False
        return True

    async def _read_messages(self) -> ConversationView:
        wanted = self.desired.messages if self.desired is not None else ()
        deletes_rest = self.desired is not None and self.desired.unmanaged is Unmanaged.DELETE
        if not (wanted or self.bindings or self.whole or deletes_rest):
            return ConversationView(self.live, complete=False)
        sids, highest = bound_sids(self.bindings.values())
        whole = self.whole or deletes_rest or not sids
        if whole or _listing_is_cheaper(self.client, len(sids), highest):
            return ConversationView(self.live, await list_messages(self.client, self.where, sids, self._held))
        messages = await _fetch(self.client, self.where, sids)
        return ConversationView(self.live, messages, complete=False)

    def _held(self) -> _Held:
        prefix, binding_of = f"{self.address}/", self.bindings.get
        return {
            binding.sid: (binding, message)
            for message in (self.desired.messages if self.desired is not None else ())
            if (binding := binding_of(prefix + message.key)) is not None
        }


def bound_sids(bindings: Collection[Binding]) -> tuple[dict[str, int], int]:
    """Return sid -> index of *bindings*, superseded sids included, and the highest index."""
    sids = {binding.sid: binding.index for binding in bindings}
    for binding in bindings:
        for sid in binding.superseded:
            sids[sid] = binding.index
    return sids, max(sids.values(), default=-1)


async def with_participants(client: Twilio, service_sid: str, view: ConversationView) -> ConversationView:
    """Return *view* with the participants of its conversation."""
    if view.remote is None:
        return view
    participants = {
        live.sid: live
        async for page in client.participant_pages(service_sid, view.remote.sid)
        for live in page
    }
    return msgspec.structs.replace(view, participants=participants)
