"""Carry out the actions on services and conversations.

The state `inactive` or `closed` comes last: new messages end the one, and the other forbids them.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

import msgspec

from reconciler.applier.settle import settle_parent
from reconciler.errors import Conflict, NotFound, OutcomeUnknown, Refused, RemoteError
from reconciler.model import Address, RemoteConversation, ResourceType, parent_of
from reconciler.planner.actions import Action, Status, Verb
from reconciler.planner.diff import CONVERSATION, digests
from reconciler.planner.parents import live_conversation_values
from reconciler.state.model import Binding, Bound, Closed, Intent, Opened, Unbound

if TYPE_CHECKING:
    from reconciler.applier.run import Run

_ACTIVE: Final = "active"
_CLOSED: Final = 50377
"""Twilio's code for a change of a conversation that is closed."""
_SENDS: Final = 20
"""How often one create is sent again after it certainly did not happen."""


async def services_by_name(run: Run) -> dict[str, tuple[str, ...]]:
    """Return the sids of all services, by name: a service is recognised by not having been there."""
    known: dict[str, tuple[str, ...]] = {}
    async for page in run.client.service_pages():
        for service in page:
            name = service.friendly_name or ""
            known[name] = (*known.get(name, ()), service.sid)
    return known


def parent_intent(run: Run, action: Action, known: dict[str, tuple[str, ...]]) -> Intent:
    """Return what lets a create be recognised: its name, and which services of that name are *known*."""
    sent = {name: run.state.digest(name, action.after[name]) for name in _managed_first(action)}
    if action.type is ResourceType.CONVERSATION:
        return Intent(
            action.address,
            sent=sent,
            name=action.send["unique_name"],
            opened_at=run.client.now(),
            sensitive=action.sensitive,
        )
    name = action.send["friendly_name"]
    return Intent(action.address, sent=sent, name=name, known=known.get(name, ()), opened_at=run.client.now())


async def create_parent(run: Run, action: Action, intent: Intent, *, way: int) -> None:
    """Create a service or conversation; *way* is how many requests wait for it."""
    if action.type is ResourceType.CONVERSATION:
        service = run.state.bindings.get(parent_of(action.address))
        if service is None or not run.is_done(parent_of(action.address)) or not run.is_ready(action):
            return
        intent = msgspec.structs.replace(intent, service_sid=service.sid)
    for _ in range(_SENDS):
        async with run.turns.turn(way):
            if run.stopping:
                return
            run.results.start(action)
            await run.record(Opened(intent))
            trouble = await _create(run, action, intent)
        if trouble is None:
            return
        error = trouble
        if isinstance(error, OutcomeUnknown | Conflict) and await _settle(run, action, intent, error):
            return
        if not isinstance(error, OutcomeUnknown):
            break
    await run.record(Closed(action.address))
    run.results.fail(action, error)


async def update_conversation(run: Run, action: Action, binding: Binding) -> None:
    """Change the fields of a conversation; what `comes_last` is left for `change_state`."""
    if fields := _sent_first(action):
        changed = await _update(run, action, binding, fields, _managed_first(action), begins=True)
        if changed and not comes_last(action):
            run.results.finish(action, Status.DONE, sid=binding.sid)


async def change_state(run: Run, action: Action) -> None:
    """Let a conversation, in which everything else is done, be inactive or closed."""
    binding = run.state.bindings[action.address]
    created = action.verb is Verb.CREATE
    fields = {"state": action.send["state"]}
    begins = not (created or _sent_first(action))
    changed = await _update(run, action, binding, fields, action.managed, begins=begins)
    if changed and not created:  # that it was created is reported already
        run.results.finish(action, Status.DONE, sid=binding.sid)


def comes_last(action: Action) -> bool:
    """Return whether *action* gives a conversation a state that it must not have before all is done."""
    return action.send.get("state", _ACTIVE) != _ACTIVE


async def delete_conversation(run: Run, action: Action, binding: Binding, inside: Iterable[Address]) -> bool:
    """Delete a conversation with what is bound *inside* it, unless somebody wrote in it meanwhile."""
    where = (binding.service_sid, binding.sid)
    async with run.turns.turn(1):
        if run.stopping:
            return False
        run.results.start(action)
        try:
            if await run.highest_index(*where) > action.index:
                run.results.refuse(action, "it holds messages that came after the plan was made; plan again")
                return False
            await run.client.delete_conversation(*where)
        except NotFound:
            pass  # somebody was quicker
        except RemoteError as error:
            run.results.fail(action, error)
            return False
    await run.record(Unbound(action.address), *(Unbound(address) for address in inside))
    run.results.finish(action, Status.DONE, sid=binding.sid)
    return True


