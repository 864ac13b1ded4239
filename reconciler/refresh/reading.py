"""Read the messages of one conversation: by pages of its listing, or one by one."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Final, TypeAlias

from reconciler.errors import NotFound
from reconciler.model import (
    Message,
    RemoteMessage,
)
from reconciler.runtime.concurrency import concurrently
from reconciler.state.remembered import Binding

if TYPE_CHECKING:
    from reconciler.twilio.client import Twilio


_SMALL_PAGE: Final = 50


_LARGE_PAGE: Final = 1000


_FETCHED_SINGLY: Final = 20
"""The most bound messages missing from a listing that are looked up one by one.

If more are missing, the listing is read again. The newest of those that it still lacks are fetched, and show
whether it only lags behind.
"""


_Held: TypeAlias = dict[str, tuple[Binding, Message]]
"""Message sid -> its binding and its declaration: values that are in memory already."""


async def read_messages(
    client: Twilio, service_sid: str, conversation_sid: str, indexes: Mapping[str, int]
) -> dict[str, RemoteMessage]:
    """Return those messages of *indexes* (sid -> index) that still exist, and possibly others."""
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
    """Yield the messages with an index above *above*, newest first.

    *expected* is their probable number, by which the page size is chosen.
    """
    pages = client.message_pages(
        service_sid, conversation_sid, order="desc", page_size=min(max(expected, _SMALL_PAGE), _LARGE_PAGE)
    )
    async for page in pages:
        for message in page:
            if message.index <= above:
                return
            yield message


def _listing_is_cheaper(client: Twilio, fetches: int, highest: int) -> bool:
    """Compare the ways in requests; the *highest* index known bounds the number of messages."""
    return -(-(highest + 1) // client.message_page_size) <= fetches


async def list_messages(
    client: Twilio, where: tuple[str, str], sids: Mapping[str, int], held: Callable[[], _Held] = dict
) -> dict[str, RemoteMessage]:
    """Read the whole listing; a bound message is absent only if a second look finds it absent too."""
    messages = await _pages(client, where, held)
    absent = [sid for sid in sids if sid not in messages]
    if len(absent) > _FETCHED_SINGLY:
        messages = {**messages, **await _pages(client, where, held)}
        absent = sorted((sid for sid in absent if sid not in messages), key=sids.__getitem__, reverse=True)
    if absent:
        found = await _fetch(client, where, absent[:_FETCHED_SINGLY])
        if found:  # the listing lags behind: its newest messages do not show yet
            found |= await _fetch(client, where, absent[_FETCHED_SINGLY:])
        messages.update(found)
    return messages


async def _pages(
    client: Twilio, where: tuple[str, str], held: Callable[[], _Held]
) -> dict[str, RemoteMessage]:
    messages: dict[str, RemoteMessage] = {}
    texts: _Held = {}
    async for page in client.message_pages(*where):
        texts = texts or held()  # built only now, as hundreds of conversations may wait for their first page
        for live in page:
            known = texts.get(live.sid)
            lean = live if known is None else _lean(live, *known, where[1])
            messages[lean.sid] = lean
    return messages


def _lean(live: RemoteMessage, binding: Binding, message: Message, conversation_sid: str) -> RemoteMessage:
    """Return *live* with the equal values of *binding* and *message*, so that each is in memory once.

    Most messages are as declared, and then take a sixth of the memory.
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
