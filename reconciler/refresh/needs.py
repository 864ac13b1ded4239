"""Read what only a plan with creates or deletions needs, once it is made.

Most plans change little or nothing, so this is not read before.
"""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING

import msgspec

from reconciler.model import Address, ConversationView, Remote, RemoteMessage, ResourceType, parent_of
from reconciler.plans.actions import POSTING, Verb
from reconciler.plans.options import Options
from reconciler.plans.plan import Plan
from reconciler.refresh.reading import list_messages
from reconciler.refresh.remote import bound_sids, with_participants
from reconciler.runtime.concurrency import AT_ONCE, each
from reconciler.state.index import BindingIndex

if TYPE_CHECKING:
    from reconciler.twilio.client import Twilio


async def look_closer(
    client: Twilio, plan: Plan, remote: Remote, bound: BindingIndex, options: Options
) -> Remote | None:
    """Return *remote* with what *plan* needs besides, or None if it needs nothing.

    For a conversation in which it posts: the participants, and the whole listing, as a duplicate may be
    anywhere in it. Where duplicates are allowed, the newest message will do. For a conversation that it
    deletes: the participants.
    """
    needs = _needs(plan, options)
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


def _needs(plan: Plan, options: Options) -> dict[Address, _Messages]:
    """Return the conversations in which *plan* posts or which it deletes, with the messages to read."""
    needs: dict[Address, _Messages] = {}
    for action in plan.actions:
        if action.type is ResourceType.CONVERSATION and action.verb is Verb.DELETE:
            needs.setdefault(action.address, _Messages.NONE)
        elif action.type is ResourceType.MESSAGE and action.verb in POSTING:
            conversation = parent_of(action.address)
            need = _Messages.NEWEST if options.duplicates(action.address) else _Messages.ALL
            needs[conversation] = max(need, needs.get(conversation, need))
    return needs


async def _newest(client: Twilio, where: tuple[str, str]) -> dict[str, RemoteMessage]:
    async for page in client.message_pages(*where, order="desc", page_size=1):
        return {live.sid: live for live in page}
    return {}
