"""Carry out the actions on services and conversations that exist.

The state `inactive` or `closed` comes last: new messages end the one, and the other forbids them.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Iterable
from typing import TYPE_CHECKING, Final

import msgspec

from reconciler.applier.polling import Answer, poll
from reconciler.errors import NotFound, Refused, RemoteError
from reconciler.model import Address, RemoteConversation, ResourceType, parent_of
from reconciler.plans.actions import Action, Verb
from reconciler.plans.outcome import Status
from reconciler.refresh.reading import highest_index
from reconciler.resources.conversation import CONVERSATION, live_conversation_values
from reconciler.resources.schema import digests
from reconciler.state.model import Binding, Bound, Closed, Unbound

if TYPE_CHECKING:
    from reconciler.applier.apply import Run

_ACTIVE: Final = "active"
_CLOSED: Final = 50377
"""Twilio's code for a change of a conversation that is closed."""


async def update_conversation(run: Run, action: Action, binding: Binding) -> None:
    """Change the fields of a conversation; what `comes_last` is left for `change_state`."""
    if fields := sent_first(action):
        changed = await _update(run, action, binding, fields, managed_first(action), begins=True)
        if changed and not comes_last(action):
            run.results.finish(action, Status.DONE, sid=binding.sid)


async def change_state(run: Run, action: Action) -> bool:
    """Let a conversation, in which everything else is done, be inactive or closed; return whether it is."""
    binding = run.state.bindings[action.address]
    created = action.verb in {Verb.CREATE, Verb.REPLACE}
    fields = {"state": action.send["state"]}
    begins = not (created or sent_first(action))
    changed = await _update(run, action, binding, fields, action.managed, begins=begins)
    if changed:
        run.progress.carried(action)
    if changed and not created:  # that it was created is reported already
        run.results.finish(action, Status.DONE, sid=binding.sid)
    return changed


def comes_last(action: Action) -> bool:
    """Return whether *action* gives a conversation a state that it must not have before all is done."""
    return action.send.get("state", _ACTIVE) != _ACTIVE


def sids_deleted(actions: Iterable[Action]) -> set[str]:
    """Return the sids of conversations that *actions* delete: their unique names come free later."""
    return {
        action.sid
        for action in actions
        if action.verb is Verb.DELETE and action.type is ResourceType.CONVERSATION and action.sid
    }


async def delete_conversation(
    run: Run, action: Action, binding: Binding, inside: Iterable[Address], people: Collection[str | None]
) -> bool:
    """Delete a conversation with what is bound *inside* it, unless somebody wrote there or joined meanwhile.

    *people* are the sids of the participants of whom the plan knows. Return whether the conversation is gone;
    that is not reported.
    """
    where = (binding.service_sid, binding.sid)

    async def objection() -> str:
        if await highest_index(run.client, *where) > action.index:
            return "it holds messages that came after the plan was made; plan again"
        async for page in run.client.participant_pages(*where):
            for live in page:
                if live.sid not in people:
                    return f"{live.sid} joined it after the plan was made; plan again"
        return ""

    async with run.turns.turn(1):
        if not await _deleted(run, action, objection, lambda: run.client.delete_conversation(*where)):
            return False
    run.deleted.add(binding.sid)
    settled = [Closed(intent) for intent in run.state.intents if parent_of(intent) == action.address]
    await run.record(
        Unbound(action.address),
        *(Unbound(address) for address in inside),
        *settled,
        done=action if action.verb is Verb.DELETE else None,
    )
    return True


async def delete_service(run: Run, action: Action) -> None:
    """Delete a service, unless a conversation is left or was added in it."""
    sid = action.sid
    if sid is None:
        return

    async def objection() -> str:
        async for page in run.client.conversation_pages(sid):
            if page:
                return "it still holds conversations; plan again"
        return ""

    if await _deleted(run, action, objection, lambda: run.client.delete_service(sid)):
        await run.record(Unbound(action.address), done=action)
        run.results.finish(action, Status.DONE, sid=sid)


async def _deleted(
    run: Run,
    action: Action,
    objection: Callable[[], Awaitable[str]],
    delete: Callable[[], Awaitable[None]],
) -> bool:
    """Delete a parent unless there is an *objection*, and return whether it is gone; else report why not.

    What is inside is read first. If that is answered with 404 for all of the settle window, somebody was
    quicker; a single 404 may come from a replica that is behind.
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

    if run.stopping:
        return False
    run.results.start(action)
    answer = await poll(look, run.patience, run.pause)
    if answer is Answer.GONE:
        return True
    if answer is not Answer.FOUND:
        if failure is not None and not run.stopping:
            run.results.fail(action, failure)
        return False
    if found:
        run.results.refuse(action, found)
        return False
    try:
        await delete()
    except NotFound:
        pass  # somebody was quicker
    except RemoteError as error:
        run.results.fail(action, error)
        return False
    return True


async def forget(run: Run, action: Action) -> None:
    """Drop a parent from the state and leave it as it is."""
    await run.record(Unbound(action.address), done=action)
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
    await run.record(Bound(action.address, with_digests(run, action, live, binding, managed)))
    return True


async def _sent(run: Run, where: tuple[str, str], fields: dict[str, str]) -> RemoteConversation:
    """Change *fields*; closed already is as good as closed now, the reply having been lost."""
    try:
        return await run.client.update_conversation(*where, fields)
    except Refused as error:
        if error.code != _CLOSED or fields.get("state") != "closed":
            raise
        return await run.client.fetch_conversation(*where)


def sent_first(action: Action) -> dict[str, str]:
    """Return the fields to send before everything else in the conversation is done."""
    return {name: action.send[name] for name in _first(action, action.send)}


def managed_first(action: Action) -> list[str]:
    """Return the managed fields that are set before everything else in the conversation is done."""
    return _first(action, action.managed)


def _first(action: Action, names: Iterable[str]) -> list[str]:
    """Return those of *names* that need not wait until everything else is done."""
    last = comes_last(action)
    return [name for name in names if not (last and name == "state")]


def with_digests(
    run: Run, action: Action, live: RemoteConversation, binding: Binding, managed: Iterable[str]
) -> Binding:
    """Return *binding* with what was sent of the *managed* fields, and what *live* shows of them."""
    values = {name: action.after[name] for name in managed}
    sent, observed = digests(CONVERSATION, values, live_conversation_values(live), run.state.digest)
    return msgspec.structs.replace(
        binding, sent=sent, observed=observed, imported=False, sensitive=action.sensitive
    )
