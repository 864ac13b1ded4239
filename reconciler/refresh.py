"""Read what a plan needs, and no more.

Per conversation the cheaper way is taken: pages of the listing, or one fetch per managed message.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping
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
        whole = self.whole or deletes_rest or self.options.adopt or not sids
        if whole or _listing_is_cheaper(self.client, len(sids) + creates, highest):
            return ConversationView(self.live, await _list(self.client, self.where, sids))
        messages = await _fetch(self.client, self.where, sids)
        if creates or len(messages) < len(sids):
            messages.update({live.sid: live async for live in tail(self.client, *self.where, highest)})
        return ConversationView(self.live, messages, complete=False)


async def read_messages(
    client: Twilio, service_sid: str, conversation_sid: str, indexes: Mapping[str, int]
) -> dict[str, RemoteMessage]:
    """Return what still exists of the messages in *indexes* (sid -> index), and maybe others."""
    where = (service_sid, conversation_sid)
    if _listing_is_cheaper(client, len(indexes), max(indexes.values())):
        return await _list(client, where, list(indexes))
    return await _fetch(client, where, indexes)


async def tail(
    client: Twilio, service_sid: str, conversation_sid: str, above: int
) -> AsyncIterator[RemoteMessage]:
    """Yield the messages with an index above *above*, newest first."""
    async for page in client.message_pages(service_sid, conversation_sid, order="desc"):
        for message in page:
            if message.index <= above:
                return
            yield message


def _listing_is_cheaper(client: Twilio, fetches: int, highest: int) -> bool:
    """Compare in requests: the highest index known tells how many messages there may be."""
    return -(-(highest + 1) // client.message_page_size) <= fetches


async def _list(client: Twilio, where: tuple[str, str], sids: list[str]) -> dict[str, RemoteMessage]:
    """Read the whole listing; a bound message is absent only if a second look says so too."""
    messages = await _pages(client, where)
    absent = [sid for sid in sids if sid not in messages]
    if len(absent) > _FETCHED_SINGLY:
        messages = {**messages, **await _pages(client, where)}
    elif absent:
        messages.update(await _fetch(client, where, absent))
    return messages


async def _pages(client: Twilio, where: tuple[str, str]) -> dict[str, RemoteMessage]:
    return {live.sid: live async for page in client.message_pages(*where) for live in page}


async def _fetch(client: Twilio, where: tuple[str, str], sids: Iterable[str]) -> dict[str, RemoteMessage]:
    async def fetch(sid: str) -> RemoteMessage | None:
        try:
            return await client.fetch_message(*where, sid)
        except NotFound:
            return None

    found = await concurrently(fetch(sid) for sid in sids)
    return {message.sid: message for message in found if message is not None}
