"""Carry out the actions on the participants of one conversation.

An identity, or a pair of addresses, can be in a conversation only once. So a create without a reply is looked
up by them, or sent again. Its intent lets a later run know that the participant it finds is ours.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

import msgspec

from reconciler.applier.context import Context
from reconciler.applier.polling import RESENDS, Answer, poll
from reconciler.applier.settle_parents import find_participant, is_ours, participant_digest
from reconciler.errors import NotFound, OutcomeUnknown, Refused, RemoteError
from reconciler.model import Address, RemoteParticipant
from reconciler.plans.actions import POSTING, Action, Reason, Verb
from reconciler.plans.halves import halves
from reconciler.plans.outcome import Status
from reconciler.resources.binding import existing, up_to_date
from reconciler.resources.participant import PARTICIPANT, live_participant_values
from reconciler.resources.schema import sent_digests
from reconciler.runtime.concurrency import concurrently
from reconciler.state.model import Bound, Closed, Opened, gone
from reconciler.state.remembered import Intent

_THERE_ALREADY: Final = frozenset({50416, 50433})
"""Twilio's codes for a pair of addresses and for an identity that is in the conversation already."""


async def add_participants(context: Context, actions: Iterable[Action], service_sid: str, sid: str) -> None:
    """Create, update and replace participants, and remove superseded ones, all side by side."""
    where = (service_sid, sid)
    await concurrently(
        _remove(context, action, where) if action.verb is Verb.DELETE else _add(context, action, where)
        for action in actions
        if not _is_last(action)
    )


async def remove_participants(
    context: Context, actions: Iterable[Action], service_sid: str, sid: str
) -> None:
    """Remove participants after the messages are posted; their own messages stay."""
    await concurrently(_remove(context, action, (service_sid, sid)) for action in actions if _is_last(action))


def _is_last(action: Action) -> bool:
    """Return whether *action* removes a participant after the new messages, which they still receive.

    One who was superseded is removed before them.
    """
    return action.verb is Verb.DELETE and action.reason is not Reason.SUPERSEDED


async def _remove(context: Context, action: Action, where: tuple[str, str]) -> None:
    if action.with_parent or context.stopping or action.sid is None:
        return
    if await _delete(context, action, where):
        await _forget(context, action)
        context.results.finish(action, Status.DONE, sid=action.sid)


async def _add(context: Context, action: Action, where: tuple[str, str]) -> None:
    if context.stopping:
        return
    context.results.start(action)
    replaced = action.verb is Verb.REPLACE and not action.with_parent
    goes_first = replaced and halves(action)[0] is Verb.DELETE
    if goes_first:
        if not await _delete(context, action, where):
            return
        context.results.halfway(action, sid=None)
    try:
        if action.verb is Verb.UPDATE and action.sid is not None:
            live = await _update(context, where, action.sid, action.send)
            created = context.state.bindings[action.address].created
        else:
            live, created = await _create(context, action, where)
    except RemoteError as error:
        context.results.fail(
            action, error, Status.UNKNOWN if isinstance(error, OutcomeUnknown) else Status.FAILED
        )
        return
    managed = {name: action.after[name] for name in action.managed}
    before = context.state.bindings.get(action.address)  # read only now: superseded sids have been removed
    superseded = before.superseded if before is not None else ()
    if replaced and not goes_first and action.sid is not None:
        superseded = (*superseded, action.sid)
    found = existing(live.sid, service_sid=where[0], conversation_sid=where[1])
    binding = up_to_date(PARTICIPANT, found, managed, live_participant_values(live), context.digest)
    binding = msgspec.structs.replace(binding, superseded=superseded, created=created)
    goes_last = replaced and not goes_first
    await context.record(Bound(action.address, binding), done=None if goes_last else action)
    if goes_last:
        context.results.halfway(action, sid=live.sid)
        if not await _delete(context, action, where):
            return
        await _forget(context, action)
    context.results.finish(action, Status.DONE, sid=live.sid)


async def _update(
    context: Context, where: tuple[str, str], sid: str, fields: Mapping[str, str]
) -> RemoteParticipant:
    async with context.slots.slot(1):
        return await context.client.update_participant(*where, sid, fields)


async def _forget(context: Context, action: Action) -> None:
    """Record that the participant of *action* is gone."""
    binding = context.state.bindings.get(action.address)
    if binding is not None and action.sid is not None:
        await context.record(gone(action.address, binding, action.sid), done=action)


async def _create(context: Context, action: Action, where: tuple[str, str]) -> tuple[RemoteParticipant, bool]:
    """Return the participant of *action*, and whether this run created it."""
    intent = _intent(context, action, where)
    unanswered = False
    sends = 0
    while True:
        sends += 1
        await context.record(Opened(intent))
        try:
            async with context.slots.slot(1):
                return await context.client.create_participant(*where, action.send), True
        except OutcomeUnknown:
            unanswered = True
            live = await _find(context, intent, patient=sends > RESENDS)
            if live is None and (context.stopping or sends > RESENDS):
                raise
        except RemoteError as error:
            is_there = isinstance(error, Refused) and error.code in _THERE_ALREADY
            live = await _find(context, intent, patient=True) if is_there else None
            if live is None:
                if not unanswered:
                    await context.record(Closed(action.address))
                raise
        if live is not None:
            ours = unanswered and is_ours(live.date_created, intent)
            return await _correct(context, action, where, live), ours


async def _find(context: Context, intent: Intent, *, patient: bool) -> RemoteParticipant | None:
    """Return the participant with the natural key of *intent*.

    A *patient* look is repeated through the settle window.
    """
    live: RemoteParticipant | None = None

    async def look() -> bool:
        nonlocal live
        live = await find_participant(context.client, context.digest, intent)
        return live is not None

    answer = await poll(look, context.settle_window if patient else lambda _: 0, context.pause)
    return live if answer is Answer.FOUND else None


async def _correct(
    context: Context, action: Action, where: tuple[str, str], live: RemoteParticipant
) -> RemoteParticipant:
    """Return the participant that was found, updated to what was to be created: others may have added it."""
    shown = {**PARTICIPANT.defaults, **live_participant_values(live)}
    differs = {
        name: text
        for name, text in action.send.items()
        if name not in PARTICIPANT.immutable and shown.get(name) != text
    }
    return await _update(context, where, live.sid, differs) if differs else live


def _intent(context: Context, action: Action, where: tuple[str, str]) -> Intent:
    digest = context.digest
    return Intent(
        action.address,
        service_sid=where[0],
        conversation_sid=where[1],
        match=participant_digest(digest, action.send),
        sent=sent_digests({name: action.after[name] for name in action.managed}, digest),
        opened_at=context.client.now(),
        clock_at=context.clock(),
    )


def announced_participants(context: Context, actions: Iterable[Action]) -> dict[Address, str]:
    """Return the entry of the snapshot for the creates of participants among *actions*."""
    return {
        action.address: participant_digest(context.digest, action.send)
        for action in actions
        if action.verb in POSTING
    }


async def _delete(context: Context, action: Action, where: tuple[str, str]) -> bool:
    try:
        async with context.slots.slot(1):
            await context.client.delete_participant(*where, action.sid or "")
    except NotFound:
        return True  # removed by somebody else meanwhile
    except RemoteError as error:
        context.results.fail(action, error)
        return False
    return True
