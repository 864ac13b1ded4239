"""Find the service or conversation of each address.

A bound parent is found by the sid in the state. Otherwise a service is found by its declared sid or friendly
name, a conversation by its declared sid or unique name. An ambiguity is an error, and a `sid:` that does not
exist is never a reason to create.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import Struct

from reconciler.errors import NotFound, PlanError
from reconciler.model import (
    Address,
    Conversation,
    Desired,
    RemoteConversation,
    RemoteService,
    parent_of,
)
from reconciler.refresh.reading import highest_index
from reconciler.refresh.services import check_sid, find_services, no_such
from reconciler.runtime.concurrency import AT_ONCE, each
from reconciler.state.index import BindingIndex, index_bindings
from reconciler.state.model import State

if TYPE_CHECKING:
    from reconciler.twilio.client import Twilio


_LIST_FROM: Final = 20
"""From this number of conversations of a service on, its listing (pages of 100) is read first."""


class Resolved(Struct):
    """Live parents by address; None for one that does not exist.

    *listed* counts by service the conversations of its listing, *others* those of them that are neither
    declared nor bound.
    """

    services: dict[Address, RemoteService | None]
    conversations: dict[Address, RemoteConversation | None]
    others: dict[Address, int]
    listed: dict[Address, int]


async def resolve(
    client: Twilio,
    desired: Desired,
    state: State,
    *,
    bound: BindingIndex | None = None,
    removals: bool = True,
    destroy: bool = False,
) -> Resolved:
    """Return every parent that is desired or bound; raises PlanError for one that is ambiguous.

    *bound* are the bindings of *state*, if they are indexed already. `others` and `listed` are counted for
    services that may be deleted: with *destroy* all bound ones, otherwise those that are no longer desired.
    Without *removals* nothing is counted.
    """
    bound = index_bindings(state) if bound is None else bound
    services = await find_services(client, desired, state, bound.services, destroy=destroy)
    resolved = Resolved(services, {}, {}, {})
    wanted = {service.name for service in desired.services}
    addresses = _conversations_by_service(desired, bound)
    for inside in addresses.values():
        resolved.conversations.update(dict.fromkeys(inside))

    async def look_into(name: Address) -> None:
        live, inside = resolved.services[name], addresses.get(name, {})
        if live is None:
            return
        binding = state.bindings.get(name)
        being_removed = removals and (destroy or name not in wanted)
        may_be_deleted = being_removed and binding is not None and binding.created
        seen = _Seen()
        if len(inside) >= _LIST_FROM or may_be_deleted:
            await _read_listing(client, live.sid, inside, state, seen, everything=may_be_deleted)

        async def find(address: Address) -> None:
            found = await _conversation(client, live.sid, address, inside[address], state, seen)
            resolved.conversations[address] = found

        await each(list(inside), find, at_once=AT_ONCE)
        if may_be_deleted:
            known = {one.sid for address in inside if (one := resolved.conversations[address]) is not None}
            resolved.listed[name] = len(seen.by_sid)
            resolved.others[name] = sum(sid not in known for sid in seen.by_sid)

    await each(list(services), look_into, at_once=AT_ONCE)
    return resolved


class _Seen(Struct):
    """Conversations seen in the listing of a service; *complete* if it was read to its end."""

    by_sid: dict[str, RemoteConversation] = {}
    by_name: dict[str, RemoteConversation] = {}
    complete: bool = False


async def _read_listing(
    client: Twilio,
    service_sid: str,
    addresses: dict[Address, Conversation | None],
    state: State,
    seen: _Seen,
    *,
    everything: bool,
) -> None:
    """Read pages of conversations until all wanted ones are seen, or until single fetches cost less."""
    missing = {
        state.bindings[address].sid if address in state.bindings else _name_or_sid(address, conversation)
        for address, conversation in addresses.items()
    }
    budget = len(missing)
    seen.by_sid, seen.by_name = {}, {}
    async for page in client.conversation_pages(service_sid):
        for conversation in page:
            seen.by_sid[conversation.sid] = conversation
            missing.discard(conversation.sid)
            if conversation.unique_name is not None:
                seen.by_name[conversation.unique_name] = conversation
                missing.discard(conversation.unique_name)
        budget -= 1
        if not everything and (not missing or budget <= 0):
            return
    seen.complete = True


async def _conversation(
    client: Twilio,
    service_sid: str,
    address: Address,
    conversation: Conversation | None,
    state: State,
    seen: _Seen,
) -> RemoteConversation | None:
    binding = state.bindings.get(address)
    if conversation is not None and conversation.sid is not None:
        where = (address, conversation.path, conversation.line, conversation.sid)
        check_sid(*where, binding.sid if binding else None)
        live = seen.by_sid.get(conversation.sid) or await _fetch(client, service_sid, conversation.sid)
        if live is None:
            raise no_such(*where, "conversation")
        return live
    name = conversation.unique_name if conversation is not None else None
    if name is None:
        if binding is None:
            return None
        return seen.by_sid.get(binding.sid) or await _fetch_bound(client, service_sid, binding.sid)
    live = seen.by_name.get(name)
    if live is None and not (seen.complete and binding is None):
        live = await _fetch(client, service_sid, name)
    if binding is None or (live is not None and live.sid == binding.sid):
        return live
    if live is not None:
        raise PlanError(
            f"`{address}` is {binding.sid} in the state, but the unique name {name!r} now means {live.sid}",
            hint=f"rename {live.sid}, or run `reconciler state rm {address}` to use it instead",
        )
    return seen.by_sid.get(binding.sid) or await _fetch(client, service_sid, binding.sid)


async def _fetch(client: Twilio, service_sid: str, sid_or_name: str) -> RemoteConversation | None:
    try:
        return await client.fetch_conversation(service_sid, sid_or_name)
    except NotFound:
        return None


async def _fetch_bound(client: Twilio, service_sid: str, sid: str) -> RemoteConversation | None:
    """Return a conversation, or None if it and its messages are both answered with 404.

    Raises NotFound if its messages are there and it is not: a replica is behind.
    """
    if (live := await _fetch(client, service_sid, sid)) is not None:
        return live
    try:
        await highest_index(client, service_sid, sid)
    except NotFound:
        return None
    return await client.fetch_conversation(service_sid, sid)


def _conversations_by_service(
    desired: Desired, bound: BindingIndex
) -> dict[Address, dict[Address, Conversation | None]]:
    """Return for each service its desired conversations, then those that are only bound."""
    found: dict[Address, dict[Address, Conversation | None]] = {
        service.name: {f"{service.name}/{item.name}": item for item in service.conversations}
        for service in desired.services
    }
    for address in bound.conversations:
        found.setdefault(parent_of(address), {}).setdefault(address, None)
    return found


def _name_or_sid(address: Address, conversation: Conversation | None) -> str:
    if conversation is None:
        return address
    return conversation.sid or conversation.unique_name or conversation.name
