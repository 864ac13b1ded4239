"""Bind an existing message, participant, conversation or service to an address, without changing it."""

from __future__ import annotations

import msgspec
from msgspec import Struct

from reconciler.errors import NotFound, StateError, UsageError
from reconciler.model import Address, Desired, ResourceType, is_address, parent_of, type_of
from reconciler.model.sids import PREFIXES, canonical_sid, is_sid
from reconciler.operations.session import Session, Settings, open_session
from reconciler.refresh.parents import resolve
from reconciler.resources.binding import created_message, existing
from reconciler.state.intents import fold_in_flight
from reconciler.state.model import Bound, State
from reconciler.state.remembered import Binding, Intent


class Imported(Struct, frozen=True):
    """The bindings that an import made: of the object, and of its parents that were not bound yet."""

    address: Address
    binding: Binding
    parents: tuple[tuple[Address, Binding], ...] = ()


async def import_object(address: Address, sid: str, desired: Desired, settings: Settings) -> Imported:
    """Bind *address* to the live object *sid*, and write the state; the caller holds its lock.

    Parents that are not bound yet are found as *desired* declares them, and bound too. An open create of
    *address* is settled by that. Raises UsageError for a malformed or impossible address or sid and for a sid
    that does not exist, StateError if either is bound already.
    """
    sid = canonical_sid(sid)
    _check_form(address, sid)
    async with open_session(settings, desired) as session:
        state = session.state
        fold_in_flight(state)
        _check_free(state, address, sid)
        parents = await _unbound_parents(session, address, desired)
        for parent, binding in parents:
            state.apply(Bound(parent, binding))
        binding = await _read(session, address, sid)
        state.apply(Bound(address, binding))
        await session.store.write(state)
    return Imported(address, binding, tuple(parents))


def _check_form(address: Address, sid: str) -> None:
    kind = type_of(address) if is_address(address) else None
    if kind is None:
        raise UsageError(
            f"`{address}` is no address that can be imported",
            hint="write `service/conversation/key` or `service/conversation/participants/key`, or the "
            "address of a service or conversation",
        )
    if not is_sid(sid, PREFIXES[kind]):
        raise UsageError(
            f"`{sid}` is no sid of a {kind}",
            hint=f"it starts with `{PREFIXES[kind]}`, and 32 hexadecimal digits follow",
        )


def _check_free(state: State, address: Address, sid: str) -> None:
    bound = state.bindings.get(address)
    if bound is not None and address not in state.intents:
        raise StateError(
            f"`{address}` is bound already, to {bound.sid}",
            hint=f"to bind it to another one, run `reconciler state rm {address}` first",
        )
    for other, binding in state.bindings.items():
        if sid == binding.sid or sid in binding.superseded:
            what = "is bound to" if sid == binding.sid else "was replaced and is still to be deleted by"
            raise StateError(
                f"{sid} {what} `{other}`",
                hint=f"to give it another address, run `reconciler state mv {other} {address}`",
            )


async def _unbound_parents(
    session: Session, address: Address, desired: Desired
) -> list[tuple[Address, Binding]]:
    """Return the parents of *address* that are not bound yet, from the top, each found on Twilio."""
    parts = address.split("/")[:3]  # participants are in the conversation, as messages are
    chain = ["/".join(parts[:count]) for count in range(1, len(parts))]
    missing = [parent for parent in chain if parent not in session.state.bindings]
    if not missing:
        return []
    for parent in missing:
        if parent in session.state.intents:
            raise StateError(
                f"an earlier run left open whether `{parent}` was created",
                hint="run `reconciler apply`, which finds out",
            )
    state = msgspec.structs.replace(
        session.state,
        bindings={parent: session.state.bindings[parent] for parent in chain if parent not in missing},
    )
    found = await resolve(session.client, _only(desired, chain), state)
    sids = {place: live.sid for place, live in {**found.services, **found.conversations}.items() if live}
    for parent in missing:
        if parent not in sids:
            kind = type_of(parent)
            raise StateError(
                f"`{parent}` stands for no {kind} yet, so `{address}` cannot be looked up in it",
                hint=f"declare it in a manifest and name that, or run `reconciler import {parent} "
                f"{PREFIXES[kind]}…` first",
            )
    return [
        (parent, existing(sids[parent], service_sid=sids[chain[0]] if "/" in parent else ""))
        for parent in missing
    ]


def _only(desired: Desired, chain: list[Address]) -> Desired:
    """Return *desired* with only the service and the conversation in *chain*."""
    services = [
        msgspec.structs.replace(
            service,
            conversations=tuple(
                conversation
                for conversation in service.conversations
                if f"{service.name}/{conversation.name}" in chain
            ),
        )
        for service in desired.services
        if service.name == chain[0]
    ]
    return msgspec.structs.replace(desired, services=tuple(services))


async def _read(session: Session, address: Address, sid: str) -> Binding:
    """Return the binding of the live object *sid*, whose parents are bound."""
    client, bindings = session.client, session.state.bindings
    parent = bindings.get(parent_of(address))
    try:
        if type_of(address) is ResourceType.SERVICE or parent is None:
            return existing((await client.fetch_service(sid)).sid)
        if type_of(address) is ResourceType.CONVERSATION:
            live_conversation = await client.fetch_conversation(parent.sid, sid)
            return existing(live_conversation.sid, service_sid=parent.sid)
        if type_of(address) is ResourceType.PARTICIPANT:
            person = await client.fetch_participant(parent.service_sid, parent.sid, sid)
            return existing(person.sid, service_sid=parent.service_sid, conversation_sid=parent.sid)
        live = await client.fetch_message(parent.service_sid, parent.sid, sid)
    except NotFound as error:
        where = f" in `{parent_of(address)}` ({parent.sid})" if parent is not None else ""
        raise UsageError(
            f"there is no {type_of(address)} {sid}{where}",
            hint="check the sid, and that it is not the one of something in another place",
        ) from error
    intent = session.state.intents.get(address) or Intent(address)
    placed = msgspec.structs.replace(intent, service_sid=parent.service_sid, conversation_sid=parent.sid)
    return created_message(session.state, placed, live, replied=True)