async def delete_service(run: Run, action: Action) -> None:
    """Delete a service, unless a conversation is left or was added in it."""
    if run.stopping or action.sid is None:
        return
    run.results.start(action)
    try:
        async for page in run.client.conversation_pages(action.sid):
            if page:
                run.results.refuse(action, "it still holds conversations; plan again")
                return
        await run.client.delete_service(action.sid)
    except NotFound:
        pass  # somebody was quicker
    except RemoteError as error:
        run.results.fail(action, error)
        return
    await run.record(Unbound(action.address))
    run.results.finish(action, Status.DONE, sid=action.sid)


async def forget(run: Run, action: Action) -> None:
    """Drop a parent from the state and leave it as it is."""
    await run.record(Unbound(action.address))
    run.results.finish(action, Status.DONE, sid=action.sid)


async def _update(
    run: Run,
    action: Action,
    binding: Binding,
    fields: dict[str, str],
    managed: Iterable[str],
    *,
    begins: bool,
) -> bool:
    """Send *fields* and remember the *managed* ones; return whether that went well.

    *begins* says that these are the first of the action.
    """
    async with run.turns.turn(1):
        if run.stopping or not run.is_ready(action):
            return False
        if begins:
            run.results.start(action)
        where = (binding.service_sid, binding.sid)
        try:
            live = await _sent(run, where, fields)
        except NotFound:
            run.results.refuse(action, f"{binding.sid} was deleted since the plan was made; plan again")
            return False
        except RemoteError as error:
            run.results.fail(action, error)
            return False
    await run.record(Bound(action.address, _with_digests(run, action, live, binding, managed)))
    return True


async def _sent(run: Run, where: tuple[str, str], fields: dict[str, str]) -> RemoteConversation:
    """Change *fields*; closed already is as good as closed now, the reply having been lost."""
    try:
        return await run.client.update_conversation(*where, fields)
    except Refused as error:
        if error.code != _CLOSED or fields.get("state") != "closed":
            raise
        return await run.client.fetch_conversation(*where)


def _sent_first(action: Action) -> dict[str, str]:
    return {name: action.send[name] for name in _first(action, action.send)}


def _managed_first(action: Action) -> list[str]:
    return _first(action, action.managed)


def _first(action: Action, names: Iterable[str]) -> list[str]:
    """Return those of *names* that need not wait until everything else is done."""
    last = comes_last(action)
    return [name for name in names if not (last and name == "state")]


async def _create(run: Run, action: Action, intent: Intent) -> RemoteError | None:
    """Send the create; return what went wrong."""
    try:
        if action.type is ResourceType.SERVICE:
            service = await run.client.create_service(action.send["friendly_name"])
            binding = Binding(sid=service.sid, sent=intent.sent, created=True)
        else:
            live = await run.client.create_conversation(intent.service_sid, _sent_first(action))
            made = Binding(sid=live.sid, service_sid=intent.service_sid, created=True)
            binding = _with_digests(run, action, live, made, _managed_first(action))
    except RemoteError as error:
        return error
    await _bind(run, action, binding)
    return None


async def _settle(run: Run, action: Action, intent: Intent, error: RemoteError) -> bool:
    """Look for what a create without a reply may have made; return whether that ended the action.

    A conversation that holds messages was made by somebody else, as nothing of ours is in it yet.
    """
    try:
        binding = (await settle_parent(run.client, intent, run.patience, run.pause)).binding
        taken = (
            binding is not None
            and action.type is ResourceType.CONVERSATION
            and await run.highest_index(intent.service_sid, binding.sid) >= 0
        )
    except RemoteError:
        run.results.fail(action, error, status=Status.UNKNOWN)
        return True
    if binding is None:
        return False
    if taken:
        await run.record(Closed(action.address))
        run.results.refuse(action, f"{binding.sid} took its unique name since the plan was made; plan again")
    else:
        await _bind(run, action, binding)
    return True


async def _bind(run: Run, action: Action, binding: Binding) -> None:
    binding = msgspec.structs.replace(binding, sensitive=action.sensitive, anchor=action.anchor)
    await run.record(Bound(action.address, binding))
    run.results.finish(action, Status.DONE, sid=binding.sid)


def _with_digests(
    run: Run, action: Action, live: RemoteConversation, binding: Binding, managed: Iterable[str]
) -> Binding:
    values = {name: action.after[name] for name in managed}
    sent, observed = digests(CONVERSATION, values, live_conversation_values(live), run.state.digest)
    return msgspec.structs.replace(
        binding, sent=sent, observed=observed, imported=False, sensitive=action.sensitive
    )
