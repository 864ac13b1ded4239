"""Carry out the actions on services and conversations that exist."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Iterable

from reconciler.applier.context import Context
from reconciler.applier.final_state import has_final_state, managed_first, sent_first
from reconciler.applier.polling import Answer, poll
from reconciler.applier.results import CLOSED
from reconciler.errors import NotFound, Refused, RemoteError
from reconciler.model import Address, RemoteConversation, parent_of
from reconciler.plans.actions import POSTING, Action, Verb
from reconciler.plans.outcome import Status
from reconciler.refresh.reading import highest_index
from reconciler.resources.binding import up_to_date
from reconciler.resources.conversation import CONVERSATION, live_conversation_values
from reconciler.state.model import Bound, Closed, Unbound
from reconciler.state.remembered import Binding


async def update_conversation(context: Context, action: Action, binding: Binding) -> None:
    """Change the fields of a conversation; a final state is left to `change_state`."""
    if fields := sent_first(context.completed(action)):
        changed = await _update(context, action, binding, fields, managed_first(action), begins=True)
        if changed and not has_final_state(action):
            context.results.finish(action, Status.DONE, sid=binding.sid)


async def change_state(context: Context, action: Action) -> bool:
    """Make a conversation inactive or closed, everything else being done; return whether it is now."""
    binding = context.state.bindings[action.address]
    created = action.verb in POSTING
    fields = {"state": action.send["state"]}
    begins = not (created or sent_first(action))
    changed = await _update(context, action, binding, fields, action.managed, begins=begins)
    if changed:
        context.progress.carried(action)
    if changed and not created:  # a create has been reported already
        context.results.finish(action, Status.DONE, sid=binding.sid)
    return changed


async def delete_conversation(
    context: Context,
    action: Action,
    binding: Binding,
    inside: Iterable[Address],
    participants: Collection[str | None],
) -> bool:
    """Delete a conversation, unless somebody posted in it or joined it since the plan was made.

    *participants* are the sids that the plan knows. The addresses *inside* the conversation are unbound too.
    Return whether it is gone; success is not reported here.
    """
    where = (binding.service_sid, binding.sid)

    async def objection() -> str:
        if await highest_index(context.client, *where) > action.index:
            return "it holds messages that came after the plan was made; plan again"
        async for page in context.client.participant_pages(*where):
            for live in page:
                if live.sid not in participants:
                    return f"{live.sid} joined it after the plan was made; plan again"
        return ""

    async with context.slots.slot(1):
        if not await _delete_unless(
            context, action, objection, lambda: context.client.delete_conversation(*where)
        ):
            return False
    context.deleted.add(binding.sid)
    settled = [Closed(intent) for intent in context.state.intents if parent_of(intent) == action.address]
    await context.record(
        Unbound(action.address),
        *(Unbound(address) for address in inside),
        *settled,
        done=action if action.verb is Verb.DELETE else None,
    )
    return True


async def delete_service(context: Context, action: Action) -> None:
    """Delete a service, unless it holds any conversation."""
    sid = action.sid
    if sid is None:
        return

    async def objection() -> str:
        async for page in context.client.conversation_pages(sid):
            if page:
                return "it still holds conversations; plan again"
        return ""

    if await _delete_unless(context, action, objection, lambda: context.client.delete_service(sid)):
        await context.record(Unbound(action.address), done=action)
        context.results.finish(action, Status.DONE, sid=sid)


async def _delete_unless(
    context: Context,
    action: Action,
    objection: Callable[[], Awaitable[str]],
    delete: Callable[[], Awaitable[None]],
) -> bool:
    """Delete a parent unless *objection* reads a reason not to; return whether it is gone.

    If it is not, the reason is reported. The parent counts as deleted by somebody else only if every read in
    the settle window gets a 404: a single 404 may come from a replica that is behind.
    """
    found = ""
    failure: RemoteError | None = None

    async def look() -> bool:
        nonlocal found, failure
        try:
            found = await objection()
        except RemoteError as error:
            failure = error
            raise
        return True

    if context.stopping:
        return False
    context.results.start(action)
    answer = await poll(look, context.settle_window, context.pause)
    if answer is Answer.GONE:
        return True
    if answer is not Answer.FOUND:
        if failure is not None and not context.stopping:
            context.results.fail(action, failure)
        return False
    if found:
        context.results.refuse(action, found)
        return False
    try:
        await delete()
    except NotFound:
        pass  # deleted by somebody else meanwhile
    except RemoteError as error:
        context.results.fail(action, error)
        return False
    return True


async def forget(context: Context, action: Action) -> None:
    """Unbind a parent that stays on Twilio as it is."""
    await context.record(Unbound(action.address), done=action)
    context.results.finish(action, Status.DONE, sid=action.sid)


async def _update(
    context: Context,
    action: Action,
    binding: Binding,
    fields: dict[str, str],
    managed: Iterable[str],
    *,
    begins: bool,
) -> bool:
    """Send *fields* and bind what the reply shows of the *managed* ones; return whether that succeeded.

    *begins* marks the first request of the action.
    """
    async with context.slots.slot(1):
        if context.stopping or not context.is_ready(action):
            return False
        if begins:
            context.results.start(action)
        where = (binding.service_sid, binding.sid)
        try:
            live = await _send(context, where, fields)
        except NotFound:
            context.results.refuse(action, f"{binding.sid} was deleted since the plan was made; plan again")
            return False
        except RemoteError as error:
            context.results.fail(action, error)
            return False
    await context.record(Bound(action.address, with_digests(context, action, live, binding, managed)))
    return True


async def _send(context: Context, where: tuple[str, str], fields: dict[str, str]) -> RemoteConversation:
    """Change *fields*. A conversation that is closed already counts as closed: a lost request did it."""
    try:
        return await context.client.update_conversation(*where, fields)
    except Refused as error:
        if error.code != CLOSED or fields.get("state") != "closed":
            raise
        return await context.client.fetch_conversation(*where)


def with_digests(
    context: Context, action: Action, live: RemoteConversation, binding: Binding, managed: Iterable[str]
) -> Binding:
    """Return *binding* with digests of the *managed* fields: as sent, and as *live* shows them."""
    after = context.completed(action).after
    values = {name: after[name] for name in managed}
    return up_to_date(
        CONVERSATION,
        binding,
        values,
        live_conversation_values(live),
        context.digest,
        sensitive=action.sensitive,
    )
