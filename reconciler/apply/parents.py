"""Carry out the actions on services and conversations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from reconciler.apply.settle import settle_parent
from reconciler.errors import Conflict, NotFound, OutcomeUnknown, RemoteError
from reconciler.model import RemoteConversation, ResourceType, parent_of, type_of
from reconciler.plan.actions import Action, Status
from reconciler.plan.diff import CONVERSATION, digests
from reconciler.plan.parents import live_conversation_values
from reconciler.state.model import Binding, Bound, Closed, Intent, Opened, Unbound

if TYPE_CHECKING:
    from reconciler.apply.run import Run

_SENDS: Final = 5
"""How often one create is sent again after it certainly did not happen."""


async def parent_intent(run: Run, action: Action, opened_at: str) -> Intent:
    """Return what lets a create be recognised: the name, and which services of it were there before."""
    sent = {name: run.state.digest(name, action.after[name]) for name in action.managed}
    if action.type is ResourceType.CONVERSATION:
        return Intent(action.address, sent=sent, name=action.send["unique_name"], opened_at=opened_at)
    name = action.send["friendly_name"]
    known = [
        service.sid
        async for page in run.client.service_pages()
        for service in page
        if service.friendly_name == name
    ]
    return Intent(action.address, sent=sent, name=name, known=tuple(known), opened_at=opened_at)


async def create_parent(run: Run, action: Action) -> None:
    """Create a service or conversation; its intent is on disk since the run began."""
    intent = run.state.intents[action.address]
    if action.type is ResourceType.CONVERSATION:
        service = run.state.bindings.get(parent_of(action.address))
        if service is None or not run.is_done(parent_of(action.address)):
            return
        intent = msgspec.structs.replace(intent, service_sid=service.sid)
        await run.record(Opened(intent))
    run.start(action)
    for _ in range(_SENDS):
        if run.stopping:
            return
        run.sent(action)
        try:
            binding = await _created(run, action, intent)
        except OutcomeUnknown as error:
            try:
                settled = await settle_parent(run.client, intent, run.settling)
            except RemoteError:
                run.fail(action, error, status=Status.UNKNOWN)
                return
            if settled.binding is None:
                continue
            binding = settled.binding
        except RemoteError as error:
            await run.record(Closed(action.address))
            run.fail(action, error)
            return
        await run.record(Bound(action.address, binding))
        run.finish(action, Status.DONE, sid=binding.sid)
        return


async def update_conversation(run: Run, action: Action, binding: Binding) -> None:
    """Change the fields of a conversation."""
    run.start(action)
    try:
        live = await run.client.update_conversation(binding.service_sid, binding.sid, action.send)
    except RemoteError as error:
        run.fail(action, error)
        return
    changed = _with_digests(run, action, live, binding)
    await run.record(Bound(action.address, changed))
    run.finish(action, Status.DONE, sid=binding.sid)


async def delete_conversation(run: Run, action: Action, binding: Binding) -> bool:
    """Delete a conversation with its messages, unless somebody wrote in it since the plan was made."""
    run.start(action)
    where = (binding.service_sid, binding.sid)
    try:
        async for page in run.client.message_pages(*where, order="desc", page_size=1):
            if page and page[0].index > action.index:
                run.refuse(action, "it holds messages that came after the plan was made; plan again")
                return False
            break
        await run.client.delete_conversation(*where)
    except NotFound:
        pass  # somebody was quicker
    except RemoteError as error:
        run.fail(action, error)
        return False
    await run.record(Unbound(action.address))
    run.finish(action, Status.DONE, sid=binding.sid)
    return True


async def delete_service(run: Run, action: Action) -> None:
    """Delete a service, unless a conversation is left or was added in it."""
    if run.stopping or action.sid is None:
        return
    run.start(action)
    try:
        async for page in run.client.conversation_pages(action.sid):
            if page:
                run.refuse(action, "it still holds conversations; plan again")
                return
        await run.client.delete_service(action.sid)
    except NotFound:
        pass  # somebody was quicker
    except RemoteError as error:
        run.fail(action, error)
        return
    await run.record(Unbound(action.address))
    run.finish(action, Status.DONE, sid=action.sid)


async def forget(run: Run, action: Action) -> None:
    """Drop a parent from the state and leave it as it is."""
    await run.record(Unbound(action.address))
    run.finish(action, Status.DONE, sid=action.sid)


async def _created(run: Run, action: Action, intent: Intent) -> Binding:
    if type_of(action.address) is ResourceType.SERVICE:
        service = await run.client.create_service(action.send["friendly_name"])
        return Binding(sid=service.sid, sent=intent.sent, created=True)
    try:
        live = await run.client.create_conversation(intent.service_sid, action.send)
    except Conflict:
        settled = await settle_parent(run.client, intent, run.settling)
        if settled.binding is None:
            raise
        return settled.binding
    return _with_digests(
        run, action, live, Binding(sid=live.sid, service_sid=intent.service_sid, created=True)
    )


def _with_digests(run: Run, action: Action, live: RemoteConversation, binding: Binding) -> Binding:
    managed = {name: action.after[name] for name in action.managed}
    sent, observed = digests(CONVERSATION, managed, live_conversation_values(live), run.state.digest)
    return msgspec.structs.replace(binding, sent=sent, observed=observed, imported=False)
