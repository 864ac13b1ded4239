"""Read what a plan needs, and no more.

Per conversation the cheaper way is taken: pages of the listing, or one fetch per managed message.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from typing import TYPE_CHECKING, Final

from reconciler.concurrency import concurrently
from reconciler.errors import NotFound
from reconciler.model import (
    Address,
    Conversation,
    ConversationView,
    Desired,
    Remote,
    RemoteConversation,
    RemoteMessage,
    Unmanaged,
    parent_of,
)
from reconciler.plan.build import bindings_by_conversation
from reconciler.plan.draft import Options
from reconciler.resolve import resolve
from reconciler.state.model import Binding, State

if TYPE_CHECKING:
    from reconciler.twilio.client import Twilio

_FETCHED_SINGLY: Final = 20
"""Up to so many bound messages that a listing lacks are looked up one by one; more, and it is read again."""


async def refresh(client: Twilio, desired: Desired, state: State, options: Options) -> Remote:
    """Return the live parents and messages that *desired* and *state* speak of."""
    resolved = await resolve(client, desired, state)
    grouped = bindings_by_conversation(state)
    declared = {
        f"{service.name}/{conversation.name}": conversation
        for service in desired.services
        for conversation in service.conversations
    }
    reads = {
        address: _Reader(client, service.sid, live, declared.get(address), grouped.get(address, {}), options)
        for address, live in resolved.conversations.items()
        if live is not None and (service := resolved.services[parent_of(address)]) is not None
    }
    for address, reader in reads.items():
        binding = state.bindings.get(address)
        going = options.destroy or address not in declared
        reader.whole = any(parent_of(intent) == address for intent in state.intents) or (
            going and binding is not None and binding.created
        )
    views = await concurrently(reader.read() for reader in reads.values())
    conversations: dict[Address, ConversationView] = dict.fromkeys(
        resolved.conversations, ConversationView(remote=None)
    )
    conversations.update(zip(reads, views, strict=True))
    return Remote(
        services=resolved.services,
        conversations=conversations,
        others=resolved.others,
        requests=client.counters.read,
    )


class _Reader:
    """How one conversation is read; *whole* asks for all its messages."""

    def __init__(
        self,
        client: Twilio,
        service_sid: str,
        live: RemoteConversation,
        desired: Conversation | None,
        bindings: dict[Address, Binding],
        options: Options,
    ) -> None:
        self.client = client
        self.where = (service_sid, live.sid)
        self.live = live
        self.desired = desired
        self.bindings = bindings
        self.options = options
        self.whole = False

    async def read(self) -> ConversationView:
        """Return what the planner must see of this conversation."""
        keys = [message.key for message in self.desired.messages] if self.desired is not None else []
        deletes_rest = self.desired is not None and self.desired.unmanaged is Unmanaged.DELETE
        if not (keys or self.bindings or self.whole or deletes_rest):
            return ConversationView(self.live, complete=False)
        sids = [sid for binding in self.bindings.values() for sid in (binding.sid, *binding.superseded)]
        highest = max((binding.index for binding in self.bindings.values()), default=-1)
        known = {address.rpartition("/")[2] for address in self.bindings}
        creates = any(key not in known for key in keys)
        pages = -(-(highest + 1) // self.client.message_page_size)
        whole = self.whole or deletes_rest or self.options.adopt or not sids
        if whole or pages <= len(sids) + creates:
            return ConversationView(self.live, await self._list(sids))
        messages = await self._fetch(sids)
        if creates or len(messages) < len(sids):
            messages.update(await self._tail(highest))
        return ConversationView(self.live, messages, complete=False)

    async def _list(self, sids: list[str]) -> dict[str, RemoteMessage]:
        """Read the whole listing; a bound message is absent only if a second look says so too."""
        messages = await self._pages()
        absent = [sid for sid in sids if sid not in messages]
        if len(absent) > _FETCHED_SINGLY:
            messages = {**messages, **await self._pages()}
        elif absent:
            messages.update(await self._fetch(absent))
        return messages

    async def _pages(self) -> dict[str, RemoteMessage]:
        messages: dict[str, RemoteMessage] = {}
        async for page in self.client.message_pages(*self.where):
            for message in page:
                messages[message.sid] = message
        return messages

    async def _fetch(self, sids: Iterable[str]) -> dict[str, RemoteMessage]:
        async def fetch(sid: str) -> RemoteMessage | None:
            try:
                return await self.client.fetch_message(*self.where, sid)
            except NotFound:
                return None

        found = await concurrently(fetch(sid) for sid in sids)
        return {message.sid: message for message in found if message is not None}

    async def _tail(self, above: int) -> dict[str, RemoteMessage]:
        return {message.sid: message async for message in tail(self.client, *self.where, above)}


async def tail(
    client: Twilio, service_sid: str, conversation_sid: str, above: int
) -> AsyncIterator[RemoteMessage]:
    """Yield the messages with an index above *above*, newest first."""
    async for page in client.message_pages(service_sid, conversation_sid, order="desc"):
        for message in page:
            if message.index <= above:
                return
            yield message
