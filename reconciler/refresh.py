"""Read what a plan needs, and no more.

Per conversation the cheaper way is taken: pages of the listing, or one fetch per managed message.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Final, TypeAlias

import msgspec

from reconciler.concurrency import AT_ONCE, concurrently, each
from reconciler.errors import NotFound
from reconciler.model import (
    Address,
    Conversation,
    ConversationView,
    Desired,
    Message,
    Remote,
    RemoteConversation,
    RemoteMessage,
    Unmanaged,
    parent_of,
)
from reconciler.planner.draft import Options
from reconciler.planner.grouping import Grouped, grouped
from reconciler.resolve import resolve
from reconciler.state.model import Binding, State

if TYPE_CHECKING:
    from reconciler.twilio.client import Twilio

_SMALL_PAGE: Final = 50
_LARGE_PAGE: Final = 1000
_FETCHED_SINGLY: Final = 20
"""Up to so many bound messages that a listing lacks are looked up one by one; more, and it is read again, and
the newest of those that it still lacks tell whether it only lags behind."""

_Held: TypeAlias = dict[str, tuple[Binding, Message]]
"""Message sid -> what is bound to it and what it shall say: texts that are in memory already."""


async def refresh(
    client: Twilio,
    desired: Desired,
    state: State,
    options: Options,
    *,
    bound: Grouped | None = None,
    removals: bool = True,
) -> Remote:
    """Return the live parents and messages that *desired* and *state* speak of.

    *bound* are the bindings of *state*, if they are grouped already. Without *removals*, what else is in
    parents that are no longer desired is not read.
    """
    bound = grouped(state) if bound is None else bound
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
        going = removals and (options.destroy or address not in declared)
        created = binding is not None and binding.created
        reader.resets = address in options.replace or (options.reset and created)
        reader.whole = address in unsettled or reader.resets or (going and created)
    conversations: dict[Address, ConversationView] = dict.fromkeys(
        resolved.conversations, ConversationView(remote=None)
    )

    async def read(address: Address) -> None:
        try:
            conversations[address] = await reads[address].read(people=address in bound.participants)
        except NotFound:
            if await reads[address].is_there():
                raise

    await each(list(reads), read, at_once=AT_ONCE)
    return Remote(
        services=resolved.services,
        conversations=conversations,
        others=resolved.others,
        requests=client.counters.read,
        read_at=client.read_at,
    )


class _Reader:
    """How one conversation is read; *whole* asks for all its messages, *resets* also for who is in it."""

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

    async def read(self, *, people: bool) -> ConversationView:
        """Return what the planner must see of this conversation; *people* if participants are bound in it."""
        view = await self._read_messages()
        if people or self.resets or (self.desired is not None and self.desired.participants):
            view = await with_participants(self.client, self.where[0], view)
        return view

    async def is_there(self) -> bool:
        """Return whether the conversation still exists: an earlier run's deletion may have come late."""
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


def bound_sids(bindings: Iterable[Binding]) -> tuple[dict[str, int], int]:
    """Return the sids of *bindings*, the superseded ones included, with an index; and the highest index."""
    sids: dict[str, int] = {}
    for binding in bindings:
        sids[binding.sid] = binding.index
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


async def read_messages(
    client: Twilio, service_sid: str, conversation_sid: str, indexes: Mapping[str, int]
) -> dict[str, RemoteMessage]:
    """Return what still exists of the messages in *indexes* (sid -> index), and maybe others."""
    where = (service_sid, conversation_sid)
    if _listing_is_cheaper(client, len(indexes), max(indexes.values())):
        return await list_messages(client, where, indexes)
    return await _fetch(client, where, indexes)


async def highest_index(client: Twilio, service_sid: str, conversation_sid: str) -> int:
    """Return the index of the last message of a conversation, -1 if it has none."""
    async for page in client.message_pages(service_sid, conversation_sid, order="desc", page_size=1):
        return max((message.index for message in page), default=-1)
    return -1


async def tail(
    client: Twilio, service_sid: str, conversation_sid: str, above: int, *, expected: int = _LARGE_PAGE
) -> AsyncIterator[RemoteMessage]:
    """Yield the messages with an index above *above*, newest first; about *expected* of them."""
    pages = client.message_pages(
        service_sid, conversation_sid, order="desc", page_size=min(max(expected, _SMALL_PAGE), _LARGE_PAGE)
    )
    async for page in pages:
        for message in page:
            if message.index <= above:
                return
            yield message


def _listing_is_cheaper(client: Twilio, fetches: int, highest: int) -> bool:
    """Compare in requests: the highest index known tells how many messages there may be."""
    return -(-(highest + 1) // client.message_page_size) <= fetches


async def list_messages(
    client: Twilio, where: tuple[str, str], sids: Mapping[str, int], held: Callable[[], _Held] = dict
) -> dict[str, RemoteMessage]:
    """Read the whole listing; a bound message is absent only if a second look says so too."""
    messages = await _pages(client, where, held)
    absent = [sid for sid in sids if sid not in messages]
    if len(absent) > _FETCHED_SINGLY:
        messages = {**messages, **await _pages(client, where, held)}
        absent = sorted((sid for sid in absent if sid not in messages), key=sids.__getitem__, reverse=True)
    if absent:
        found = await _fetch(client, where, absent[:_FETCHED_SINGLY])
        if found:  # what was written last does not show yet
            found |= await _fetch(client, where, absent[_FETCHED_SINGLY:])
        messages.update(found)
    return messages


async def _pages(
    client: Twilio, where: tuple[str, str], held: Callable[[], _Held]
) -> dict[str, RemoteMessage]:
    messages: dict[str, RemoteMessage] = {}
    texts: _Held = {}
    async for page in client.message_pages(*where):
        texts = texts or held()  # only now: hundreds of conversations wait for their first page
        for live in page:
            known = texts.get(live.sid)
            lean = live if known is None else _lean(live, *known, where[1])
            messages[lean.sid] = lean
    return messages


def _lean(live: RemoteMessage, binding: Binding, message: Message, conversation_sid: str) -> RemoteMessage:
    """Return *live* made of the texts that *binding* and *message* hold already, where they are equal.

    Most messages say what is desired, and then cost a sixth of the memory.
    """
    index, author, body, attributes = binding.index, message.author, message.body, message.attributes
    created, updated, conversation = message.date_created, live.date_updated, live.conversation_sid
    created = created if live.date_created == created else live.date_created
    return RemoteMessage(
        binding.sid,
        index if live.index == index else live.index,
        author if live.author == author else live.author,
        body if live.body == body else live.body,
        attributes if live.attributes == attributes else live.attributes,
        created,
        created if updated == created else updated,
        live.content_sid,
        live.media,
        conversation_sid if conversation == conversation_sid else conversation,
    )


async def _fetch(client: Twilio, where: tuple[str, str], sids: Iterable[str]) -> dict[str, RemoteMessage]:
    async def fetch(sid: str) -> RemoteMessage | None:
        try:
            return await client.fetch_message(*where, sid)
        except NotFound:
            return None

    found = await concurrently(fetch(sid) for sid in sids)
    return {message.sid: message for message in found if message is not None}
