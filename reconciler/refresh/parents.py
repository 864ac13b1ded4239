"""Find the services and conversations that addresses stand for.

Once bound, a parent is whatever sid the state has. Otherwise a service is found by its sid or its
friendly name, a conversation by its sid or its unique name. What cannot be told is an error, and a
`sid:` that does not exist is never a reason to create.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from reconciler.errors import NotFound, PlanError
from reconciler.model import (
    Address,
    Conversation,
    Desired,
    RemoteConversation,
    RemoteService,
    Service,
    parent_of,
)
from reconciler.runtime.concurrency import AT_ONCE, concurrently, each
from reconciler.state.index import Grouped, grouped
from reconciler.state.model import Binding, State

if TYPE_CHECKING:
    from reconciler.twilio.client import Twilio


_LIST_FROM: Final = 20
"""From this many conversations of a service on, its listing (pages of 100) is read first."""


class Resolved(Struct):
    """Live parents by address; None where the address stands for nothing that exists."""

    services: dict[Address, RemoteService | None]
    conversations: dict[Address, RemoteConversation | None]
    others: dict[Address, int]


async def resolve(
    client: Twilio,
    desired: Desired,
    state: State,
    *,
    bound: Grouped | None = None,
    removals: bool = True,
    destroy: bool = False,
) -> Resolved:
    """Return every parent that is desired or bound; raises PlanError where that cannot be told.

    *bound* are the bindings of *state*, if they are grouped already.
    `others` is counted for services that may be deleted: all that are bound under *destroy*, otherwise those
    that are no longer desired; none without *removals*.
    """
    wanted = {service.name: service for service in desired.services}
    bound = grouped(state) if bound is None else bound
    names = [*wanted, *(name for name in sorted(bound.services) if name not in wanted)]
    unknown = any(not s.sid and not s.default and s.name not in state.bindings for s in desired.services)
    by_name = await _services_by_name(client) if unknown else {}  # nothing but its name can find one
    found = await concurrently(_service(client, name, wanted.get(name), state, by_name) for name in names)
    resolved = Resolved(dict(zip(names, found, strict=True)), {}, {})
    if not destroy:
        _refuse_shared(desired, resolved.services)
        gone = [
            one for one in desired.services if one.name in bound.services and not resolved.services[one.name]
        ]
        await _refuse_remade(client, gone, bound.services)
    addresses = _conversations_by_service(desired, bound)
    for inside in addresses.values():
        resolved.conversations.update(dict.fromkeys(inside))

    async def look_into(name: Address) -> None:
        live, inside = resolved.services[name], addresses.get(name, {})
        if live is None:
            return
        binding = state.bindings.get(name)
        going = removals and (destroy or name not in wanted)
        might_go = going and binding is not None and binding.created
        seen = _Seen()
        if len(inside) >= _LIST_FROM or might_go:
            await _read_listing(client, live.sid, inside, state, seen, everything=might_go)

        async def find(address: Address) -> None:
            found = await _conversation(client, live.sid, address, inside[address], state, seen)
            resolved.conversations[address] = found

        await each(list(inside), find, at_once=AT_ONCE)
        if might_go:
            known = {one.sid for address in inside if (one := resolved.conversations[address]) is not None}
            resolved.others[name] = sum(sid not in known for sid in seen.by_sid)

    await each(names, look_into, at_once=AT_ONCE)
    return resolved


def _refuse_shared(desired: Desired, live: Mapping[Address, RemoteService | None]) -> None:
    """Raise PlanError for two names that mean one service: each would take the other's things for its own."""
    first: dict[str, Service] = {}
    for service in desired.services:
        found = live[service.name]
        other = first.setdefault(found.sid, service) if found is not None else service
        if found is not None and other is not service:
            raise PlanError(
                f"`{other.name}` ({_where(other)}) and `{service.name}` ({_where(service)}) are one service "
                f"({found.sid})",
                hint="declare it under one name; what several files say of one service name is merged",
            )


async def _refuse_remade(client: Twilio, gone: Sequence[Service], bound: Mapping[Address, Binding]) -> None:
    """Raise PlanError if a service that is *gone* was made again under its name by somebody else."""
    by_name = await _services_by_name(client) if any(not service.default for service in gone) else {}
    for service in gone:
        name = service.friendly_name or service.name
        sids = [one.sid for one in by_name.get(name, ())]
        if service.default:
            sids = [await client.default_service_sid()]
        if sids:
            meaning = "the default service" if service.default else f"the name {name!r}"
            raise PlanError(
                f"`{service.name}` is {bound[service.name].sid} in the state, which is gone, but {meaning} "
                f"now means {' and '.join(sids)}",
                hint=f"to use it, run `reconciler state rm {service.name}`; if another one is meant, also "
                f"say which with `sid:` at {_where(service)}",
            )


def _where(service: Service) -> str:
    from reconciler.manifest.where import where  # noqa: PLC0415  # a parser, which known files do without

    return where(service.path, ("services", service.name), service.line)


async def _services_by_name(client: Twilio) -> dict[str | None, list[RemoteService]]:
    by_name: dict[str | None, list[RemoteService]] = {}
    async for page in client.service_pages():
        for service in page:
            by_name.setdefault(service.friendly_name, []).append(service)
    return by_name


async def _service(
    client: Twilio,
    address: Address,
    service: Service | None,
    state: State,
    by_name: dict[str | None, list[RemoteService]],
) -> RemoteService | None:
    binding = state.bindings.get(address)
    if service is not None and service.sid is not None:
        _check_sid(address, service.path, service.line, service.sid, binding.sid if binding else None)
        try:
            return await client.fetch_service(service.sid)
        except NotFound as error:
            raise _no_such(address, service.path, service.line, service.sid, "service") from error
    if binding is not None:
        try:
            return await client.fetch_service(binding.sid)
        except NotFound:
            return None
    if service is None:
        return None
    if service.default:
        return await client.fetch_service(await client.default_service_sid())
    name = service.friendly_name or service.name
    candidates = by_name.get(name, [])
    if len(candidates) > 1:
        sids = " and ".join(candidate.sid for candidate in candidates)
        raise PlanError(
            f"{len(candidates)} services are named {name!r}: {sids}",
            hint=f"say which one is meant with `sid:` at {service.path}:{service.line}",
        )
    return candidates[0] if candidates else None


class _Seen(Struct):
    """What a listing of conversations showed; *complete* if it was read to its end."""

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
    """Read pages of conversations until all wanted ones are seen, or single fetches would be cheaper."""
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
        _check_sid(*where, binding.sid if binding else None)
        live = seen.by_sid.get(conversation.sid) or await _fetch(client, service_sid, conversation.sid)
        if live is None:
            raise _no_such(*where, "conversation")
        return live
    name = conversation.unique_name if conversation is not None else None
    if name is None:
        if binding is None:
            return None
        return seen.by_sid.get(binding.sid) or await _fetch(client, service_sid, binding.sid)
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


def _conversations_by_service(
    desired: Desired, bound: Grouped
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


def _check_sid(address: Address, path: str, line: int, sid: str, bound: str | None) -> None:
    if bound is not None and bound != sid:
        raise PlanError(
            f"`{address}` is {bound} in the state, but {path}:{line} says {sid}",
            hint=f"run `reconciler state rm {address}` if the other one is meant from now on",
        )


def _no_such(address: Address, path: str, line: int, sid: str, what: str) -> PlanError:
    return PlanError(
        f"the {what} {sid} of `{address}` does not exist (404)",
        hint=f"check `sid:` at {path}:{line}, and that the account is the right one; "
        "without `sid:` it is found by name, and created if absent",
    )
