"""Read what only a plan with creates or deletions needs, once it is made.

Most plans change little or nothing, so this is not read before.
"""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING

import msgspec

from reconciler.model import Address, ConversationView, Remote, RemoteMessage, parent_of
from reconciler.plans.actions import POSTING, Verb, by_place
from reconciler.plans.options import Options
from reconciler.plans.part import Part
from reconciler.refresh.reading import list_messages
from reconciler.refresh.remote import bound_sids, with_participants
from reconciler.runtime.concurrency import AT_ONCE, each
from reconciler.state.index import BindingIndex

if TYPE_CHECKING:
    from reconciler.twilio.client import Twilio


async def look_closer(
    client: Twilio, part: Part, remote: Remote, bound: BindingIndex, options: Options
) -> Remote | None:
    """Return *remote* with what *part* needs besides, or None if it needs nothing.

    For a conversation in which it posts: the participants, and the whole listing, as a duplicate may be
    anywhere in it. Where duplicates are allowed, the newest message will do. For a conversation that it
    deletes: the participants.
    """
    needs = _needs(part, options)
    closer: dict[Address, ConversationView] = {}

    async def read(address: Address) -> None:
        view, service = remote.conversations.get(address), remote.services.get(parent_of(address))
        if view is None or view.remote is None or service is None:
            return
        where, seen = (service.sid, view.remote.sid), view
        if needs[address] is _Messages.ALL and not view.complete:
            sids, _ = bound_sids(bound.messages.get(address, {}).values())
            messages = await list_messages(client, where, sids)
            seen = msgspec.structs.replace(seen, messages=messages, complete=True)
        elif needs[address] is _Messages.NEWEST and not (view.complete or view.newest):
            newest = await _newest(client, where)
            seen = msgspec.structs.replace(seen, messages=view.messages | newest, newest=True)
        if view.participants is None:
            seen = await with_participants(client, service.sid, seen)
        if seen is not view:
            closer[address] = seen

    await each(list(needs), read, at_once=AT_ONCE)
    if not closer:
        return None
    return msgspec.structs.replace(
        remote, conversations=remote.conversations | closer, requests=client.counters.read
    )


class _Messages(IntEnum):
    """The messages of a conversation that must be read, besides the bound ones."""

    NONE = 0
    NEWEST = 1
    ALL = 2


def _needs(part: Part, options: Options) -> dict[Address, _Messages]:
    """Return the conversations in which *part* posts or which it deletes, with the messages to read."""
    needs: dict[Address, _Messages] = {}
    for conversation, inside in by_place(part.actions).conversations.items():
        posted = [action.address for action in inside.messages if action.verb in POSTING]
        if posted:
            needs[conversation] = _Messages.NEWEST if all(map(options.duplicates, posted)) else _Messages.ALL
        elif any(action.verb is Verb.DELETE for action in inside.own):
            needs[conversation] = _Messages.NONE
    return needs


async def _newest(client: Twilio, where: tuple[str, str]) -> dict[str, RemoteMessage]:
    async for page in client.message_pages(*where, order="desc", page_size=1):
        return {live.sid: live for live in page}
    return {}
