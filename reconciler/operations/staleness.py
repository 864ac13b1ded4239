"""Read again what a saved plan relies on, and refuse the plan if any of it has changed."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from msgspec import Struct, field

from reconciler.errors import NotFound, PlanError
from reconciler.model import (
    Address,
    RemoteConversation,
    RemoteParticipant,
    RemoteService,
    ResourceType,
    parent_of,
)
from reconciler.plans.actions import Action, Verb
from reconciler.plans.fingerprint import Live, changed_since
from reconciler.plans.plan import Plan
from reconciler.refresh.reading import read_messages
from reconciler.resources.participant import live_participant_values, natural_key
from reconciler.runtime.concurrency import concurrently

if TYPE_CHECKING:
    from reconciler.state.digests import Digests
    from reconciler.state.model import State
    from reconciler.twilio.client import Twilio


AGAIN: Final = "run `reconciler plan --out FILE` again and review the result"


class Seen(Struct):
    """The live objects that a plan relies on."""

    objects: dict[str, Live] = field(default_factory=dict)
    """The objects that the plan touches, by sid."""
    participants: dict[Address, list[RemoteParticipant]] = field(default_factory=dict)
    """The participants of each conversation that the plan posts in, or whose participants it changes."""
    gone: list[Address] = field(default_factory=list)
    """Those of these conversations that do not exist."""
    same_name: dict[Address, RemoteConversation] = field(default_factory=dict)
    """Conversations that have the unique name of one that the plan would create."""
    services: list[RemoteService] = field(default_factory=list)
    """All services of the account, if the plan has an action on a service."""


async def look_again(client: Twilio, plan: Plan, state: State) -> Seen:
    """Return the live objects that *plan* touches, and those that exist where it would create one."""
    seen = Seen()
    sids = _sids(state, plan)
    places = {
        address: (sids[parent_of(address)], sid)
        for address, sid in sids.items()
        if "/" in address and parent_of(address) in sids
    }
    by_type: dict[ResourceType, list[Action]] = {kind: [] for kind in ResourceType}
    for action in plan.actions:
        if action.fingerprint or action.verb is Verb.CREATE:
            by_type[action.type].append(action)

    async def messages(conversation: Address, actions: Iterable[Action]) -> None:
        indexes = {action.sid: action.index for action in actions if action.sid is not None}
        if indexes:
            with suppress(NotFound):
                seen.objects |= await read_messages(client, *places[conversation], indexes)

    async def conversation(action: Action, service_sid: str) -> None:
        with suppress(NotFound):
            live = await client.fetch_conversation(service_sid, action.sid or action.send["unique_name"])
            if action.sid is None:
                seen.same_name[action.address] = live
            else:
                seen.objects[action.sid] = live

    async def participants(conversation: Address) -> None:
        try:
            there = [live async for page in client.participant_pages(*places[conversation]) for live in page]
        except NotFound:
            seen.gone.append(conversation)
            return
        seen.participants[conversation] = there
        seen.objects |= {live.sid: live for live in there}

    by_conversation = _by_conversation(by_type[ResourceType.MESSAGE])
    with_participants = {*plan.posting, *_by_conversation(by_type[ResourceType.PARTICIPANT])}
    await concurrently(
        (
            *(
                messages(address, actions)
                for address, actions in by_conversation.items()
                if address in places
            ),
            *(
                conversation(action, sids[parent_of(action.address)])
                for action in by_type[ResourceType.CONVERSATION]
                if parent_of(action.address) in sids
            ),
            *(participants(address) for address in with_participants if address in places),
        )
    )
    if by_type[ResourceType.SERVICE]:
        seen.services = [live async for page in client.service_pages() for live in page]
        seen.objects |= {live.sid: live for live in seen.services}
    return seen


def judge(plan: Plan, seen: Seen, digests: Digests, *, begun: bool) -> None:
    """Raise PlanError, naming what changed, unless everything that *plan* relies on is unchanged.

    *digests* are those of its state.
    If the plan was *begun*, actions that are left may have been done without being recorded.
    """
    for action in plan.actions:
        why = _change(action, seen, digests, begun=begun)
        if why is not None:
            raise stale(action.address, why)
    anew = {action.address for action in plan.actions if action.verb is Verb.REPLACE}
    for conversation in seen.gone:
        if not (begun and conversation in anew):
            raise stale(conversation, "it is gone")
    warned = {warning.address for warning in plan.warnings if warning.code == "delivers_externally"}
    for conversation in plan.posting:
        if conversation not in warned | anew and (sid := _outside(seen.participants.get(conversation, ()))):
            raise stale(conversation, f"{sid}, outside the chat, would really get the messages")


def already_created(actions: Iterable[Action], seen: Seen, state: State) -> list[Address]:
    """Return the addresses of creates in *actions* whose object exists already and is bound to them."""
    there = (
        (action.address, there_already(action, seen)) for action in actions if action.verb is Verb.CREATE
    )
    return [
        address
        for address, live in there
        if live is not None and address in state.bindings and state.bindings[address].sid == live.sid
    ]


def _change(action: Action, seen: Seen, digests: Digests, *, begun: bool) -> str | None:
    """Return how the object of *action* has changed since the plan was made, or None."""
    person = action.type is ResourceType.PARTICIPANT
    if action.fingerprint:
        live = seen.objects.get(action.sid or "")
        if live is None:
            goes_first = person or action.with_parent or action.type is ResourceType.CONVERSATION
            may_be_gone = action.verb is Verb.DELETE or (goes_first and action.verb is Verb.REPLACE)
            return None if begun and may_be_gone else f"{action.sid} is gone"
        changed = changed_since(action, live, digests, begun=begun)
        return f"{action.sid} was changed since: {', '.join(changed)}" if changed else None
    if action.verb is not Verb.CREATE or (begun and person):  # an identity is there once at most
        return None
    there = there_already(action, seen)
    return f"it exists by now ({there.sid})" if there is not None else None


def stale(address: Address, why: str) -> PlanError:
    """Return the error for a plan that is stale because of *address*; *why* completes the sentence."""
    return PlanError(f"stale plan: `{address}` is not as it was: {why}", hint=AGAIN)


def there_already(action: Action, seen: Seen) -> Live | None:
    """Return the live object that has the name or natural key of the one that *action* would create.

    For messages it is None: the apply itself looks for them.
    """
    if action.type is ResourceType.SERVICE:
        name = action.send["friendly_name"]
        return next((live for live in seen.services if live.friendly_name == name), None)
    if action.type is ResourceType.PARTICIPANT:
        key = natural_key(action.send)
        there = seen.participants.get(parent_of(action.address), ())
        return next((live for live in there if natural_key(live_participant_values(live)) == key), None)
    return seen.same_name.get(action.address)


def _outside(participants: Iterable[RemoteParticipant]) -> str | None:
    """Return the sid of a participant outside the chat, who would really receive messages, or None."""
    return next((live.sid for live in participants if "address" in live_participant_values(live)), None)


def _sids(state: State, plan: Plan) -> dict[Address, str]:
    """Return the sid of every service and conversation that exists before the plan is applied.

    One that the plan creates again is left out: the state still has the sid of the old one.
    """
    sids = {parent.address: parent.sid for parent in plan.parents if parent.sid is not None}
    sids |= {address: binding.sid for address, binding in state.bindings.items() if address.count("/") <= 1}
    for action in plan.actions:
        if action.verb is Verb.CREATE:
            sids.pop(action.address, None)
    return sids


def _by_conversation(actions: Iterable[Action]) -> dict[Address, list[Action]]:
    found: dict[Address, list[Action]] = {}
    for action in actions:
        found.setdefault(parent_of(action.address), []).append(action)
    return found
